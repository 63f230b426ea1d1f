// What is kept of the values that a product's input takes, by channel: their bounds, and a sample of rows.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <vector>

namespace lathe {

/// Of a tensor [.., channels, inner..], streamed; a row is one value of each channel. The same values in the same order give the same
/// sample. Memory: up to 2^18 values.
class ChannelStatistics {
public:
  explicit ChannelStatistics(size_t channels);

  /// `values` has channels x inner values for each outer index. Values that are not finite are counted as 0.
  void add(llvm::ArrayRef<float> values, size_t inner);

  size_t channels() const { return low.size(); }
  /// Bounds of each channel, 0 included.
  llvm::ArrayRef<float> least() const { return low; }
  llvm::ArrayRef<float> most() const { return high; }
  /// Rows, one after the other, each as likely as any other (Vitter, Random Sampling with a Reservoir, 1985, algorithm R).
  llvm::ArrayRef<float> rows() const { return sample; }
  size_t rowCount() const { return low.empty() ? 0 : sample.size() / low.size(); }

private:
  void addRow(const float *first, size_t stride);

  std::vector<float> low, high, sample;
  size_t maxRows;
  uint64_t seen = 0, random = 1;
};

} // namespace lathe
