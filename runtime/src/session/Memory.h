//===- Memory.h - memory of a session ---------------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_SESSION_MEMORY_H
#define LATHE_RUNTIME_SESSION_MEMORY_H

#include "lathe/lathe.h"

#include <cstdint>

namespace lathe::runtime {

/// Where large memory comes from: the host's functions or the C library.
class Allocator {
public:
  explicit Allocator(const lathe_session_options_t &options)
      : context(options.allocator_context), allocateFn(options.allocate), deallocateFn(options.deallocate) {}

  /// Aligned to LATHE_BUFFER_ALIGNMENT, uninitialized. Throws Error
  /// (LATHE_OUT_OF_MEMORY) that says what it was for.
  void *allocate(uint64_t size, const char *purpose) const;
  void deallocate(void *memory, uint64_t size) const;

private:
  void *context;
  void *(*allocateFn)(void *, size_t, size_t);
  void (*deallocateFn)(void *, void *, size_t);
};

/// Memory that grows to the largest size asked for; growing loses the contents.
class Block {
public:
  Block() = default;
  Block(Block &&other) noexcept;
  Block &operator=(Block &&) = delete;
  ~Block() { release(); }

  /// Memory of at least `size` bytes; null for none. Throws Error.
  void *ensure(const Allocator &from, uint64_t size, const char *purpose);
  void *data() const { return memory; }

private:
  void release();

  const Allocator *allocator = nullptr;
  void *memory = nullptr;
  uint64_t sizeBytes = 0;
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_SESSION_MEMORY_H
