// The kernel that looks up bytes in a table of 256; see LookupKernel.cpp.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

std::optional<KernelPlan> planLookup(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitLookup(EmitContext &context);

} // namespace lathe::x86
