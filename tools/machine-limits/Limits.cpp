//===- Limits.cpp - what the machine can do -------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tools/machine-limits/Limits.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <functional>
#include <immintrin.h>
#include <memory>
#include <new>
#include <sched.h>
#include <sys/mman.h>
#include <thread>

namespace lathe::limits {
namespace {

double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

/// Keeps a value from being optimized away.
template <class T> void keep(T &value) { asm volatile("" : : "r"(&value) : "memory"); }

/// Twelve sums: more than latency times throughput of any FMA unit, and few enough to stay in registers.
constexpr int kSums = 12;

__attribute__((target("avx512f"))) void fmaAvx512(long steps) {
  __m512 sums[kSums], factor = _mm512_set1_ps(0.5f);
  for (__m512 &sum : sums)
    sum = _mm512_set1_ps(1);
  keep(factor);
  for (long i = 0; i < steps; ++i)
    for (__m512 &sum : sums)
      sum = _mm512_fmadd_ps(sum, factor, factor);
  for (__m512 &sum : sums)
    keep(sum);
}

__attribute__((target("avx2,fma"))) void fmaAvx2(long steps) {
  __m256 sums[kSums], factor = _mm256_set1_ps(0.5f);
  for (__m256 &sum : sums)
    sum = _mm256_set1_ps(1);
  keep(factor);
  for (long i = 0; i < steps; ++i)
    for (__m256 &sum : sums)
      sum = _mm256_fmadd_ps(sum, factor, factor);
  for (__m256 &sum : sums)
    keep(sum);
}

void mulAddSse(long steps) {
  __m128 sums[kSums], factor = _mm_set1_ps(0.5f);
  for (__m128 &sum : sums)
    sum = _mm_set1_ps(1);
  keep(factor);
  for (long i = 0; i < steps; ++i)
    for (__m128 &sum : sums)
      sum = _mm_add_ps(_mm_mul_ps(sum, factor), factor);
  for (__m128 &sum : sums)
    keep(sum);
}

struct Width {
  const char *name;
  int lanes;
  void (*run)(long steps);
};

Width widest() {
  if (__builtin_cpu_supports("avx512f"))
    return {"avx512", 16, fmaAvx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {"avx2", 8, fmaAvx2};
  return {"sse", 4, mulAddSse};
}

__attribute__((target("avx2"))) void readAvx2(const float *data, size_t count) {
  __m256 sums[8] = {};
  for (size_t i = 0; i + 64 <= count; i += 64)
    for (int j = 0; j < 8; ++j)
      sums[j] = _mm256_or_ps(sums[j], _mm256_loadu_ps(data + i + 8 * j));
  for (__m256 &sum : sums)
    keep(sum);
}

void readSse(const float *data, size_t count) {
  __m128 sums[8] = {};
  for (size_t i = 0; i + 32 <= count; i += 32)
    for (int j = 0; j < 8; ++j)
      sums[j] = _mm_or_ps(sums[j], _mm_loadu_ps(data + i + 4 * j));
  for (__m128 &sum : sums)
    keep(sum);
}

struct Unmap {
  size_t bytes;
  void operator()(float *data) const { munmap(data, bytes); }
};

/// Zeros in huge pages where the system has them; else address translation would be measured, not memory.
float *mapLarge(size_t bytes) {
  void *data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED)
    throw std::bad_alloc();
  madvise(data, bytes, MADV_HUGEPAGE);
  return static_cast<float *>(data);
}

void pinToCpu(unsigned which) {
  cpu_set_t allowed, one;
  sched_getaffinity(0, sizeof(allowed), &allowed);
  which %= static_cast<unsigned>(CPU_COUNT(&allowed));
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || which-- != 0)
      continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof(one), &one);
    return;
  }
}

/// Seconds of the fastest of `rounds` in which all threads do `work` once, started together; the slowest thread counts.
double bestOf(int rounds, unsigned threads, const std::function<void(unsigned thread)> &work) {
  std::vector<double> starts(threads), ends(threads);
  double best = 1e30;
  std::barrier turn(static_cast<ptrdiff_t>(threads));
  auto body = [&](unsigned thread) {
    pinToCpu(thread);
    work(thread);
    for (int round = 0; round < rounds; ++round) {
      turn.arrive_and_wait();
      starts[thread] = now();
      work(thread);
      ends[thread] = now();
      turn.arrive_and_wait();
      if (thread == 0)
        best = std::min(best,
                        *std::max_element(ends.begin(), ends.end()) - *std::min_element(starts.begin(), starts.end()));
    }
  };
  std::vector<std::thread> pool;
  pool.reserve(threads);
  for (unsigned thread = 0; thread < threads; ++thread)
    pool.emplace_back(body, thread);
  for (std::thread &thread : pool)
    thread.join();
  return best;
}

} // namespace

std::string isa() { return widest().name; }

double fmaGflops(unsigned threads, int rounds) {
  constexpr long steps = 1 << 18;
  Width width = widest();
  double seconds = bestOf(rounds, threads, [&](unsigned) { width.run(steps); });
  return 2e-9 * kSums * width.lanes * steps * threads / seconds;
}

std::vector<ReadSpeed> readSpeeds(unsigned threads, size_t largest, int rounds) {
  auto read = __builtin_cpu_supports("avx2") ? readAvx2 : readSse;
  size_t count = largest / sizeof(float) / threads;
  std::vector<std::unique_ptr<float, Unmap>> parts;
  for (unsigned thread = 0; thread < threads; ++thread) {
    parts.emplace_back(mapLarge(count * sizeof(float)), Unmap{count * sizeof(float)});
    std::fill_n(parts.back().get(), count, 1.0f);
  }
  std::vector<ReadSpeed> speeds;
  for (size_t size = (16 << 10) / sizeof(float);; size = std::min(count, 2 * size)) {
    size_t times = std::max<size_t>(1, (4 << 20) / sizeof(float) / size);
    double seconds = bestOf(size == count ? std::max(rounds / 4, 1) : rounds, threads, [&](unsigned thread) {
      for (size_t i = 0; i < times; ++i)
        read(parts[thread].get(), size);
    });
    double bytes = double(size * sizeof(float) * threads);
    speeds.push_back({static_cast<size_t>(bytes), 1e-9 * bytes * double(times) / seconds});
    if (size == count)
      return speeds;
  }
}

} // namespace lathe::limits
