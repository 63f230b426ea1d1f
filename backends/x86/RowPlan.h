// Which computations go row by row, and what a row keeps in scratch memory.
#pragma once

#include "backends/x86/Tasks.h"

namespace lathe::x86 {

/// A computation in which all reductions run along the same trailing axes, the row; everything that follows a reduction is
/// element-wise, so that a row is finished before the next one begins.
struct RowPlan {
  DimExprs lead, row;                      // leading axes (may be none), axes of the row
  llvm::SmallVector<mlir::Value> buffered; // values kept for a whole row, one scratch slot each
  TaskSpace space;                         // rows of `lead`
  mlir::AffineExpr rowLength;

  /// Bytes of a slot: a multiple of the alignment.
  mlir::AffineExpr slotBytes(mlir::Value value) const;
  mlir::AffineExpr scratchBytes() const;
};

/// True for softmax, layer_norm and reduce.
bool isRowReduction(mlir::Operation *op);

/// nullopt if the region (axes collapsed) is not of this form.
std::optional<RowPlan> planRows(mlir::Block &block);

} // namespace lathe::x86
