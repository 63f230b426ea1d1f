// Attention in one kernel (see AttentionKernel.cpp).
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

std::optional<KernelPlan> planAttention(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitAttention(EmitContext &context);

} // namespace lathe::x86
