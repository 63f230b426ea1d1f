//===- Futex.h - a number that threads wait for -----------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_EXECUTOR_FUTEX_H
#define LATHE_RUNTIME_EXECUTOR_FUTEX_H

#include <atomic>
#include <climits>
#include <cstdint>
#include <immintrin.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lathe::runtime {

/// A number; a waiter spins for a while, then sleeps in the kernel. Changing
/// it costs a system call only when somebody sleeps.
class Futex {
public:
  explicit Futex(uint32_t value = 0) : word(value) {}

  uint32_t load() const { return word.load(std::memory_order_acquire); }

  void store(uint32_t value) {
    word.store(value, std::memory_order_seq_cst);
    wake();
  }

  /// For when nobody waits.
  void reset(uint32_t value) { word.store(value, std::memory_order_relaxed); }

  /// Returns once the value is not `value`; spins up to `spins` times first.
  void waitWhile(uint32_t value, uint32_t spins) {
    for (uint32_t i = 0; i < spins; ++i) {
      if (load() != value)
        return;
      _mm_pause();
    }
    // Sequentially consistent against store: either the waker sees the sleeper
    // or the sleeper sees the new value.
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    while (word.load(std::memory_order_seq_cst) == value)
      syscall(SYS_futex, address(), FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
    sleepers.fetch_sub(1, std::memory_order_relaxed);
  }

private:
  void wake() {
    if (sleepers.load(std::memory_order_seq_cst) > 0)
      syscall(SYS_futex, address(), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  }
  uint32_t *address() { return reinterpret_cast<uint32_t *>(&word); }

  static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));
  std::atomic<uint32_t> word;
  std::atomic<uint32_t> sleepers{0};
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_EXECUTOR_FUTEX_H
