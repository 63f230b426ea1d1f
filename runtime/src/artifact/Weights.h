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
#include <mutex>
#include <span>

namespace lathe::runtime {

/// Calls the function once for each number below the count, on any threads.
using ParallelFor = std::function<void(size_t, const std::function<void(size_t)> &)>;

/// Checks the digests of an artifact's weights once, whoever asks first.
/// Thread-safe.
class WeightsCheck {
public:
  /// Throws Error (LATHE_BAD_ARTIFACT), each time when it did once.
  void run(std::span<const uint8_t> file, const artifact::Manifest &manifest, const ParallelFor &parallelFor);

  /// Makes later checks do nothing.
  void skip() { state.store(State::Good); }

private:
  enum class State { Unknown, Good, Bad };
  std::atomic<State> state{State::Unknown};
  std::mutex mutex;
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_ARTIFACT_WEIGHTS_H
