// What is kept of all values that a tensor has taken: a histogram of fixed size, however many samples there are. Values may count by a
// weight of their channel: how much a product's result depends on them.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lathe {

/// Numbers that integers have to cover: low <= 0 <= high.
struct Range {
  double low = 0, high = 0;
  bool operator==(const Range &) const = default;
};

/// How a range is chosen from what was seen.
enum class RangeMethod {
  minMax,     ///< all of it
  percentile, ///< but a share of outliers on either side
  mse, ///< with the least squared error of 8-bit integers, by weight (Choukroun et al., Low-bit Quantization, 2019); further than
       ///< what was seen if that were few values
  entropy, ///< with the least divergence of 8-bit integers' distribution (Migacz, 8-bit Inference with TensorRT, 2017)
};
/// "min-max", "percentile", "mse" or "entropy".
std::optional<RangeMethod> parseRangeMethod(llvm::StringRef text);

/// Counts of values in bins of one width on both sides of 0. A value outside doubles the width: pairs of bins become one, so that
/// the order of samples changes nothing but how a pair's values are told apart. NaN and infinities are counted apart.
class Histogram {
public:
  Histogram();
  /// values[i] counts weights[i / inner % weights.size()] times, once without weights: those of a tensor [.., channels, inner..] that
  /// has a weight (not negative) for each channel.
  void add(llvm::ArrayRef<float> values, llvm::ArrayRef<float> weights = {}, size_t inner = 1);

  /// The sum of weights.
  double count() const { return total; }
  uint64_t notFinite() const { return strange; }
  double least() const { return low; }
  double most() const { return high; }
  /// {0, 0} if nothing was added. `outliers`: the share of values beyond either end that `percentile` may leave out.
  Range range(RangeMethod method, double outliers = 1e-5) const;

private:
  void widen(double magnitude);
  double center(size_t bin) const;
  Range percentile(double outliers) const;
  Range leastError() const;
  Range leastDivergence() const;
  double meanExcess(bool isHigh) const;
  Range extended(Range range) const;
  double squaredError(Range range) const;
  double divergence(Range range) const;
  template <class CostFn> Range search(CostFn cost) const;

  std::vector<double> bins; // negative values first, 0 in the middle
  double width = 0;         // of a bin; 0 until something else than 0 was seen
  double low = 0, high = 0;
  double total = 0;
  uint64_t strange = 0;
};

} // namespace lathe
