// What type inference and verifiers of the nn dialect share: sizes of operands and checks that name their
// constraint.
#pragma once

#include "dialects/nn/NN.h"
#include "llvm/Support/raw_ostream.h"

namespace lathe::nn {

using Loc = std::optional<mlir::Location>;
using Types = llvm::SmallVectorImpl<mlir::Type>;

inline mlir::RankedTensorType tensorType(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}
inline mlir::Type elementType(mlir::Value value) { return tensorType(value).getElementType(); }
inline int64_t rankOf(mlir::Value value) { return tensorType(value).getRank(); }
inline DimExprs dimsOf(mlir::Value value) { return dimExprs(tensorType(value)); }
inline bool isFloat(mlir::Type type) { return mlir::isa<mlir::FloatType>(type); }
inline bool isBool(mlir::Type type) { return type.isSignlessInteger(1); }
inline bool isIndexInteger(mlir::Type type) { return type.isSignlessInteger(32) || type.isSignlessInteger(64); }
/// 8-bit integers, signed or not: operands of products with sums in i32.
inline bool isByte(mlir::Type type) { return type.isInteger(8); }
inline bool isInteger(mlir::Type type) { return mlir::isa<mlir::IntegerType>(type) && !isBool(type); }

/// Error at `loc` if there is one; always failure.
template <typename... Args> mlir::LogicalResult refuse(Loc loc, Args &&...args) {
  return mlir::emitOptionalError(loc, std::forward<Args>(args)...);
}

/// False for two different constants only: unequal expressions may have equal values.
bool mayBeEqual(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
bool mayBeEqual(llvm::ArrayRef<mlir::AffineExpr> lhs, llvm::ArrayRef<mlir::AffineExpr> rhs);
/// The more certain of two sizes that are equal.
mlir::AffineExpr joinDims(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
/// The constants among sizes, kDynamic for others.
llvm::SmallVector<int64_t> staticSizes(llvm::ArrayRef<mlir::AffineExpr> dims);

/// `axis` lies in [0, rank); `label` begins the message ("nn.gather C1").
mlir::LogicalResult checkAxis(Loc loc, llvm::StringRef label, int64_t axis, int64_t rank);
mlir::LogicalResult checkFloat(Loc loc, llvm::StringRef label, mlir::Type type);
mlir::LogicalResult checkSameElementType(Loc loc, llvm::StringRef label, mlir::Value lhs, mlir::Value rhs);
/// Operands of a product: of one element type, or both of 8-bit integers.
mlir::LogicalResult checkFactors(Loc loc, llvm::StringRef label, mlir::Value lhs, mlir::Value rhs);
/// Element type of sums of products.
inline mlir::Type sumType(mlir::Type factor) {
  return isByte(factor) ? mlir::IntegerType::get(factor.getContext(), 32) : factor;
}
mlir::LogicalResult checkIndices(Loc loc, llvm::StringRef label, mlir::Type type);
/// Every dynamic axis of every operand has a symbolic size.
mlir::LogicalResult checkSymbolic(Loc loc, mlir::ValueRange values);

/// Attributes of a window: lengths fit the number of spatial axes, strides, dilations and kernel are
/// positive.
struct WindowAttrs {
  llvm::ArrayRef<int64_t> kernel, strides, pads, dilations;
};
mlir::LogicalResult checkWindowLengths(Loc loc, llvm::StringRef label, const WindowAttrs &window, size_t spatial);
mlir::LogicalResult checkWindowPositive(Loc loc, llvm::StringRef label, const WindowAttrs &window);

} // namespace lathe::nn
