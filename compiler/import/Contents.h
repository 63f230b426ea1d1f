// What is known at compile time about the elements of a small tensor: shape arithmetic, followed through operations.
#pragma once

#include "compiler/import/DimMath.h"
#include "dialects/nn/NN.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace lathe::importer {

/// One element: `expr` * `factor`. Integers have factor 1; a float constant is 1 * factor.
struct Content {
  mlir::AffineExpr expr;
  double factor = 1.0;

  std::optional<double> number() const;
};
using ContentList = llvm::SmallVector<Content, 8>;

/// Answers questions about the contents of values of one function. Values are looked through lazily and remembered.
class Contents {
public:
  Contents(mlir::func::FuncOp function, Symbols &symbols) : function(function), symbols(symbols) {}

  /// The elements of a tensor of static size in terms of symbols; nullopt if they depend on computed data. With
  /// `mayBind`, elements of small integer arguments of the function become symbols.
  std::optional<ContentList> of(mlir::Value value, bool mayBind = false);
  /// As integers in symbols (bools are 0 and 1); nullopt for fractions too.
  std::optional<DimExprs> integers(mlir::Value value, bool mayBind = false);
  /// As numbers known now.
  std::optional<llvm::SmallVector<double>> numbers(mlir::Value value);
  std::optional<llvm::SmallVector<int64_t>> integerNumbers(mlir::Value value);
  /// Makes the contents of a value known: they were bound to symbols.
  void remember(mlir::Value value, llvm::ArrayRef<mlir::AffineExpr> exprs);

private:
  std::optional<ContentList> find(mlir::Value value, unsigned depth);
  std::optional<ContentList> compute(mlir::Value value, unsigned depth);
  std::optional<ContentList> argument(mlir::BlockArgument argument);
  std::optional<ContentList> evaluate(mlir::Operation *op, unsigned depth);

  mlir::func::FuncOp function;
  Symbols &symbols;
  bool mayBind = false;
  llvm::DenseMap<mlir::Value, ContentList> known;
  llvm::DenseSet<mlir::Value> unknown;
};

} // namespace lathe::importer
