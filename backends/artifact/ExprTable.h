// Integer expressions of the plan as postfix code of the manifest (runtime/src/artifact/manifest.fbs).
#pragma once

#include "dialects/support/Symbols.h"
#include "manifest_generated.h"
#include <map>

namespace lathe {

/// Collects expressions, each once, and gives their numbers. Large parts are expressions of their own, so that the stack
/// that evaluates one stays small.
class ExprTable {
public:
  uint32_t constant(int64_t value);
  uint32_t of(mlir::AffineExpr expr);
  /// Largest of several; 0 for none.
  uint32_t maximum(llvm::ArrayRef<uint32_t> exprs);
  uint32_t add(uint32_t lhs, uint32_t rhs);
  /// `expr` rounded up to a multiple of `alignment`.
  uint32_t alignUp(uint32_t expr, int64_t alignment);
  uint32_t equal(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
  /// The rule of a derived symbol.
  uint32_t derived(const Symbol &symbol);

  std::vector<std::unique_ptr<artifact::ExprT>> take() { return std::move(exprs); }

private:
  using Code = std::vector<std::pair<artifact::ExprCode, int64_t>>;
  uint32_t intern(const Code &code);
  uint32_t binary(artifact::ExprCode code, uint32_t lhs, uint32_t rhs);

  std::map<Code, uint32_t> known;
  std::vector<std::unique_ptr<artifact::ExprT>> exprs;
};

/// Symbols for people: their names, and of minima and maxima what they are of: `min(seq, 512)`.
std::vector<std::string> symbolTexts(llvm::ArrayRef<Symbol> symbols);

/// An expression for people: `2*seq + 1`; names[i] is symbol i.
std::string dimText(mlir::AffineExpr expr, llvm::ArrayRef<std::string> names);

} // namespace lathe
