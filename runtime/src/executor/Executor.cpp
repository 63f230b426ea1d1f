//===- Executor.cpp - runs the calls of a program -------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/executor/Executor.h"

#include "runtime/src/artifact/Weights.h"
#include "runtime/src/executor/MathTable.h"
#include "runtime/src/library/LibraryCall.h"

#include <algorithm>

namespace lathe::runtime {

/// Adds up, per call, the time since the end of the call before.
class Stopwatch {
public:
  explicit Stopwatch(std::span<CallTime> times) : times(times), last(times.empty() ? 0 : nowNs()) {}

  /// Calls of a group share its time as they share the work by estimate.
  void endCalls(std::span<const BoundCall> calls, uint32_t first, uint32_t end) {
    if (times.empty())
      return;
    uint64_t now = nowNs(), taken = now - last;
    double sum = 0;
    for (uint32_t i = first; i < end; ++i)
      sum += calls[i].ns;
    for (uint32_t i = first; i < end; ++i)
      add(times[i], sum == 0 ? taken / (end - first) : static_cast<uint64_t>(calls[i].ns / sum * double(taken)));
    last = now;
  }

private:
  static void add(CallTime &time, uint64_t taken) {
    time.minNs = time.runs == 0 ? taken : std::min(time.minNs, taken);
    time.totalNs += taken;
    ++time.runs;
  }

  std::span<CallTime> times;
  uint64_t last;
};

/// What the threads of one run share.
struct Executor::Run {
  Executor &executor;
  std::span<const BoundCall> calls;
  std::span<void *const> scratch;
  const Watch &watch;
  WeightsCheck *check;
  /// Call number and code of the first failure; noFailure before.
  std::atomic<uint64_t> failure{noFailure};
  uint32_t hostCall = 0, hostEnd = 0, hostRound = 0;

  static constexpr uint64_t noFailure = UINT64_MAX;

  bool hasFailed() const { return failure.load(std::memory_order_relaxed) != noFailure; }

  void fail(uint32_t call, int32_t code) {
    uint64_t mine = uint64_t(call) << 32 | uint32_t(code), seen = failure.load();
    while (mine < seen && !failure.compare_exchange_weak(seen, mine)) {
    }
  }

  /// Does tasks of a call, unless the run has failed.
  void execute(uint32_t number, int64_t begin, int64_t end, uint32_t thread) {
    if (begin >= end || hasFailed())
      return;
    check ? executeChecked(number, begin, end, thread) : invoke(number, begin, end, thread);
  }

  void invoke(uint32_t number, int64_t begin, int64_t end, uint32_t thread) {
    const BoundCall &call = calls[number];
    lathe_kernel_context context = {sizeof(context), 0, scratch[thread], &kernelApi()};
    if (int32_t code = call.library ? call.library->run(call.args, begin, end, scratch[thread])
                                    : call.function(call.args, call.dims, begin, end, &context))
      fail(number, code);
  }

  /// Does tasks a few at a time and checks a part of the weights before each, as
  /// large as a chunk: the part that they read, if tasks read one after the other
  /// (products of few rows, which are bound by that), else any.
  void executeChecked(uint32_t number, int64_t begin, int64_t end, uint32_t thread) {
    const BoundCall &call = calls[number];
    size_t bytes = 0;
    for (std::span<const uint8_t> range : call.weights)
      bytes = std::max(bytes, range.size());
    int64_t tasks = call.rounds == 1 ? call.tasks : 1; // what has rounds reads all weights in each
    double chunks = double(bytes) / LATHE_WEIGHTS_CHUNK_BYTES;
    int64_t step =
        call.rounds == 1 ? std::max<int64_t>(1, int64_t(double(tasks) / std::max(chunks, 1.0))) : end - begin;
    for (int64_t from = begin, to; from < end && !hasFailed(); from = to) {
      to = end - from > step ? from + step : end;
      for (std::span<const uint8_t> range : call.weights)
        if (!check->touch(call.rounds == 1 ? partOf(range, from, to, tasks) : range))
          return fail(number, LATHE_KERNEL_INVALID_VALUE); // the check says more
      invoke(number, from, to, thread);
    }
  }

