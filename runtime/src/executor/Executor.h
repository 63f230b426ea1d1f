//===- Executor.h - runs the calls of a program -----------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// The tasks of a call are split evenly and contiguously, so that a thread
// meets the same part of a tensor call after call. With its own threads, the
// whole list of calls is one job: each thread walks it, does its share of each
// call and meets the others at a barrier where the next call needs it. With
// threads of the host, each call is a job.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_EXECUTOR_EXECUTOR_H
#define LATHE_RUNTIME_EXECUTOR_EXECUTOR_H

#include "lathe/artifact.h"
#include "lathe/lathe.h"
#include "runtime/src/executor/ThreadPool.h"

#include <memory>
#include <optional>
#include <span>

namespace lathe::runtime {

/// A call with everything known, ready to run.
struct BoundCall {
  lathe_kernel_fn function;
  void *const *args;
  const int64_t *dims;
  int64_t tasks;
  uint32_t threads; ///< that share it; at least 1
  /// Whether all threads meet after it. Not so between calls that thread 0 does
  /// alone, nor at the end.
  bool meetAfter;
};

struct CallTime {
  uint64_t runs = 0;
  uint64_t totalNs = 0;
  uint64_t minNs = 0;
};

struct KernelFailure {
  uint32_t call;
  int32_t code;
};

class Executor {
public:
  /// Zero threads stands for one per CPU. Throws Error.
  explicit Executor(const lathe_session_options_t &options);

  uint32_t threads() const { return threadCount; }

  /// Runs the calls in order. `scratch` holds one pointer per thread; `times`
  /// is empty or parallel to `calls`. Gives the first failure, if any.
  std::optional<KernelFailure> run(std::span<const BoundCall> calls, std::span<void *const> scratch,
                                   std::span<CallTime> times);

  /// Calls task(i) for all i below the count.
  void parallelFor(size_t count, lathe_task_fn task, void *context);

private:
  struct Run;
  static void runAll(void *context, uint32_t thread);
  static void runShare(Run &run, uint32_t call, uint32_t thread);
  void runOnHost(Run &run);

  uint32_t threadCount;
  void *hostContext;
  void (*hostParallelFor)(void *, size_t, lathe_task_fn, void *);
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Barrier> barrier;
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_EXECUTOR_EXECUTOR_H
