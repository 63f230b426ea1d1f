//===- Executor.h - runs the calls of a program -----------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// The tasks of a call are split evenly and contiguously into one slice per
// thread, so that a thread meets the same part of a tensor call after call.
// With its own threads, the whole list of calls is one job: each thread walks
// it, takes tasks of its slice in chunks, helps with the other slices, and goes
// on when all tasks of the call are done. Nobody waits for a thread that the
// operating system has taken away, unless it holds a chunk. With threads of
// the host, each call is a job.
//
// A call may have rounds of tasks, one after the other: threads meet at the
// end of each as they do at the end of a call. All counts of a call only grow,
// from its first round to its last, so a thread that was away for some rounds
// finds that nothing is left to do in them.
//
// Calls that join others are a group: each thread takes its slices of all calls
// of the group, then helps with the other slices, and only at the end of the
// group threads wait for each other. Calls too short for a slice per thread get
// a share of the group's work each, and slices are parts of that work: of two
// equal ones, the first is done by one thread and the second by another.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_EXECUTOR_EXECUTOR_H
#define LATHE_RUNTIME_EXECUTOR_EXECUTOR_H

#include "lathe/artifact.h"
#include "lathe/lathe.h"
#include "runtime/src/executor/ThreadPool.h"
#include "runtime/src/executor/Trace.h"

#include <atomic>
#include <memory>
#include <optional>
#include <span>

namespace lathe::runtime {

class LibraryCall;
class WeightsCheck;

/// A call with everything known, ready to run.
struct BoundCall {
  lathe_kernel_fn function;
  void *const *args;
  const int64_t *dims;
  int64_t tasks;    ///< of a round
  int64_t chunk;    ///< tasks that a thread takes at once; at least 1
  uint32_t threads; ///< that share it; one: thread 0 does it alone
  /// Whether others wait for its end. Not so between calls that thread 0 does
  /// alone.
  bool isAwaited;
  uint32_t rounds = 1; ///< rounds * tasks fits an int64_t
  /// Null, or what computes it instead of the function.
  const LibraryCall *library = nullptr;
  /// In a group with the call before it, with as many threads and one round,
  /// like the first call of the group.
  bool joins = false;
  /// Part of the work that slices are even parts of, of wholeShare.
  uint32_t shareBegin = 0, shareEnd = wholeShare;
  double ns = 0; ///< time on one thread, roughly; 0: unknown
  /// Arguments that are weights: for the first run, which checks them.
  std::span<const std::span<const uint8_t>> weights;

  static constexpr uint32_t wholeShare = 1u << 20;
};

struct CallTime {
  uint64_t runs = 0;
  uint64_t totalNs = 0;
  uint64_t minNs = 0;
};

/// What is measured of a run.
struct Watch {
  /// Empty or parallel to the calls.
  std::span<CallTime> times;
  /// Null or where events go.
  Trace *trace = nullptr;
  /// Number in the program of the first call.
  uint32_t firstCall = 0;
};

struct KernelFailure {
  uint32_t call;
  int32_t code;
};

class Executor {
public:
  /// For lists of up to `maxCalls` calls. Zero threads stands for one per CPU.
  /// Throws Error.
  Executor(const lathe_session_options_t &options, size_t maxCalls);

  uint32_t threads() const { return threadCount; }

  /// Runs the calls in order. `scratch` holds one pointer per thread. Gives the
  /// first failure, if any. Checks weights as they are used, unless `check` is
  /// null, and may leave out the rest when they are damaged.
  std::optional<KernelFailure> run(std::span<const BoundCall> calls, std::span<void *const> scratch, const Watch &watch,
                                   WeightsCheck *check = nullptr);

  /// Calls task(i) for all i below the count.
  void parallelFor(size_t count, lathe_task_fn task, void *context);

private:
  struct Run;
  /// Progress of a call.
  struct alignas(64) Progress {
    std::atomic<int64_t> tasksDone; ///< of all rounds
    Futex roundsDone;
  };

  void reset(std::span<const BoundCall> calls);
  void walk(Run &run, uint32_t thread);
  void walkOnHost(Run &run);
  void walkCall(Run &run, uint32_t number, uint32_t thread, TraceMark &mark);
  void walkGroup(Run &run, uint32_t first, uint32_t end, uint32_t thread, TraceMark &mark);
  int64_t takeTasks(Run &run, uint32_t number, uint32_t round, uint32_t thread);
  int64_t takeSlice(Run &run, uint32_t number, uint32_t round, uint32_t slice, uint32_t thread);
  void awaitRounds(uint32_t number, uint32_t rounds);

  uint32_t threadCount;
  void *hostContext;
  void (*hostParallelFor)(void *, size_t, lathe_task_fn, void *);
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Progress[]> progress; ///< per call
  /// Per call and slice: how many tasks of the slice were taken, in all rounds.
  std::unique_ptr<std::atomic<int64_t>[]> nextTask;
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_EXECUTOR_EXECUTOR_H
