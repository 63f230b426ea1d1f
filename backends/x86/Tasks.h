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

struct PartLimits {
  int64_t fewest, most;
};

/// How many parts to cut units into: about `wanted`, so many that two and four threads have the same number to do, and that parts are
/// of one size. Something else is cut into `others` parts at the same time.
int64_t evenParts(int64_t units, int64_t wanted, PartLimits limits, int64_t others);

/// The same for a number of parts that isn't known: one more if it is odd and not 1.
mlir::AffineExpr evenCount(mlir::AffineExpr parts);

/// Units [first, first + count).
struct TaskPart {
  mlir::Value first, count;
};

/// Part `number` of `parts` whose sizes differ by at most one: the first, and longest, has ceil(units / parts). Threads that begin first
/// get the first tasks.
TaskPart partOf(EmitContext &c, mlir::Value units, mlir::Value parts, mlir::Value number);

/// Loops over the rows of tasks [begin, end) of the space; gives the indices of axes [0, split].
void loopRows(EmitContext &c, const TaskSpace &space, mlir::Value begin, mlir::Value end,
              llvm::function_ref<void(llvm::ArrayRef<mlir::Value> indices)> body);

} // namespace lathe::x86
