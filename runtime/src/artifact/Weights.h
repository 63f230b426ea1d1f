//===- Weights.h - digests of the weights -----------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_ARTIFACT_WEIGHTS_H
#define LATHE_RUNTIME_ARTIFACT_WEIGHTS_H

#include "manifest_generated.h"

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace lathe::runtime {

/// Calls the function once for each number below the count, on any threads.
using ParallelFor = std::function<void(size_t, const std::function<void(size_t)> &)>;

/// Checks the digests of an artifact's weights once, whoever asks first.
/// Thread-safe.
///
/// A first run reads the weights twice, once for their digests. It does so
/// chunk by chunk right before use, so that the second time they come from a
/// cache, and at its end checks what nobody has used. Until then damaged weights
/// may have been computed with, but nothing of that leaves the run.
class WeightsCheck {
public:
  /// Of the artifact's whole file; called once, before all else.
  void setFile(std::span<const uint8_t> file, const artifact::Manifest &manifest);

  /// Checks all that hasn't been checked. Throws Error (LATHE_BAD_ARTIFACT),
  /// each time when it did once.
  void run(const ParallelFor &parallelFor);

  /// Checks the chunks of a range of weights, but for those that another thread
  /// is checking or has checked. Says whether all were good so far.
  bool touch(std::span<const uint8_t> range);

  /// Whether there is nothing to check any more.
  bool isDone() const { return done.load(std::memory_order_acquire); }

  /// Makes later checks do nothing.
  void skip() { done.store(true); }

private:
  enum class State : uint8_t { Unknown, Taken, Good, Bad };
  struct Segment {
    std::span<const uint8_t> bytes;
    const uint64_t *digests;
    size_t firstChunk;
  };

  std::span<const uint8_t> bytesOf(const Segment &segment, size_t chunk) const;
  void check(const Segment &segment, size_t chunk);

  std::vector<Segment> segments;
  size_t chunkCount = 0;
  std::unique_ptr<std::atomic<State>[]> states; ///< of the chunks of all segments
  std::atomic<bool> done{false}, isBad{false};
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_ARTIFACT_WEIGHTS_H
