// The operations of the zoo's models, as bench-kernels measures them; here those that the interpreter computes in little time.
#include "tests/kernels/KernelCases.h"
#include <catch2/catch_test_macros.hpp>

using namespace lathe::test;

TEST_CASE("operations of the zoo") {
  constexpr int64_t largest = 30000; // elements
  int judged = 0;
  for (const KernelCase &kernelCase : readKernelCases(LATHE_KERNEL_CASES)) {
    if (kernelCase.elements() > largest)
      continue;
    for (const char *cpu : {"x86-64-v3", "x86-64-v4/native"}) {
      RunOptions options = optionsOf(kernelCase);
      options.cpu = cpu;
      CHECK(runCase(kernelCase.text(), options) == "");
    }
    ++judged;
  }
  CHECK(judged > 100);
}
