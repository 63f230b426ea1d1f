// The kernel that transposes matrices of 4-byte elements; see TransposeKernel.cpp.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

std::optional<KernelPlan> planTranspose(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitTranspose(EmitContext &context);

} // namespace lathe::x86
