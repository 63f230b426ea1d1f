//===- ThreadPool.cpp - the threads of a session --------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/executor/ThreadPool.h"

#include "runtime/src/support/Error.h"

#include <algorithm>
#include <csignal>
#include <pthread.h>
#include <sched.h>
#include <system_error>

namespace lathe::runtime {

uint32_t availableCpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return static_cast<uint32_t>(CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

/// About 50 us on current CPUs: longer than it takes the other threads to end
/// their share of a call, shorter than anybody would notice as load.
static uint32_t chooseSpins(uint32_t threads) {
  constexpr uint32_t spins = 3000;
  return threads <= availableCpus() ? spins : 0;
}

namespace {

/// Threads inherit the signals that are blocked; signals of the application go
/// to its own threads.
class SignalBlock {
public:
  SignalBlock() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
  }
  ~SignalBlock() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }

private:
  sigset_t before;
};

} // namespace

ThreadPool::ThreadPool(uint32_t threads) : threadCount(threads), spinCount(chooseSpins(threads)) {
  SignalBlock block;
  try {
    for (uint32_t i = 1; i < threadCount; ++i) {
      workers.emplace_back([this, i] { work(i); });
      pthread_setname_np(workers.back().native_handle(), "lathe");
    }
  } catch (const std::system_error &error) {
    stop();
    fail(LATHE_OUT_OF_MEMORY, "can't start {} threads: {}", threadCount, error.what());
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  stopping = true;
  generation.store(generation.load() + 1);
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::run(Job job, void *context) {
  currentJob = job;
  currentContext = context;
  uint32_t number = generation.load() + 1, left = lastLeft.load();
  gate.store(uint64_t(number) << 32, std::memory_order_release);
  generation.store(number);
  job(context, 0);
  if (gate.fetch_or(isOver, std::memory_order_acq_rel) & countMask)
    lastLeft.waitWhile(left, spinCount);
}

/// Whether this thread may take part in the job of that number.
bool ThreadPool::enter(uint32_t number) {
  uint64_t seen = gate.load(std::memory_order_acquire);
  while (seen >> 32 == number && !(seen & isOver))
    if (gate.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel))
      return true;
  return false;
}

/// The last one to leave a job that is over lets run return.
void ThreadPool::leave() {
  uint64_t before = gate.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & isOver) && (before & countMask) == 1)
    lastLeft.store(static_cast<uint32_t>(before >> 32));
}

void ThreadPool::work(uint32_t thread) {
  uint32_t seen = 0;
  while (true) {
    generation.waitWhile(seen, spinCount);
    seen = generation.load();
    if (stopping)
      return;
    if (enter(seen)) {
      currentJob(currentContext, thread);
      leave();
    }
  }
}

} // namespace lathe::runtime
