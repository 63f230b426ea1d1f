// The pool: what a job leaves to do is done, whichever threads take part.
#include "runtime/src/executor/ThreadPool.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <sys/resource.h>

using namespace lathe::runtime;
using namespace std::chrono_literals;

TEST_CASE("thread pool: the caller takes part in each job, others at most once") {
  for (uint32_t threads : {1u, 2u, 3u, 8u}) {
    ThreadPool pool(threads);
    std::vector<std::atomic<int>> counts(threads);
    auto job = [](void *context, uint32_t thread) {
      ++(*static_cast<std::vector<std::atomic<int>> *>(context))[thread];
    };
    for (int i = 1; i <= 500; ++i) {
      pool.run(job, &counts);
      CHECK(counts[0] == i);
      for (auto &count : counts)
        CHECK(count <= i);
    }
  }
}

TEST_CASE("thread pool: other threads come") {
  constexpr int threads = 3;
  ThreadPool pool(threads);
  std::atomic<int> inside = 0;
  auto job = [](void *context, uint32_t) {
    std::atomic<int> &inside = *static_cast<std::atomic<int> *>(context);
    ++inside;
    auto end = std::chrono::steady_clock::now() + 10s;
    while (inside < threads && std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
  };
  for (int round = 0; round < 20; ++round) {
    inside = 0;
    pool.run(job, &inside);
    CHECK(inside == threads);
  }
}

TEST_CASE("thread pool: nobody is in a job that has returned") {
  ThreadPool pool(4);
  for (int round = 0; round < 2000; ++round) {
    struct Shared {
      std::atomic<bool> isOver{false};
      std::atomic<int> late{0};
    };
    auto shared = std::make_unique<Shared>();
    auto job = [](void *context, uint32_t) {
      Shared &shared = *static_cast<Shared *>(context);
      for (int i = 0; i < 100; ++i)
        shared.late += shared.isOver;
    };
    pool.run(job, shared.get());
    shared->isOver = true;
    REQUIRE(shared->late == 0);
  }
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
  std::this_thread::sleep_for(10ms);
  double before = cpuSeconds();
  std::this_thread::sleep_for(200ms);
  CHECK(cpuSeconds() - before < 0.05);
}
