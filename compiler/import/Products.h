// Products that several groups of converters need.
#pragma once

#include "compiler/import/Node.h"

namespace lathe::importer {

/// NumPy's matmul: vectors are allowed on both sides.
/// Zero points (may be null) are of 8-bit operands.
mlir::Value matmulAnyRank(Node &n, mlir::Value a, mlir::Value b, mlir::Value zeroA = {}, mlir::Value zeroB = {});

/// What Conv, ConvTranspose and the pools say about their window.
struct Window {
  Ints kernel, strides, dilations;
  Ints pads; ///< begins, then ends
};

/// Reads strides, dilations, pads and auto_pad for an input [N, C, spatial..]. Padding that depends on a symbolic size
/// becomes an nn.pad with `padWith` (a scalar) or else `padValue` (number of the element type; lowest for max pooling), which
/// replaces `input`.
/// Nullopt, with an error, if something does not fit.
std::optional<Window> readWindow(Node &n, mlir::Value &input, llvm::ArrayRef<int64_t> kernel, double padValue,
                                 mlir::Value padWith = {});

/// Consecutive parts of `x` along an axis; empty, with an error, if they are not the whole.
Values splitAlong(Node &n, mlir::Value x, int64_t axis, llvm::ArrayRef<mlir::AffineExpr> sizes);

/// nn.conv of an ONNX Conv node's attributes. Bias and zero points (of 8-bit operands) may be null.
mlir::Value convolve(Node &n, mlir::Value input, mlir::Value filter, mlir::Value bias, mlir::Value inputZero = {},
                     mlir::Value filterZero = {});

} // namespace lathe::importer
