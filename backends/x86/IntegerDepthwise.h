// Depthwise convolutions of 8-bit integers, channels last, with constant weights (see IntegerDepthwise.cpp): kind
// `integer_depthwise`.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

std::optional<KernelPlan> planIntegerDepthwise(mlir::Operation *op, llvm::ArrayRef<bool> isConstant,
                                               const Target &target);
mlir::LogicalResult emitIntegerDepthwise(EmitContext &context);

int64_t packedDepthwiseBytes(mlir::RankedTensorType type, mlir::DictionaryAttr packing);
void packDepthwise(const reference::Tensor &value, mlir::DictionaryAttr packing, char *out);

} // namespace lathe::x86
