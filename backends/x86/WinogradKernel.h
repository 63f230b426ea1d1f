#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

/// Channels-last 3 x 3 convolutions of stride 1, where fewer multiplications are worth the transforms.
std::optional<KernelPlan> planWinograd(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
/// Vector FMAs that this way takes of a channels-last convolution in f32, in place of `direct`; nullopt: it isn't expected to be faster.
std::optional<double> winogradFmas(nn::ConvOp op, const Target &target);
PlanList winogradAlternatives(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitWinograd(EmitContext &context);
int64_t winogradPackedBytes(mlir::RankedTensorType type, mlir::DictionaryAttr packing);
void packWinograd(const reference::Tensor &value, mlir::DictionaryAttr packing, char *out);

} // namespace lathe::x86
