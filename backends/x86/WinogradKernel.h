#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

/// Channels-last 3 x 3 convolutions of stride 1, where fewer multiplications are worth the transforms.
std::optional<KernelPlan> planWinograd(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
/// Vector FMAs that a channels-last convolution in f32 takes in this way, for these values of the function's symbols; nullopt: it is
/// computed directly.
std::optional<double> winogradFmas(nn::ConvOp op, llvm::ArrayRef<int64_t> symbols, const Target &target);
PlanList winogradAlternatives(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
mlir::LogicalResult emitWinograd(EmitContext &context);
int64_t winogradPackedBytes(mlir::RankedTensorType type, mlir::DictionaryAttr packing);
void packWinograd(const reference::Tensor &value, mlir::DictionaryAttr packing, char *out);

} // namespace lathe::x86
