// An order of steps that keeps little memory alive. No IR here: see compiler/pipeline/OrderOperations.h for where steps come
// from, docs/Memory.md for the whole picture.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <vector>

namespace lathe {

/// What is done at once: `after` names the steps (by index) that come before it, `values` what it reads or writes, each once.
struct Step {
  llvm::SmallVector<unsigned, 4> after, values;
};

/// The largest sum of sizes (bytes) that are live in one step, if steps run in this order; a value is live from the first
/// step that touches it to the last.
int64_t peakOf(llvm::ArrayRef<Step> steps, llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<unsigned> order);

/// An order with a smaller peak than the given one (0, 1, 2..), which must be possible; that one if none is found. Tried are
/// list schedules from either end that take the step that adds least memory. Finding the best is NP-complete (Sethi,
/// Complete Register Allocation Problems, 1975). Deterministic; time grows with the square of the number of steps at worst.
std::vector<unsigned> orderSteps(llvm::ArrayRef<Step> steps, llvm::ArrayRef<int64_t> sizes);

} // namespace lathe
