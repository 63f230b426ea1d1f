// The kernel that computes every element of its outputs by itself; see MapKernel.cpp.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

std::optional<KernelPlan> planMap(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitMap(EmitContext &context);

} // namespace lathe::x86
