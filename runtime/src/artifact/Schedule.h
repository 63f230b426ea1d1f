//===- Schedule.h - when the sizes of a program become known ----*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// Most symbols follow from the inputs. "Late" ones are read from a tensor once
// a call is done, and split the calls of a program into stages:
//
//   stage 0: symbols of inputs -> calls [0, a)
//   stage 1: symbols read after call a - 1 -> calls [a, b)
//   ...
//
// A schedule says, per stage, what is to be evaluated in which order. It is
// made once per artifact; evaluating is then a walk over flat lists.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_ARTIFACT_SCHEDULE_H
#define LATHE_RUNTIME_ARTIFACT_SCHEDULE_H

#include "manifest_generated.h"

#include <cstdint>
#include <vector>

namespace lathe::runtime {

/// The symbol or expression to be computed next.
struct Step {
  bool isSymbol;
  uint32_t number;
};

struct Stage {
  uint32_t firstCall = 0;
  uint32_t endCall = 0;
  std::vector<Step> steps;
  std::vector<uint32_t> constraints;
  std::vector<uint32_t> buffers; ///< whose size becomes known
  std::vector<uint32_t> outputs; ///< whose shape becomes known
};

struct Schedule {
  std::vector<Stage> stages;
  std::vector<uint32_t> exprStage;   ///< index into stages, per expression
  std::vector<uint32_t> symbolStage; ///< likewise, per symbol
};

/// Expressions and numbers of symbols must be without fault already. Throws
/// Error (LATHE_BAD_ARTIFACT) when a symbol is used before it is known.
Schedule makeSchedule(const artifact::Program &program);

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_ARTIFACT_SCHEDULE_H
