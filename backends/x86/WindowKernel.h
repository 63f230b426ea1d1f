// Channels-last depthwise convolutions and pools (see WindowKernel.cpp).
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

std::optional<KernelPlan> planDepthwise(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
PlanList depthwiseAlternatives(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitDepthwise(EmitContext &context);
std::optional<KernelPlan> planPool(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitPool(EmitContext &context);

} // namespace lathe::x86
