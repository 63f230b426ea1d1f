// Convolutions and products that oneDNN can compute, as the runtime is told of them (manifest.fbs, LibraryKernel).
#pragma once

#include "backends/Backend.h"
#include "manifest_generated.h"

namespace lathe::onednn {

/// The kernel for `op` (an nn operation or nn.fused), without rows and places of arguments; null: not one for oneDNN. That is
/// a convolution (channels last, one or two spatial axes) or product of all known sizes, with constant weights, followed by
/// at most additions of inputs, multiplications per column, relu, and max and min with constants; of f32, or of bytes (unsigned
/// times signed, with sums that oneDNN computes exactly) that are dequantized first; bytes may be added, and be what it ends
/// with.
std::unique_ptr<artifact::LibraryKernelT> describe(mlir::Operation *op, llvm::ArrayRef<bool> isConstant,
                                                   const Target &target);
/// The same, whole, for a kernel with such a plan. Failure: a diagnostic was emitted.
mlir::FailureOr<std::unique_ptr<artifact::LibraryKernelT>> describe(plan::KernelOp kernel);

/// Plans that differ in the rows of a task: first one with work for several threads, then others. None where `describe` gives
/// null.
std::vector<KernelPlan> plansFor(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);

} // namespace lathe::onednn
