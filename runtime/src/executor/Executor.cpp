//===- Executor.cpp - runs the calls of a program -------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/executor/Executor.h"

#include "runtime/src/executor/MathTable.h"

#include <atomic>
#include <chrono>

namespace lathe::runtime {

static uint64_t nowNs() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

/// Adds up, per call, the time since the end of the call before.
class Stopwatch {
public:
  explicit Stopwatch(std::span<CallTime> times) : times(times), last(times.empty() ? 0 : nowNs()) {}

  void endCall(uint32_t call) {
    if (times.empty())
      return;
    uint64_t now = nowNs(), taken = now - last;
    CallTime &time = times[call];
    time.minNs = time.runs == 0 ? taken : std::min(time.minNs, taken);
    time.totalNs += taken;
    ++time.runs;
    last = now;
  }

private:
  std::span<CallTime> times;
  uint64_t last;
};

/// What the threads of one run share.
struct Executor::Run {
  std::span<const BoundCall> calls;
  std::span<void *const> scratch;
  std::span<CallTime> times;
  Barrier *barrier;
  /// Call number and code of the first failure; noFailure before.
  std::atomic<uint64_t> failure{noFailure};
  uint32_t hostCall = 0;

  static constexpr uint64_t noFailure = UINT64_MAX;

  bool hasFailed() const { return failure.load(std::memory_order_relaxed) != noFailure; }
  void fail(uint32_t call, int32_t code) {
    uint64_t mine = uint64_t(call) << 32 | uint32_t(code), seen = failure.load();
    while (mine < seen && !failure.compare_exchange_weak(seen, mine)) {
    }
  }
};

Executor::Executor(const lathe_session_options_t &options)
    : threadCount(options.threads ? options.threads : availableCpus()), hostContext(options.pool_context),
      hostParallelFor(options.parallel_for) {
  if (hostParallelFor || threadCount == 1)
    return;
  pool = std::make_unique<ThreadPool>(threadCount);
  barrier = std::make_unique<Barrier>(threadCount, pool->spins());
}

/// Does thread number `thread`'s part of a call.
void Executor::runShare(Run &run, uint32_t number, uint32_t thread) {
  const BoundCall &call = run.calls[number];
  if (thread >= call.threads || run.hasFailed())
    return;
  // 128 bits: tasks may be any positive int64.
  using Wide = __int128;
  int64_t begin = static_cast<int64_t>(Wide(call.tasks) * thread / call.threads);
  int64_t end = static_cast<int64_t>(Wide(call.tasks) * (thread + 1) / call.threads);
  if (begin == end)
    return;
  lathe_kernel_context context = {sizeof(context), 0, run.scratch[thread], &kernelApi()};
  if (int32_t code = call.function(call.args, call.dims, begin, end, &context))
    run.fail(number, code);
}

void Executor::runAll(void *context, uint32_t thread) {
  Run &run = *static_cast<Run *>(context);
  Stopwatch watch(thread == 0 ? run.times : std::span<CallTime>());
  for (uint32_t i = 0; i < run.calls.size(); ++i) {
    runShare(run, i, thread);
    if (run.barrier && run.calls[i].meetAfter)
      run.barrier->wait();
    watch.endCall(i);
  }
}

void Executor::runOnHost(Run &run) {
  Stopwatch watch(run.times);
  for (uint32_t i = 0; i < run.calls.size(); ++i) {
    run.hostCall = i;
    auto share = [](void *context, size_t thread) {
      Run &run = *static_cast<Run *>(context);
      runShare(run, run.hostCall, static_cast<uint32_t>(thread));
    };
    if (run.calls[i].threads == 1)
      runShare(run, i, 0);
    else
      hostParallelFor(hostContext, run.calls[i].threads, share, &run);
    watch.endCall(i);
  }
}

std::optional<KernelFailure> Executor::run(std::span<const BoundCall> calls, std::span<void *const> scratch,
                                           std::span<CallTime> times) {
  Run run{calls, scratch, times, barrier.get()};
  bool isSerial = true;
  for (const BoundCall &call : calls)
    isSerial &= call.threads == 1;
  if (hostParallelFor) {
    runOnHost(run);
  } else if (!pool || isSerial) {
    run.barrier = nullptr;
    runAll(&run, 0);
  } else {
    pool->run(runAll, &run);
  }
  uint64_t failure = run.failure.load();
  if (failure == Run::noFailure)
    return std::nullopt;
  return KernelFailure{static_cast<uint32_t>(failure >> 32), static_cast<int32_t>(failure & UINT32_MAX)};
}

void Executor::parallelFor(size_t count, lathe_task_fn task, void *context) {
  if (hostParallelFor)
    return hostParallelFor(hostContext, count, task, context);
  struct Share {
    size_t count, threads;
    lathe_task_fn task;
    void *context;
  } share = {count, pool ? pool->size() : 1, task, context};
  auto run = [](void *data, uint32_t thread) {
    Share &share = *static_cast<Share *>(data);
    for (size_t i = thread; i < share.count; i += share.threads)
      share.task(share.context, i);
  };
  pool ? pool->run(run, &share) : run(&share, 0);
}

} // namespace lathe::runtime
