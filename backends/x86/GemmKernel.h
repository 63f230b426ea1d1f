// Matrix products (see GemmKernel.cpp) and the packing that contractions share.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

std::optional<KernelPlan> planGemm(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
PlanList gemmAlternatives(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitGemm(EmitContext &context);

/// For operands packed by PanelPacking.
int64_t packedPanelBytes(mlir::RankedTensorType type, mlir::DictionaryAttr packing);
void packPanels(const reference::Tensor &value, mlir::DictionaryAttr packing, char *out);

} // namespace lathe::x86
