// Symbolic tensor sizes: how `?` dimensions get their meaning (see NNDialect.td).
//
// A tensor with a dynamic dimension carries an AffineMapAttr as its encoding: no dims, one result per axis,
// symbols sK. Symbol K of a function is described by entry K of its `nn.symbols` attribute (SymbolTable
// below).
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinTypes.h"
#include <optional>
#include <string>

namespace lathe {

using DimExprs = llvm::SmallVector<mlir::AffineExpr, 6>;

/// One size per axis; constants for static axes. Dynamic axes need an encoding (see hasSymbolicDims).
DimExprs dimExprs(mlir::RankedTensorType type);
/// True if every dynamic axis has an expression.
bool hasSymbolicDims(mlir::RankedTensorType type);
/// Tensor of these sizes: constants become static axes, an encoding is added only where an axis is dynamic.
mlir::RankedTensorType makeTensorType(llvm::ArrayRef<mlir::AffineExpr> dims, mlir::Type elementType);
/// `type` with another element type, same sizes.
mlir::RankedTensorType withElementType(mlir::RankedTensorType type, mlir::Type elementType);

/// Simplified expression over symbols only.
mlir::AffineExpr simplifyDim(mlir::AffineExpr expr);
/// The constant an expression stands for, if it does.
std::optional<int64_t> constantDim(mlir::AffineExpr expr);
mlir::AffineExpr dimConstant(mlir::MLIRContext *context, int64_t value);
/// Product of sizes, simplified; 1 for no sizes.
mlir::AffineExpr dimProduct(llvm::ArrayRef<mlir::AffineExpr> dims, mlir::MLIRContext *context);
/// Symbols-only map of these results, number of symbols trimmed to the highest used.
mlir::AffineMap symbolMap(llvm::ArrayRef<mlir::AffineExpr> results, mlir::MLIRContext *context);
/// Value of an expression for given symbol values; nullopt on division by zero.
std::optional<int64_t> evaluateDim(mlir::AffineExpr expr, llvm::ArrayRef<int64_t> symbols);
/// Size of one element in memory, in bytes (i1 takes one). 0 for types that have no memory form.
int64_t elementSizeBytes(mlir::Type elementType);

/// Where the value of a symbol comes from at run time.
enum class SymbolKind { inputDim, inputValue, derived, tensorValue };

/// How a derived symbol is computed from two operands that affine expressions can't combine.
enum class DerivedKind { minimum, maximum, selectNonNegative, floorScaled, selectZero };

/// One entry of `nn.symbols`.
/// - inputDim: size of axis `index` of function argument `input`;
/// - inputValue: element `index` (row-major) of integer argument `input`;
/// - derived: `derived` applied to `operands` (expressions over earlier symbols):
///     minimum(a, b), maximum(a, b), selectNonNegative(c, a, b) = c >= 0 ? a : b, selectZero(c, a, b) = c ==
///     0 ? a : b, floorScaled(a) = floor(a * scale), in double precision;
/// - tensorValue: read from the computed integer tensor named by the nn.late_symbol operation with this
/// index.
struct Symbol {
  std::string name;
  SymbolKind kind = SymbolKind::inputDim;
  int64_t input = 0, index = 0;
  DerivedKind derived = DerivedKind::minimum;
  llvm::SmallVector<mlir::AffineExpr, 3> operands;
  double scale = 1.0;
  int64_t min = 0, max = INT64_MAX; // inclusive bounds, from --dim and from the model
};

/// Value of a derived symbol for given values of the earlier ones; nullopt on overflow, division by zero,
/// missing values.
std::optional<int64_t> evaluateDerived(const Symbol &symbol, llvm::ArrayRef<int64_t> symbols);

/// A condition on symbols that the compiled code relies on; checked whenever a new shape is bound.
struct Constraint {
  mlir::AffineExpr lhs, rhs; // must be equal
  std::string reason;        // names the ONNX node
};

/// The symbols and constraints of a function, as data. Stored in its `nn.symbols` / `nn.constraints`
/// attributes.
struct Symbols {
  llvm::SmallVector<Symbol> symbols;
  llvm::SmallVector<Constraint> constraints;

  /// `holder` is the function, or a plan.program made from it.
  static Symbols of(mlir::Operation *holder);
  void store(mlir::Operation *holder) const;
  /// Adds a symbol, or finds an equal derived one, and gives its expression.
  mlir::AffineExpr add(Symbol symbol, mlir::MLIRContext *context);
  /// Records lhs == rhs unless they are the same expression or recorded already.
  void require(mlir::AffineExpr lhs, mlir::AffineExpr rhs, llvm::StringRef reason);
};

} // namespace lathe
