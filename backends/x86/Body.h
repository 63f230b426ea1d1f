// The computation of a kernel as a region of its own, and facts about it that planning needs.
#pragma once

#include "backends/x86/KernelEmitter.h"
#include "mlir/IR/OwningOpRef.h"

namespace lathe::x86 {

/// A kernel outside of any program whose region computes `op` (an nn operation or nn.fused): what the emitters plan with.
mlir::OwningOpRef<plan::KernelOp> makeBody(mlir::Operation *op);

/// Number of elements, as an expression.
mlir::AffineExpr elementCount(mlir::Value tensor);

/// Rough time of one element of `op`'s result, in units of a simple vector operation (an addition is 1, an exp 10).
int64_t costPerElement(mlir::Operation *op);

/// True for operations whose result at an index depends on their operands at that index only, broadcasts included.
bool isPointwise(mlir::Operation *op);

/// True if all element types in the operation are ones that kernels can hold in memory.
bool hasKnownTypes(mlir::Operation *op);

} // namespace lathe::x86
