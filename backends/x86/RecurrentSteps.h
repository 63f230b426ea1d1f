// Recurrent cells as rounds of tasks, see the .cpp.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

std::optional<KernelPlan> planRecurrentSteps(mlir::Operation *op, llvm::ArrayRef<bool> isConstant,
                                             const Target &target);
mlir::LogicalResult emitRecurrentSteps(EmitContext &context);
int64_t packedStepBytes(mlir::RankedTensorType type, mlir::DictionaryAttr packing);
void packSteps(const reference::Tensor &value, mlir::DictionaryAttr packing, char *out);

} // namespace lathe::x86
