// Questions about quantized values that the passes of this folder share.
#pragma once

#include "passes/support/Match.h"

namespace lathe::nn {

/// A value that is (integers - zero) * scale, without blocks. `zero` may be null.
struct Uniform {
  DequantizeOp op;
  mlir::Value integers, scale, zero;

  static std::optional<Uniform> of(mlir::Value value);
  /// One scale and one zero point for all elements.
  bool isPerTensor() const;
};

/// 8-bit integers, signed or not.
bool isByte(mlir::Value value);
bool hasOneElement(mlir::Value value);
/// True if the two are one value, or constants with one and the same number as elements; also for two null values.
bool areSame(mlir::Value lhs, mlir::Value rhs);

mlir::Value createQuantize(mlir::OpBuilder &b, mlir::Location location, mlir::Value input, mlir::Value scale,
                           mlir::Value zero, mlir::Type integers);
mlir::Value createDequantize(mlir::OpBuilder &b, mlir::Location location, mlir::Value integers, mlir::Value scale,
                             mlir::Value zero);

} // namespace lathe::nn
