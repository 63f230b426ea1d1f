//===- MachineLimits.h - the limits that kernels are held to ----*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "tools/machine-limits/Limits.h"

#include <nlohmann/json.hpp>
#include <optional>

namespace lathe::limits {

/// What so many threads of a machine can do.
struct MachineLimits {
  unsigned threads = 0;
  std::string isa;
  double fmaGflops = 0;
  std::vector<ReadSpeed> reads; ///< by increasing size; not empty

  /// Speed at which a working set of so many bytes is read: that of the largest one measured that isn't larger.
  double gbPerSecond(double workingSetBytes) const;
};

/// Measures with all care, in some seconds.
MachineLimits measure(unsigned threads, size_t largestBytes);

/// Measures in a third of a second, for a share of the limit that is meant to be read, not compared: working sets of up to 128 MiB
/// in few rounds. More threads than CPUs are taken for as many as there are CPUs.
MachineLimits measureQuickly(unsigned threads);

nlohmann::ordered_json toJson(const MachineLimits &limits);

/// Of what toJson gives; nullopt for anything else.
std::optional<MachineLimits> fromJson(const nlohmann::ordered_json &json);

} // namespace lathe::limits
