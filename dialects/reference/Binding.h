// Values of a function's symbols for given inputs.
#pragma once

#include "dialects/reference/Tensor.h"
#include "dialects/support/Symbols.h"

namespace lathe::reference {

/// Binds the symbols of a function as the runtime does: from sizes and contents of inputs, then derived ones
/// in order; late ones when their tensor is computed.
class Binding {
public:
  /// Error: an input has the wrong element type, rank or size, a symbol is out of its bounds or its value is
  /// no size.
  static llvm::Expected<Binding> bind(mlir::func::FuncOp function, llvm::ArrayRef<Tensor> inputs);

  /// Binds symbol `number` (nn.late_symbol) and what is derived from it.
  llvm::Error bindLate(size_t number, int64_t value);
  llvm::ArrayRef<int64_t> values() const { return symbolValues; }

private:
  llvm::Error assign(size_t number, int64_t value);
  llvm::Error bindDerived();
  llvm::Error checkConstraints() const;
  bool isBound(mlir::AffineExpr expr) const;

  Symbols symbols;
  llvm::SmallVector<int64_t> symbolValues;
  llvm::SmallVector<bool> bound;
};

} // namespace lathe::reference
