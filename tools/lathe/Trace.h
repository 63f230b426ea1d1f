//===- Trace.h - what threads did, for trace viewers ------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_TOOLS_LATHE_TRACE_H
#define LATHE_TOOLS_LATHE_TRACE_H

#include "lathe/lathe.hpp"

#include <nlohmann/json.hpp>
#include <vector>

namespace lathe::cli {

/// Runs the model some times and gives what its threads did in the format of Chrome's trace viewer and Perfetto: a complete event
/// per call (or round of a call) and thread, one per wait, and one per inference. Times are in microseconds from the first one.
/// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
nlohmann::ordered_json traceRuns(Session &session, const std::vector<lathe_tensor_t> &inputs, int runs);

} // namespace lathe::cli

#endif // LATHE_TOOLS_LATHE_TRACE_H
