// Operations along permuted axes: what --lathe-sink-transposes needs to know of single operations.
#pragma once

#include "dialects/nn/NN.h"
#include "mlir/IR/PatternMatch.h"

namespace lathe::nn {

llvm::SmallVector<int64_t> inversePermutation(llvm::ArrayRef<int64_t> permutation);
/// True if permuteThrough knows the operation.
bool canPermute(mlir::Operation *op);
/// Operands whose axes are permuted along with the result's (not indices, not pad values).
llvm::SmallVector<mlir::Value> dataOperands(mlir::Operation *op);
/// True if createUnpermuted costs nothing at run time: for constants, and where only axes of size 1 change places.
bool movesForFree(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
/// The value whose transpose by `permutation` is `value`. Lower ranks get axes of size 1 in front.
mlir::Value createUnpermuted(mlir::Value value, llvm::ArrayRef<int64_t> permutation, mlir::OpBuilder &b);
/// True if a softmax along the last axis would have to work along another one, or interpolation along others would come to
/// work along the last one.
bool spoilsRows(mlir::Operation *op, llvm::ArrayRef<int64_t> permutation);
/// Replaces `op`, whose data operands are transposed by `permutation`, by a transpose of the operation on what is before it.
void permuteThrough(mlir::Operation *op, llvm::ArrayRef<int64_t> permutation, mlir::PatternRewriter &rewriter);

} // namespace lathe::nn
