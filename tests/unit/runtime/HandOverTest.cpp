// What it costs to give work to threads. The times are shown by unit-runtime "[bench]"; the tests hold for any machine.
#include "runtime/src/executor/Executor.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdio>
#include <sys/resource.h>
#include <thread>

using namespace lathe::runtime;
using namespace std::chrono_literals;

namespace {

int32_t doNothing(void *const *, const int64_t *, int64_t, int64_t, const lathe_kernel_context *) { return 0; }

/// A run of so many calls of a task per thread that do nothing.
class EmptyRun {
public:
  EmptyRun(uint32_t threads, size_t calls)
      : executor(optionsOf(threads), calls), scratch(threads),
        calls(calls, {doNothing, nullptr, nullptr, threads, 1, threads, true}) {}

  /// Nanoseconds.
  double time() {
    uint64_t start = nowNs();
    REQUIRE(!executor.run(calls, scratch, {}));
    return static_cast<double>(nowNs() - start);
  }

  /// Median of runs, with a pause before each.
  double median(int runs, std::chrono::microseconds pause) {
    std::vector<double> times;
    for (int i = 0; i < runs; ++i) {
      if (pause > 0us)
        std::this_thread::sleep_for(pause);
      times.push_back(time());
    }
    std::nth_element(times.begin(), times.begin() + runs / 2, times.end());
    return times[static_cast<size_t>(runs) / 2];
  }

private:
  static lathe_session_options_t optionsOf(uint32_t threads) {
    lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
    options.threads = threads;
    return options;
  }
  Executor executor;
  std::vector<void *> scratch;
  std::vector<BoundCall> calls;
};

double cpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

} // namespace

TEST_CASE("hand-over: times", "[.bench]") {
  for (uint32_t threads = 1; threads <= std::min(8u, availableCpus()); threads *= 2) {
    EmptyRun one(threads, 1), many(threads, 1001);
    double first = one.median(2000, 0us), next = (many.median(200, 0us) - first) / 1000;
    std::printf("%u threads: call in a run %.0f ns; run of one call %.0f ns, after 100 us %.0f, after 10 ms %.0f\n",
                threads, next, first, one.median(500, 100us), one.median(100, 10ms));
  }
}

TEST_CASE("hand-over: threads of idle sessions use no processor time") {
  EmptyRun first(4, 100), second(2, 100);
  first.time();
  second.time();
  std::this_thread::sleep_for(10ms);
  double before = cpuSeconds();
  std::this_thread::sleep_for(300ms);
  CHECK(cpuSeconds() - before < 0.01);
}
