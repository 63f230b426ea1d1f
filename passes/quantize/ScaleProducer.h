// Cross-layer equalization: factors of a value's channels go into the constant weights of the product that the value comes from.
//
//   relu(conv(y, w, b)) * f  ->  relu(conv(y, w * f, b * f))      f: positive, one per channel
//
// through all that a positive factor passes: rectifiers, pools, multiplications by other values, constant additions, which are scaled,
// too. With a scale per output the product's integers don't change by it, and nothing is computed at run time.
// Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019, section 4.1.
#pragma once

#include "passes/quantize/Smoothing.h"

namespace lathe::nn {

/// The product before a value, the operations from it to the value, and the constants that are added on the way.
struct ProducerPath {
  WeightedProduct product;
  int64_t axis; // of the channels
  llvm::SmallVector<mlir::Operation *> operations;
  llvm::SmallVector<mlir::OpOperand *> additions;

  /// nullopt: something else reads the value or one on the way, there is no such product, or something on the way is not scaled by what
  /// its input is scaled by.
  static std::optional<ProducerPath> of(const SmoothableInput &input);
  /// Multiplies the input's channels. False (and nothing is changed): a constant can't be read.
  bool scale(llvm::ArrayRef<float> factors) const;
};

} // namespace lathe::nn
