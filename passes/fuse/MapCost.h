// What fusion of element-wise operations and data movement knows of single operations: which can take part, what an element
// costs, and how often an operation reads its operands.
#pragma once

#include "dialects/nn/NN.h"

namespace lathe::nn {

/// Operations that compute any element of their result from a few elements of their operands.
bool isMapOp(mlir::Operation *op);
/// Scalar instructions for one element, roughly: 0 for data movement, tens for transcendental functions.
double costPerElement(mlir::Operation *op);
/// Elements of the operand that are read for one element of the result, on average.
double readsPerElement(mlir::OpOperand &use);
/// Number of elements, with a guess in place of symbols.
double estimatedSize(mlir::Value value);
/// True if each axis of one shape is a run of axes of the other, so that indices translate without mixing axes.
bool splitsOrMergesAxes(llvm::ArrayRef<mlir::AffineExpr> from, llvm::ArrayRef<mlir::AffineExpr> to);

} // namespace lathe::nn
