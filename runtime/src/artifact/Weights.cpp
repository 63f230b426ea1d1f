//===- Weights.cpp - digests of the weights -------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/artifact/Weights.h"

#include "lathe/artifact.h"
#include "runtime/src/artifact/Digest.h"
#include "runtime/src/support/CpuFeatures.h"
#include "runtime/src/support/Error.h"

#include <algorithm>
#include <sys/mman.h>
#include <vector>

namespace lathe::runtime {
namespace {

struct Chunk {
  std::span<const uint8_t> bytes;
  uint64_t digest;
};

std::vector<Chunk> listChunks(std::span<const uint8_t> file, const artifact::Manifest &manifest) {
  std::vector<Chunk> chunks;
  if (!manifest.weights())
    return chunks;
  for (const artifact::WeightsSegment *segment : *manifest.weights()) {
    std::span<const uint8_t> bytes = file.subspan(segment->offset(), segment->size());
    for (uint64_t digest : *segment->chunk_digests()) {
      size_t size = std::min<size_t>(bytes.size(), LATHE_WEIGHTS_CHUNK_BYTES);
      chunks.push_back({bytes.first(size), digest});
      bytes = bytes.subspan(size);
    }
  }
  return chunks;
}

/// Maps the pages of a chunk in one system call instead of fault by fault;
/// where the kernel can't, the faults do it.
void populate(std::span<const uint8_t> bytes) {
#ifdef MADV_POPULATE_READ
  uintptr_t begin = reinterpret_cast<uintptr_t>(bytes.data()) & ~uintptr_t(LATHE_ARTIFACT_PAGE_BYTES - 1);
  uintptr_t end = reinterpret_cast<uintptr_t>(bytes.data() + bytes.size());
  madvise(reinterpret_cast<void *>(begin), end - begin, MADV_POPULATE_READ);
#endif
}

bool isGood(const Chunk &chunk) {
  static const auto digest = cpuSupports("avx2") ? digestAvx2 : digestBase;
  populate(chunk.bytes);
  return digest(chunk.bytes.data(), chunk.bytes.size()) == chunk.digest;
}

} // namespace

void WeightsCheck::run(std::span<const uint8_t> file, const artifact::Manifest &manifest,
                       const ParallelFor &parallelFor) {
  if (state.load(std::memory_order_acquire) == State::Good)
    return;
  std::lock_guard lock(mutex);
  if (state.load() == State::Unknown) {
    std::vector<Chunk> chunks = listChunks(file, manifest);
    std::atomic<bool> good = true;
    parallelFor(chunks.size(), [&](size_t i) {
      if (!isGood(chunks[i]))
        good = false;
    });
    state = good ? State::Good : State::Bad;
  }
  if (state.load() == State::Bad)
    fail(LATHE_BAD_ARTIFACT, "damaged file: the digest of the weights does not match");
}

} // namespace lathe::runtime
