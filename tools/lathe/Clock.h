//===- Clock.h - times of the command line ----------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_TOOLS_LATHE_CLOCK_H
#define LATHE_TOOLS_LATHE_CLOCK_H

#include <chrono>

namespace lathe::cli {

/// Of CLOCK_MONOTONIC, as the events of a trace.
inline double nowMs() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

} // namespace lathe::cli

#endif // LATHE_TOOLS_LATHE_CLOCK_H
