// From one plan.kernel to one object file: emitter -> scf/arith/vector -> LLVM dialect -> LLVM IR -> machine code.
#pragma once

#include "backends/x86/CodeImage.h"
#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

/// Loads what kernels are written in, so that they can be made on several threads at once.
void prepareContext(mlir::MLIRContext *context);

/// Machine code of one kernel, and its text if `assembly` is given. Failure: a diagnostic has been emitted. Safe to call for
/// several kernels at once in a context that has been prepared.
mlir::FailureOr<KernelObject> compileKernel(plan::KernelOp kernel, const Target &target, std::string *assembly);

} // namespace lathe::x86
