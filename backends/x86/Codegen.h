// From one plan.kernel to one object file: emitter -> scf/arith/vector -> LLVM dialect -> LLVM IR -> machine code.
#pragma once

#include "backends/x86/CodeImage.h"
#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

/// Loads what kernels are written in, so that they can be made on several threads at once.
void prepareContext(mlir::MLIRContext *context);

/// The kernel as a module of two functions, the entry that the artifact's ABI names and the body that it calls. Failure: a diagnostic
/// has been emitted. Safe to call for several kernels at once in a context that has been prepared, as is the next one.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> emitKernel(plan::KernelOp kernel, const Target &target);

/// Machine code of a module of kernels, and its text if `assembly` is given. Failure: a diagnostic has been emitted.
mlir::FailureOr<KernelObject> compileKernels(mlir::ModuleOp module, const Target &target, std::string *assembly);

} // namespace lathe::x86
