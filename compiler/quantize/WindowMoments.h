// Second moments of what each result of a product is computed from: rows of a matrix product's input, windows of a convolution's.
#pragma once

#include "compiler/quantize/Gptq.h"
#include "passes/quantize/WeightedOperation.h"

namespace lathe {

/// Where the windows of a product lie in its input. The depth is in the order of the weights: channels, then taps.
struct ProductWindows {
  int64_t groups = 1, channels = 0; // of the input per group
  int64_t channelAxis = 0;          // of the input
  llvm::SmallVector<int64_t> taps, strides, pads,
      dilations; // per spatial axis (pads: begins then ends); none of matrix products

  /// nullopt: of products of a transposed input.
  static std::optional<ProductWindows> of(const nn::WeightedProduct &product);
  int64_t depth() const;
  bool operator==(const ProductWindows &other) const = default;
};

/// One group's moments after another's, each a sum over windows that are drawn evenly.
class WindowMoments {
public:
  explicit WindowMoments(const ProductWindows &windows);

  /// Adds up to `most` windows of a dense f32 tensor of this shape. The same calls give the same bits.
  void add(const float *data, llvm::ArrayRef<int64_t> shape, int64_t most);

  std::vector<Moments> moments; // of groups; only the upper parts

private:
  void addRows(const float *data, int64_t rows, int64_t most);
  void addWindows(const float *data, llvm::ArrayRef<int64_t> shape, int64_t most);
  void gather(const float *data, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> position, int64_t group,
              float *row) const;

  ProductWindows windows;
};

} // namespace lathe
