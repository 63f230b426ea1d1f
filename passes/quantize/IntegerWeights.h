// Weights that were rounded ahead, with what samples tell: what stands between who rounds them and --lathe-insert-quantization.
#pragma once

#include "dialects/reference/Tensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace lathe::nn {

/// 8-bit integers of a product's weights.
struct IntegerWeights {
  reference::Tensor integers;      // i8, of the weights' shape
  llvm::SmallVector<float> scales; // one per output
};

/// Notes them at the product, as `lathe.integer_weights` and `lathe.integer_scales`.
void setIntegerWeights(mlir::Operation *op, const IntegerWeights &weights);
/// nullopt: none were noted.
std::optional<IntegerWeights> integerWeightsOf(mlir::Operation *op);
void removeIntegerWeights(mlir::func::FuncOp function);

} // namespace lathe::nn
