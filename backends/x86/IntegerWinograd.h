// 3 x 3 convolutions of 8-bit integers by exact minimal filtering (see IntegerWinograd.cpp): kind `integer_winograd`.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

/// nullopt also where the direct way (IntegerKernel.h) is expected to be faster.
std::optional<KernelPlan> planIntegerWinograd(mlir::Operation *op, llvm::ArrayRef<bool> isConstant,
                                              const Target &target);
mlir::LogicalResult emitIntegerWinograd(EmitContext &context);

} // namespace lathe::x86
