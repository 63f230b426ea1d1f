// Values that are other values' memory, read in another order.
#pragma once

#include "dialects/nn/NN.h"
#include <optional>

namespace lathe::nn {

/// Element (i0, i1, ..) of a value is element offset + i0 * strides[0] + i1 * strides[1] + .. of `source`, which is dense.
struct StridedView {
  mlir::Value source;
  mlir::AffineExpr offset;
  DimExprs dims, strides;

  /// `value` as it is.
  static StridedView dense(mlir::Value value);
  /// True if elements lie as in a dense tensor, from the offset on.
  bool isContiguous() const;
  /// True if the last axis has neighbors in memory.
  bool hasUnitStride() const;
};

/// The operations between a source and a value, the one that gives the value last.
using ViewChain = llvm::SmallVector<mlir::Operation *, 4>;

/// True for operations that may only read their operand in another order: reshape, transpose, slice.
bool isViewOp(mlir::Operation *op);
/// What the last operation of `chain` gives, as a view of what the first one takes; nullopt if it is none.
std::optional<StridedView> viewThrough(llvm::ArrayRef<mlir::Operation *> chain);
/// The view operations that lead to `value`, from as far up as one view that is accepted describes all of them.
ViewChain longestViewChain(mlir::Value value, llvm::function_ref<bool(const StridedView &)> accepts);
/// Where the elements of `chain`'s first operand lie in the dense result of its last operation: the same the other way round.
/// For reshapes and transposes.
std::optional<StridedView> viewBack(llvm::ArrayRef<mlir::Operation *> chain);

} // namespace lathe::nn
