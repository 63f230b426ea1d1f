// Products of f32 rows with integer weights (see WeightOnlyKernel.cpp).
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

std::optional<KernelPlan> planWeightOnly(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitWeightOnly(EmitContext &context);
int64_t packedWeightOnlyBytes(mlir::RankedTensorType type, mlir::DictionaryAttr packing);
void packWeightOnly(const reference::Tensor &value, mlir::DictionaryAttr packing, char *out);

} // namespace lathe::x86
