// Kernels of operations that have no value "at an index": running sums, scatters, top-k, coordinates
// of non-zeros and recurrent cells.
#pragma once

#include "backends/x86/Tasks.h"

namespace lathe::x86 {

std::optional<KernelPlan> planCumulative(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitCumulative(EmitContext &context);

std::optional<KernelPlan> planScatter(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitScatter(EmitContext &context);

std::optional<KernelPlan> planTopK(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitTopK(EmitContext &context);

std::optional<KernelPlan> planRecurrent(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitRecurrent(EmitContext &context);

std::optional<KernelPlan> planNonZero(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitNonZero(EmitContext &context);

std::optional<KernelPlan> planNonMaxSuppression(mlir::Operation *op, llvm::ArrayRef<bool> isConstant,
                                                const Target &target);
mlir::LogicalResult emitNonMaxSuppression(EmitContext &context);

/// The lines of a tensor along an axis: one per index of all other axes.
struct Lines {
  mlir::AffineExpr outer, length, inner; // products of the axes before, at and after
  TaskSpace space() const;

  static Lines of(mlir::Value tensor, int64_t axis);
};

/// Loops over the lines of the tasks; gives the element number of a line's first element and the distance between its
/// elements, for the tensor itself and for one whose axis has another length.
struct Line {
  mlir::Value start, stride;
  mlir::Value startOf(EmitContext &c, mlir::Value otherLength) const;
  mlir::Value outer, inner; // indices
};
void loopLines(EmitContext &c, const Lines &lines, llvm::function_ref<void(const Line &)> body);

} // namespace lathe::x86
