// Cases of kernels that need vectors of 256 bits.
#pragma once

#include "tests/unit/x86/KernelRunner.h"
#include <catch2/catch_test_macros.hpp>

namespace lathe::test {

/// Runs the case on each of runnableCpus but x86-64-v2.
inline void checkOnWideCpus(const std::string &text, RunOptions options) {
  for (const std::string &cpu : runnableCpus()) {
    if (cpu == "x86-64-v2")
      continue;
    options.cpu = cpu;
    const std::string problem = runCase(text, options);
    INFO(text);
    INFO(problem);
    CHECK(problem.empty());
  }
}

} // namespace lathe::test
