//===- ThreadPool.h - the threads of a session ------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_EXECUTOR_THREADPOOL_H
#define LATHE_RUNTIME_EXECUTOR_THREADPOOL_H

#include "runtime/src/executor/Futex.h"

#include <atomic>
#include <thread>
#include <vector>

namespace lathe::runtime {

/// CPUs that this process may use.
uint32_t availableCpus();

/// Threads that help with a job. The calling thread is number 0 and always
/// takes part; another one does if it is awake before the job is over. So a
/// busy machine, or one that is slow to wake a thread, costs the help of that
/// thread but no waiting. Between jobs threads spin for some microseconds, then
/// sleep. Used by one thread at a time.
class ThreadPool {
public:
  /// Must do all that is left to do, whichever threads take part.
  using Job = void (*)(void *context, uint32_t thread);

  /// Throws Error (LATHE_OUT_OF_MEMORY) when no thread can be started.
  explicit ThreadPool(uint32_t threads);
  ~ThreadPool();

  uint32_t size() const { return threadCount; }
  /// How long a thread of this pool spins before it sleeps: nothing when there
  /// are more threads than CPUs.
  uint32_t spins() const { return spinCount; }

  /// Returns when the job has returned on all threads that took part. It must
  /// not throw.
  void run(Job job, void *context);

private:
  void work(uint32_t thread);
  bool enter(uint32_t number);
  void leave();
  void stop();

  const uint32_t threadCount;
  const uint32_t spinCount;
  std::vector<std::thread> workers;
  Job currentJob = nullptr;
  void *currentContext = nullptr;
  std::atomic<bool> stopping{false};
  /// Number of the job.
  alignas(64) Futex generation;
  /// Number of the job (upper half), whether it is over (isOver), and how many
  /// of the other threads take part.
  alignas(64) std::atomic<uint64_t> gate{isOver};
  /// Number of the last job that waited for others at its end.
  alignas(64) Futex lastLeft;

  static constexpr uint64_t isOver = uint64_t(1) << 31;
  static constexpr uint64_t countMask = isOver - 1;
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_EXECUTOR_THREADPOOL_H
