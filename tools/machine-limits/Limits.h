//===- Limits.h - what the machine can do ----------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace lathe::limits {

/// How fast a working set is read.
struct ReadSpeed {
  size_t bytes;       // of all threads together
  double gbPerSecond; // 1e9 bytes
};

/// Name of the widest instruction set that fma() uses here: avx512, avx2 or sse.
std::string isa();

/// Multiplications and additions of f32 per second in 1e9, of so many threads together. Every thread has a CPU of its own. The
/// fastest round counts; one takes about 0.6 ms.
double fmaGflops(unsigned threads, int rounds);

/// Reads working sets of 16 KiB per thread up to `largest` bytes, each twice as large as the one before. Every thread reads
/// a part of its own, over and over. The fastest round counts; the largest set gets a quarter of the rounds.
std::vector<ReadSpeed> readSpeeds(unsigned threads, size_t largest, int rounds);

} // namespace lathe::limits
