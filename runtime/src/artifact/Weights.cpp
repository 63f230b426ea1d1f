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

namespace lathe::runtime {
/// Maps the pages of some chunks in one system call instead of fault by fault;
/// where the kernel can't, the faults do it.
static void populate(std::span<const uint8_t> bytes) {
#ifdef MADV_POPULATE_READ
  constexpr uintptr_t pageBytes = 4096;
  uintptr_t begin = reinterpret_cast<uintptr_t>(bytes.data()) / pageBytes * pageBytes;
  uintptr_t end = reinterpret_cast<uintptr_t>(bytes.data() + bytes.size());
  madvise(reinterpret_cast<void *>(begin), end - begin, MADV_POPULATE_READ);
#endif
}

void WeightsCheck::setFile(std::span<const uint8_t> file, const artifact::Manifest &manifest) {
  if (!manifest.weights())
    return;
  for (const artifact::WeightsSegment *segment : *manifest.weights()) {
    segments.push_back(
        {file.subspan(segment->offset(), segment->size()), segment->chunk_digests()->data(), chunkCount});
    chunkCount += segment->chunk_digests()->size();
  }
  states = std::make_unique<std::atomic<State>[]>(chunkCount);
}

std::span<const uint8_t> WeightsCheck::bytesOf(const Segment &segment, size_t chunk) const {
  std::span<const uint8_t> rest = segment.bytes.subspan(chunk * LATHE_WEIGHTS_CHUNK_BYTES);
  return rest.first(std::min<size_t>(rest.size(), LATHE_WEIGHTS_CHUNK_BYTES));
}

void WeightsCheck::check(const Segment &segment, size_t chunk) {
  static const auto digest = cpuSupports("avx2") ? digestAvx2 : digestBase;
  constexpr size_t chunksAtOnce = (8u << 20) / LATHE_WEIGHTS_CHUNK_BYTES;
  if (chunk % chunksAtOnce == 0) {
    std::span<const uint8_t> rest = segment.bytes.subspan(chunk * LATHE_WEIGHTS_CHUNK_BYTES);
    populate(rest.first(std::min<size_t>(rest.size(), chunksAtOnce * LATHE_WEIGHTS_CHUNK_BYTES)));
  }
  std::span<const uint8_t> bytes = bytesOf(segment, chunk);
  bool isGood = digest(bytes.data(), bytes.size()) == segment.digests[chunk];
  if (!isGood)
    isBad = true;
  states[segment.firstChunk + chunk].store(isGood ? State::Good : State::Bad, std::memory_order_release);
}

bool WeightsCheck::touch(std::span<const uint8_t> range) {
  for (const Segment &segment : segments) {
    const uint8_t *base = segment.bytes.data();
    if (range.empty() || range.data() < base || range.data() >= base + segment.bytes.size())
      continue;
    size_t begin = static_cast<size_t>(range.data() - base), end = std::min(begin + range.size(), segment.bytes.size());
    for (size_t chunk = begin / LATHE_WEIGHTS_CHUNK_BYTES; chunk * LATHE_WEIGHTS_CHUNK_BYTES < end; ++chunk) {
      State seen = State::Unknown;
      if (states[segment.firstChunk + chunk].compare_exchange_strong(seen, State::Taken))
        check(segment, chunk);
    }
  }
  return !isBad;
}

void WeightsCheck::run(const ParallelFor &parallelFor) {
  if (isDone())
    return;
  // Chunks that another session has taken are checked again rather than waited for.
  struct Left {
    const Segment *segment;
    size_t chunk;
  };
  std::vector<Left> left;
  for (const Segment &segment : segments)
    for (size_t i = 0; i * LATHE_WEIGHTS_CHUNK_BYTES < segment.bytes.size(); ++i)
      if (states[segment.firstChunk + i].load(std::memory_order_acquire) != State::Good)
        left.push_back({&segment, i});
  if (!left.empty())
    parallelFor(left.size(), [&](size_t i) { check(*left[i].segment, left[i].chunk); });
  if (isBad)
    fail(LATHE_BAD_ARTIFACT, "damaged file: the digest of the weights does not match");
  done.store(true, std::memory_order_release);
}

} // namespace lathe::runtime
