// Matrix products and convolutions of 8-bit integers with constant weights (see IntegerKernel.cpp): kind `integer_product`.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

std::optional<KernelPlan> planIntegerProduct(mlir::Operation *op, llvm::ArrayRef<bool> isConstant,
                                             const Target &target);
mlir::LogicalResult emitIntegerProduct(EmitContext &context);

int64_t packedIntegerBytes(mlir::RankedTensorType type, mlir::DictionaryAttr packing);
void packIntegers(const reference::Tensor &value, mlir::DictionaryAttr packing, char *out);

} // namespace lathe::x86
