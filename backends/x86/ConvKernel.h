// Channels-last convolutions (see ConvKernel.cpp); operands are packed as GemmKernel.h says.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

std::optional<KernelPlan> planConv(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
PlanList convAlternatives(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitConv(EmitContext &context);

} // namespace lathe::x86
