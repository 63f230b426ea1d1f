//===- Memory.cpp - memory of a session -----------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/session/Memory.h"

#include "lathe/artifact.h"
#include "runtime/src/support/Error.h"

#include <cstdlib>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace lathe::runtime {

static constexpr uint64_t hugePageBytes = 2u << 20;

/// Linux promises more memory than there is and kills who believes it; so what
/// can't ever fit is refused here.
static bool fitsMachine(uint64_t size) {
  uint64_t pages = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES));
  return size / static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) < pages;
}

/// Large blocks start at a huge page and ask for such: fewer TLB misses.
static void *allocateAligned(uint64_t size) {
  bool isLarge = size >= 2 * hugePageBytes;
  void *memory = nullptr;
  if (!fitsMachine(size) || posix_memalign(&memory, isLarge ? hugePageBytes : LATHE_BUFFER_ALIGNMENT, size) != 0)
    return nullptr;
  if (isLarge)
    madvise(memory, size, MADV_HUGEPAGE);
  return memory;
}

void *Allocator::allocate(uint64_t size, const char *purpose) const {
  void *memory = allocateFn ? allocateFn(context, size, LATHE_BUFFER_ALIGNMENT) : allocateAligned(size);
  if (!memory)
    fail(LATHE_OUT_OF_MEMORY, "can't allocate {} bytes for {}", size, purpose);
  if (reinterpret_cast<uintptr_t>(memory) % LATHE_BUFFER_ALIGNMENT != 0) {
    deallocate(memory, size);
    fail(LATHE_INVALID_ARGUMENT, "expects memory from the host's allocator to be aligned to {} bytes",
         LATHE_BUFFER_ALIGNMENT);
  }
  return memory;
}

void Allocator::deallocate(void *memory, uint64_t size) const {
  if (deallocateFn)
    deallocateFn(context, memory, size);
  else
    std::free(memory);
}

Block::Block(Block &&other) noexcept
    : allocator(other.allocator), memory(std::exchange(other.memory, nullptr)),
      sizeBytes(std::exchange(other.sizeBytes, 0)) {}

void *Block::ensure(const Allocator &from, uint64_t size, const char *purpose) {
  if (size <= sizeBytes)
    return memory;
  release();
  memory = from.allocate(size, purpose);
  allocator = &from;
  sizeBytes = size;
  return memory;
}

void Block::release() {
  if (memory)
    allocator->deallocate(memory, sizeBytes);
  memory = nullptr;
  sizeBytes = 0;
}

} // namespace lathe::runtime
