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
};

/// The constant f32 matrix whose rows a gather looks up, if it is large enough to matter; null: it is no such operation.
ConstantOp lookedUpTable(mlir::Operation *op);

} // namespace lathe::nn
