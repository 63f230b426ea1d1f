// Arithmetic on symbolic sizes beyond what affine expressions simplify by themselves.
#pragma once

#include "dialects/support/Symbols.h"

namespace lathe::importer {

/// numerator / denominator where the division is known to be exact: common factors are cancelled; what can't be cancelled
/// stays as a floordiv.
mlir::AffineExpr exactQuotient(mlir::AffineExpr numerator, mlir::AffineExpr denominator);

/// Inclusive bounds of an expression, from the bounds of its symbols.
struct DimRange {
  int64_t min = INT64_MIN, max = INT64_MAX;
};
DimRange rangeOf(mlir::AffineExpr expr, const Symbols &symbols);

/// The smaller / larger of two sizes: an operand where the bounds decide, else a derived symbol.
mlir::AffineExpr smaller(mlir::AffineExpr lhs, mlir::AffineExpr rhs, Symbols &symbols);
mlir::AffineExpr larger(mlir::AffineExpr lhs, mlir::AffineExpr rhs, Symbols &symbols);
/// condition >= 0 ? lhs : rhs
mlir::AffineExpr selectNonNegative(mlir::AffineExpr condition, mlir::AffineExpr lhs, mlir::AffineExpr rhs,
                                   Symbols &symbols);
/// condition == 0 ? lhs : rhs
mlir::AffineExpr selectZero(mlir::AffineExpr condition, mlir::AffineExpr lhs, mlir::AffineExpr rhs, Symbols &symbols);
/// floor(expr * scale): a floordiv where 1 / scale is an integer, else a derived symbol.
mlir::AffineExpr scaledFloor(mlir::AffineExpr expr, double scale, Symbols &symbols);

} // namespace lathe::importer
