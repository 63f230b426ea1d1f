// Differences between two tensors of one shape, gathered over any number of samples in constant memory.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <vector>

namespace lathe::diff {

/// Of `got` against `expected`. Where one of the two is not finite it counts as a mismatch, unless both are the same; it is part of
/// no sum.
class ErrorSums {
public:
  void add(llvm::ArrayRef<float> expected, llvm::ArrayRef<float> got);

  uint64_t count() const { return elements; }
  uint64_t mismatches() const { return notFinite; }
  /// Signal to noise: 10 log10(sum expected^2 / sum error^2), in dB; infinite where there is no error.
  double sqnr() const;
  /// 1 for two tensors of zeros.
  double cosine() const;
  double maxError() const { return largestError; }
  /// Root of sum error^2 / sum expected^2.
  double relative() const;
  double errorEnergy() const { return error2; }
  /// Of the largest magnitude expected.
  double largest() const { return largestExpected; }

private:
  uint64_t elements = 0, notFinite = 0;
  double expected2 = 0, got2 = 0, product = 0, error2 = 0, largestError = 0, largestExpected = 0;
};

/// Along one axis, the channels: how far values reach, and whether errors lie to one side.
class ChannelSums {
public:
  /// Tensors of sizes [outer, channels, inner]. The number of channels has to be the same in all calls; else nothing is added.
  void add(llvm::ArrayRef<float> expected, llvm::ArrayRef<float> got, int64_t outer, int64_t channels, int64_t inner);

  size_t channels() const { return sums.size(); }
  /// Largest magnitude expected in a channel.
  double magnitude(size_t channel) const { return sums[channel].magnitude; }
  /// The part of the errors' energy that is their mean in each channel: 1 where all errors of a channel are the same. What even
  /// errors without a bias give by chance is taken off.
  double biasShare() const;
  /// Least and largest value expected.
  double low() const;
  double high() const;

private:
  struct Sum {
    double error = 0, error2 = 0, magnitude = 0, low = 0, high = 0;
    uint64_t count = 0;
  };
  std::vector<Sum> sums;
};

/// What 8-bit integers of one scale and zero point lose of values.
class RepresentationSums {
public:
  RepresentationSums(double scale, int64_t zero, bool isSigned);
  void add(llvm::ArrayRef<float> expected);
  /// Share of the values out of range by more than a step.
  double clippedShare() const { return count ? double(clipped) / double(count) : 0; }
  /// Energies of the errors of values out of range, and of those within.
  double clipEnergy() const { return clip2; }
  double roundEnergy() const { return round2; }
  double low() const { return lowest; }
  double high() const { return highest; }

private:
  double scale, lowest, highest;
  uint64_t count = 0, clipped = 0;
  double clip2 = 0, round2 = 0;
};

} // namespace lathe::diff
