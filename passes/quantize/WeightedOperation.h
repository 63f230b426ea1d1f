// Operations with constant f32 weights, which quantization makes integers of.
#pragma once

#include "passes/support/Match.h"

namespace lathe::nn {

/// A product of an f32 value with constant weights.
struct WeightedProduct {
  mlir::Operation *op; // nn.matmul or nn.conv
  mlir::OpOperand *input, *weights;
  int64_t outputAxis; // of the weights

  static std::optional<WeightedProduct> of(mlir::Operation *op);
  ConstantOp constant() const { return weights->get().getDefiningOp<ConstantOp>(); }
  /// The axis of the input that is summed over; of a convolution, its channels.
  int64_t inputAxis() const;
};

/// Which index of the input's axis a weight multiplies, and which output it is part of.
class WeightPlaces {
public:
  explicit WeightPlaces(const WeightedProduct &product);

  int64_t channels() const { return perGroup * groups; }
  int64_t outputs() const { return outputsPerGroup * groups; }
  /// Of the weight that is number `i` in row-major order.
  int64_t channelOf(int64_t i) const { return outputOf(i) / outputsPerGroup * perGroup + i / channelStride % perGroup; }
  int64_t outputOf(int64_t i) const { return i / outputStride % outputs(); }

private:
  int64_t groups = 1, perGroup, outputsPerGroup, channelStride, outputStride;
};

/// The constant f32 matrix whose rows a gather looks up, if it is large enough to matter; null: it is no such operation.
ConstantOp lookedUpTable(mlir::Operation *op);

/// The constant f32 matrices that a recurrent cell multiplies its state by, if they are large enough to matter; null: it is no such
/// operation.
ConstantOp recurrenceMatrices(mlir::Operation *op);

/// The constant f32 weights that an operation may read as integers: a product's, a table's or a recurrence's; null: none.
ConstantOp quantizableWeights(mlir::Operation *op);

/// Why the product's matrix can't be integers that its kernel makes numbers of; empty if it can.
std::string reasonAgainstIntegerWeights(MatmulOp matmul);

} // namespace lathe::nn
