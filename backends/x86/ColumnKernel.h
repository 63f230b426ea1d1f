// The kernel that reduces along axes before the last one; see ColumnKernel.cpp.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

std::optional<KernelPlan> planColumn(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitColumn(EmitContext &context);

} // namespace lathe::x86
