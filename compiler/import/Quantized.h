// Quantized tensors, as the converters of ONNX's operators and of ONNX Runtime's meet them. Null operands give null.
#pragma once

#include "compiler/import/Node.h"

namespace lathe::importer {

/// Input `index`; null, with an error, if it is absent or a constant with elements that are no scales: infinite, NaN or negative.
mlir::Value scalesIn(Node &n, unsigned index, bool mayBeNegative = false);

/// saturate(round(x / scale) + zero) as `type`; zero may be null. One entry for all elements, or entries that broadcast to x.
mlir::Value quantized(Node &n, mlir::Value x, mlir::Value scale, mlir::Value zero, mlir::Type type);
/// (x - zero) * scale as the scale's type; zero may be null.
mlir::Value dequantized(Node &n, mlir::Value x, mlir::Value scale, mlir::Value zero);

/// The same with scales (f32 or narrower; finite) and zero points per `block` elements along `axis`.
mlir::Value dequantizedBlocks(Node &n, mlir::Value x, mlir::Value scales, mlir::Value zeros, int64_t axis,
                              int64_t block);

/// Elements of `bits` (2, 4 or 8) each that bytes hold along their last axis, lowest first.
mlir::Value unpackedLast(Node &n, mlir::Value bytes, int64_t bits);

/// Integers of a tensor with the scale and zero point that its range asks for.
struct Dynamic {
  mlir::Value integers, scale, zero;
};
/// As DynamicQuantizeLinear says: u8, the range widened to hold 0. A tensor of zeros has scale 1, as in ONNX Runtime.
Dynamic quantizedDynamically(Node &n, mlir::Value x);

/// i32 sums of matmul(lhs - zeroLhs, rhs - zeroRhs) as NumPy multiplies. Zero points may be null, one number, one per row (lhs)
/// or one per column (rhs).
mlir::Value integerProduct(Node &n, mlir::Value lhs, mlir::Value zeroLhs, mlir::Value rhs, mlir::Value zeroRhs);
/// i32 sums of a Conv node's window. Zero points may be null, and one number or one per filter.
mlir::Value integerConvolution(Node &n, mlir::Value input, mlir::Value zeroInput, mlir::Value filter,
                               mlir::Value zeroFilter, mlir::Value bias = {});

/// Scales or zero points of a left operand, one or one per row, shaped to meet its rows.
mlir::Value perRow(Node &n, mlir::Value entries);
/// Scales of a convolution's result, one or one per channel, shaped to meet `sums`.
mlir::Value perChannel(Node &n, mlir::Value scale, mlir::Value sums);
/// sums * scale in f32.
mlir::Value scaledSums(Node &n, mlir::Value sums, mlir::Value scale);
/// The same, rounded and saturated with the scale and zero point of the result.
mlir::Value requantized(Node &n, mlir::Value sums, mlir::Value scale, mlir::Value resultScale, mlir::Value resultZero);

} // namespace lathe::importer