  static std::span<const uint8_t> partOf(std::span<const uint8_t> range, int64_t begin, int64_t end, int64_t tasks) {
    auto at = [&](int64_t task) { return size_t(static_cast<__int128>(range.size()) * task / tasks); };
    return range.subspan(at(begin), at(end) - at(begin));
  }
};

/// First task of a slice in a round. 128 bits: tasks may be many.
static int64_t sliceBegin(const BoundCall &call, uint32_t slice) {
  int64_t size = int64_t(call.shareEnd - call.shareBegin) * call.threads;
  int64_t done = int64_t(slice) * BoundCall::wholeShare - int64_t(call.shareBegin) * call.threads;
  return static_cast<int64_t>(static_cast<__int128>(call.tasks) * std::clamp<int64_t>(done, 0, size) / size);
}

/// End of the group that begins with a call; most have one call.
static uint32_t groupEnd(std::span<const BoundCall> calls, uint32_t first) {
  uint32_t end = first + 1;
  while (end < calls.size() && calls[end].joins)
    ++end;
  return end;
}

Executor::Executor(const lathe_session_options_t &options, size_t maxCalls)
    : threadCount(options.threads ? options.threads : availableCpus()), hostContext(options.pool_context),
      hostParallelFor(options.parallel_for) {
  if (hostParallelFor || threadCount == 1)
    return;
  progress = std::make_unique<Progress[]>(maxCalls);
  nextTask = std::make_unique<std::atomic<int64_t>[]>(maxCalls * threadCount);
  pool = std::make_unique<ThreadPool>(threadCount);
}

void Executor::reset(std::span<const BoundCall> calls) {
  for (size_t i = 0; i < calls.size(); ++i) {
    progress[i].roundsDone.reset(0);
    progress[i].tasksDone.store(0, std::memory_order_relaxed);
    for (uint32_t slice = 0; calls[i].threads > 1 && slice < calls[i].threads; ++slice)
      nextTask[i * threadCount + slice].store(0, std::memory_order_relaxed);
  }
}

/// Takes tasks of a slice until none is left in the round, and says how many.
/// Who does the last task of the round lets all threads go on.
int64_t Executor::takeSlice(Run &run, uint32_t number, uint32_t round, uint32_t slice, uint32_t thread) {
  const BoundCall &call = run.calls[number];
  std::atomic<int64_t> &taken = nextTask[size_t(number) * threadCount + slice];
  int64_t first = sliceBegin(call, slice), size = sliceBegin(call, slice + 1) - first;
  int64_t end = (round + int64_t(1)) * size, begin = taken.load(std::memory_order_relaxed), sum = 0;
  while (begin < end) {
    int64_t count = std::min(call.chunk, end - begin);
    if (!taken.compare_exchange_weak(begin, begin + count, std::memory_order_relaxed))
      continue;
    int64_t task = begin - round * size + first + round * call.tasks;
    run.execute(number, task, task + count, thread);
    int64_t done = progress[number].tasksDone.fetch_add(count, std::memory_order_acq_rel) + count;
    if (done == (round + int64_t(1)) * call.tasks)
      progress[number].roundsDone.store(round + 1);
    begin = taken.load(std::memory_order_relaxed);
    sum += count;
  }
  return sum;
}

int64_t Executor::takeTasks(Run &run, uint32_t number, uint32_t round, uint32_t thread) {
  uint32_t slices = run.calls[number].threads;
  int64_t sum = 0;
  for (uint32_t i = 0; i < slices; ++i)
    sum += takeSlice(run, number, round, (thread + i) % slices, thread);
  return sum;
}

void Executor::awaitRounds(uint32_t number, uint32_t rounds) {
  Futex &done = progress[number].roundsDone;
  for (uint32_t seen = done.load(); seen < rounds; seen = done.load())
    done.waitWhile(seen, pool->spins());
}

/// The part of a thread in a call.
void Executor::walkCall(Run &run, uint32_t number, uint32_t thread, TraceMark &mark) {
  const BoundCall &call = run.calls[number];
  if (call.threads == 1 && thread == 0) {
    run.execute(number, 0, call.rounds * call.tasks, 0);
    mark.end(number, 0, call.rounds * call.tasks);
    if (call.isAwaited)
      progress[number].roundsDone.store(call.rounds);
  } else if (call.threads > 1 && thread < call.threads) {
    for (uint32_t round = 0; round < call.rounds; ++round) {
      if (int64_t tasks = takeTasks(run, number, round, thread))
        mark.end(number, round, tasks);
      awaitRounds(number, round + 1);
      mark.end(number, round, 0);
    }
  } else if (call.isAwaited) {
    awaitRounds(number, call.rounds);
    mark.end(number, call.rounds - 1, 0);
  }
}

/// The part of a thread in a group: its own slices, then what others have left.
void Executor::walkGroup(Run &run, uint32_t first, uint32_t end, uint32_t thread, TraceMark &mark) {
  for (bool isOwn : {true, false})
    for (uint32_t i = first; i < end && thread < run.calls[i].threads; ++i)
      if (int64_t tasks = isOwn ? takeSlice(run, i, 0, thread, thread) : takeTasks(run, i, 0, thread))
        mark.end(i, 0, tasks);
  for (uint32_t i = first; i < end; ++i)
    if (run.calls[i].tasks > 0)
      awaitRounds(i, 1);
  mark.end(end - 1, 0, 0);
}

void Executor::walk(Run &run, uint32_t thread) {
  Stopwatch stopwatch(thread == 0 ? run.watch.times : std::span<CallTime>());
  TraceMark mark(run.watch.trace, run.watch.firstCall, thread);
  for (uint32_t i = 0, end; i < run.calls.size(); i = end) {
    end = groupEnd(run.calls, i);
    end == i + 1 ? walkCall(run, i, thread, mark) : walkGroup(run, i, end, thread, mark);
    stopwatch.endCalls(run.calls, i, end);
  }
}

void Executor::walkOnHost(Run &run) {
  Stopwatch stopwatch(run.watch.times);
  auto doSlices = [](void *context, size_t slice) {
    Run &run = *static_cast<Run *>(context);
    uint32_t thread = static_cast<uint32_t>(slice);
    TraceMark mark(run.watch.trace, run.watch.firstCall, thread);
    for (uint32_t i = run.hostCall; i < run.hostEnd; ++i) {
      const BoundCall &call = run.calls[i];
      int64_t first = run.hostRound * call.tasks + sliceBegin(call, thread);
      int64_t end = run.hostRound * call.tasks + sliceBegin(call, thread + 1);
      run.execute(i, first, end, thread);
      mark.end(i, run.hostRound, end - first);
    }
  };
  for (uint32_t i = 0; i < run.calls.size(); i = run.hostEnd) {
    run.hostCall = i;
    run.hostEnd = groupEnd(run.calls, i);
    const BoundCall &call = run.calls[i];
    if (call.threads == 1) {
      TraceMark mark(run.watch.trace, run.watch.firstCall, 0);
      run.execute(i, 0, call.rounds * call.tasks, 0);
      mark.end(i, 0, call.rounds * call.tasks);
    }
    for (run.hostRound = 0; call.threads > 1 && run.hostRound < call.rounds; ++run.hostRound)
      hostParallelFor(hostContext, call.threads, doSlices, &run);
    stopwatch.endCalls(run.calls, i, run.hostEnd);
  }
}

std::optional<KernelFailure> Executor::run(std::span<const BoundCall> calls, std::span<void *const> scratch,
                                           const Watch &watch, WeightsCheck *check) {
  Run run{*this, calls, scratch, watch, check};
  bool isSerial = std::all_of(calls.begin(), calls.end(), [](const BoundCall &call) { return call.threads == 1; });
  if (!pool || isSerial) {
    walkOnHost(run);
  } else {
    reset(calls);
    auto walkAlong = [](void *context, uint32_t thread) {
      Run &run = *static_cast<Run *>(context);
      run.executor.walk(run, thread);
    };
    pool->run(walkAlong, &run);
  }
  uint64_t failure = run.failure.load();
  if (failure == Run::noFailure)
    return std::nullopt;
  return KernelFailure{static_cast<uint32_t>(failure >> 32), static_cast<int32_t>(failure & UINT32_MAX)};
}

void Executor::parallelFor(size_t count, lathe_task_fn task, void *context) {
  if (hostParallelFor)
    return hostParallelFor(hostContext, count, task, context);
  struct Shared {
    size_t count;
    lathe_task_fn task;
    void *context;
    std::atomic<size_t> next{0};
  } shared = {count, task, context};
  auto take = [](void *data, uint32_t) {
    Shared &shared = *static_cast<Shared *>(data);
    for (size_t i = shared.next++; i < shared.count; i = shared.next++)
      shared.task(shared.context, i);
  };
  pool ? pool->run(take, &shared) : take(&shared, 0);
}

} // namespace lathe::runtime
