//===- ThreadPool.h - the threads of a session ------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_EXECUTOR_THREADPOOL_H
#define LATHE_RUNTIME_EXECUTOR_THREADPOOL_H

#include "runtime/src/executor/Futex.h"

#include <thread>
#include <vector>

namespace lathe::runtime {

/// CPUs that this process may use.
uint32_t availableCpus();

/// Runs one function on all of its threads at once; the calling thread is
/// number 0. Between jobs the others spin for some microseconds, then sleep.
/// Used by one thread at a time.
class ThreadPool {
public:
  using Job = void (*)(void *context, uint32_t thread);

  /// Throws Error (LATHE_OUT_OF_MEMORY) when no thread can be started.
  explicit ThreadPool(uint32_t threads);
  ~ThreadPool();

  uint32_t size() const { return threadCount; }
  /// How long a thread of this pool spins before it sleeps: nothing when there
  /// are more threads than CPUs.
  uint32_t spins() const { return spinCount; }

  /// Returns when the job has returned on every thread. It must not throw.
  void run(Job job, void *context);

private:
  void work(uint32_t thread);
  void stop();

  const uint32_t threadCount;
  const uint32_t spinCount;
  std::vector<std::thread> workers;
  Job currentJob = nullptr;
  void *currentContext = nullptr;
  bool stopping = false;
  alignas(64) Futex generation;
  alignas(64) Futex unfinished;
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_EXECUTOR_THREADPOOL_H
