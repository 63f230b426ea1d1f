//===- main.cpp - machine-limits ------------------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// Prints, as JSON, the floating-point peak of this machine and the bandwidth
// of its caches and memory: what tools/bench-peers compares models with.
//
//===----------------------------------------------------------------------===//
#include "tools/machine-limits/MachineLimits.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int argc, char **argv) {
  constexpr size_t largest = size_t{512} << 20;
  if (argc != 1 && (argc != 3 || std::strcmp(argv[1], "--threads") != 0 || std::atoi(argv[2]) < 1)) {
    std::fprintf(stderr, "usage: machine-limits [--threads N]\n");
    return 2;
  }
  unsigned threads = argc == 3 ? static_cast<unsigned>(std::atoi(argv[2])) : 1;
  std::printf("%s\n", lathe::limits::toJson(lathe::limits::measure(threads, largest)).dump(1).c_str());
  return 0;
}
