// The pool: every thread does each job once, whatever the timing.
#include "runtime/src/executor/ThreadPool.h"

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <sys/resource.h>

using namespace lathe::runtime;

TEST_CASE("thread pool: each thread runs each job once") {
  for (uint32_t threads : {1u, 2u, 3u, 8u}) {
    ThreadPool pool(threads);
    std::vector<std::atomic<int>> counts(threads);
    auto job = [](void *context, uint32_t thread) {
      ++(*static_cast<std::vector<std::atomic<int>> *>(context))[thread];
    };
    for (int i = 0; i < 200; ++i)
      pool.run(job, &counts);
    for (auto &count : counts)
      CHECK(count == 200);
  }
}

TEST_CASE("thread pool: a barrier separates what comes before from what comes after") {
  constexpr uint32_t threads = 4;
  struct Shared {
    Barrier barrier{threads, 100};
    std::atomic<int> before{0}, early{0};
  } shared;
  ThreadPool pool(threads);
  auto job = [](void *context, uint32_t) {
    Shared &shared = *static_cast<Shared *>(context);
    for (int round = 1; round <= 300; ++round) {
      ++shared.before;
      shared.barrier.wait();
      shared.early += shared.before < round * static_cast<int>(threads);
      shared.barrier.wait();
    }
  };
  pool.run(job, &shared);
  CHECK(shared.before == 300 * static_cast<int>(threads));
  CHECK(shared.early == 0);
}

static double cpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

TEST_CASE("thread pool: idle threads sleep") {
  ThreadPool pool(4);
  pool.run([](void *, uint32_t) {}, nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  double before = cpuSeconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK(cpuSeconds() - before < 0.05);
}
