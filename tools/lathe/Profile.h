//===- Profile.h - times of kernels beside the machine's limit --*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_TOOLS_LATHE_PROFILE_H
#define LATHE_TOOLS_LATHE_PROFILE_H

#include "lathe/lathe.hpp"
#include "tools/machine-limits/MachineLimits.h"

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lathe::cli {

/// Reads what machine-limits wrote; a session of so many threads is compared with it. Throws Failure.
limits::MachineLimits readLimits(const std::string &path, uint32_t threads);

/// Runs the model for so many seconds, twice at least, in turns with and without the profile. Adds to the result
///   kernels  one entry per call, in their order: name, nodes, threads, ms (median), min_ms, share, flops, bytes, weight_bytes,
///            gflops, gbs, limit_ms, limit_percent, bound ("compute", "memory" or null)
///   profile  runs, plain_ms and profiled_ms (medians of whole runs), plain_min_ms and profiled_min_ms, calls_ms (sum of the
///            kernels)
/// The limit of a kernel is the longer one of two times: its operations at the peak of the FMA units; its weights at the speed
/// at which a working set as large as all weights is read, and its other bytes at that of their own.
void addProfile(nlohmann::ordered_json &result, Session &session, const std::vector<lathe_tensor_t> &inputs,
                double seconds, const limits::MachineLimits &limits, const std::function<void(size_t runs)> &progress);

/// A table, longest first.
void printProfile(const nlohmann::ordered_json &result);

} // namespace lathe::cli

#endif // LATHE_TOOLS_LATHE_PROFILE_H
