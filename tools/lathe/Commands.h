//===- Commands.h - the subcommands of lathe --------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_TOOLS_LATHE_COMMANDS_H
#define LATHE_TOOLS_LATHE_COMMANDS_H

#include "tools/lathe/Error.h"
#include "tools/lathe/Model.h"

#include <string>
#include <vector>

namespace lathe::cli {

struct RunOptions {
  std::string model;
  std::vector<std::string> inputs;  ///< NAME=FILE.npy
  std::vector<std::string> expects; ///< NAME=FILE.npy
  std::string outputFolder;
  SizeOptions sizes;
  bool isRandom = false;
  uint64_t seed = 0;
  uint32_t threads = 0;
  double rtol = 1e-4; ///< relative to the largest magnitude expected
  double atol = 1e-6;
};

struct BenchOptions {
  std::string model;
  SizeOptions sizes;
  uint32_t threads = 0;
  double seconds = 2;
  bool profile = false;
  std::string limits; ///< file that machine-limits wrote
  std::string trace;
  std::string json;
  std::string html;
};

struct InspectOptions {
  std::string model;
  SizeOptions sizes;
  std::string json;
  std::string html;
  std::string profile; ///< file that `lathe bench --profile --json` wrote
};

/// Each throws Failure or lathe::Error.
Exit runModel(const RunOptions &options);
Exit benchModel(const BenchOptions &options);
Exit inspectModel(const InspectOptions &options);

} // namespace lathe::cli

#endif // LATHE_TOOLS_LATHE_COMMANDS_H
