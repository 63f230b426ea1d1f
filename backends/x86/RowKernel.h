// The kernel that works row by row; see RowKernel.cpp.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

std::optional<KernelPlan> planRow(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitRow(EmitContext &context);

} // namespace lathe::x86
