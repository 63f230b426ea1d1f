// How an index space is cut into tasks: blocks of rows of about equal work.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

/// The axes [0, split] of an index space, flattened, are its rows; the axes after `split` are loops inside a row.
struct TaskSpace {
  DimExprs dims; // at least one
  unsigned split = 0;
  mlir::AffineExpr rows, rowsPerTask, tasks;
};

/// Work of one task: 5 to 10 us of vector code (in elements times cost per element).
constexpr int64_t kTaskWork = 1 << 16;

/// Cuts a space whose elements cost `cost` each. No task where there is no element.
TaskSpace cutTasks(llvm::ArrayRef<mlir::AffineExpr> dims, int64_t cost, mlir::MLIRContext *context);

/// Loops over the rows of tasks [begin, end) of the space; gives the indices of axes [0, split].
void loopRows(EmitContext &c, const TaskSpace &space, mlir::Value begin, mlir::Value end,
              llvm::function_ref<void(llvm::ArrayRef<mlir::Value> indices)> body);

} // namespace lathe::x86
