// Values whose channels --lathe-smooth-inputs scales, and the factors for them, as attributes: what stands between calibration and
// that pass.
#pragma once

#include "passes/quantize/WeightedOperation.h"

namespace lathe::nn {

/// Notes them at the operation (of one result) or argument that defines the value, as `lathe.channel_factors`: one, positive and finite,
/// for each of its channels.
void setChannelFactors(mlir::Value value, llvm::ArrayRef<double> factors);
/// Empty: there are none.
llvm::ArrayRef<double> channelFactorsOf(mlir::Value value);
void removeChannelFactors(mlir::func::FuncOp function);

/// A value, and the products with constant weights that read it as calibrated 8-bit integers.
struct SmoothableInput {
  mlir::Value value;
  int64_t axis; // of its channels
  llvm::SmallVector<WeightedProduct, 2> products;

  int64_t channels() const;
  /// Convolutions read it.
  bool isPicture() const;
};

/// In program order. What a convolution reads counts where nothing else reads it: others would have to undo the factors.
llvm::SmallVector<SmoothableInput> smoothableInputs(mlir::func::FuncOp function);

} // namespace lathe::nn
