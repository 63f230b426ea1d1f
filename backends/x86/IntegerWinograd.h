// 3 x 3 convolutions of 8-bit integers by exact minimal filtering (see IntegerWinograd.cpp): kind `integer_winograd`.
#pragma once

#include "backends/x86/KernelEmitter.h"
#include "dialects/nn/NN.h"

namespace lathe::x86 {

/// nullopt also where the direct way (IntegerKernel.h) is expected to be faster.
std::optional<KernelPlan> planIntegerWinograd(mlir::Operation *op, llvm::ArrayRef<bool> isConstant,
                                              const Target &target);
mlir::LogicalResult emitIntegerWinograd(EmitContext &context);

/// The time of this way as a part of that of the direct one by pairs of i16, for a channels-last convolution and these values of the
/// function's symbols; nullopt: it is computed directly. `directPart`: the direct way's.
std::optional<double> filteredPart(nn::ConvOp op, llvm::ArrayRef<int64_t> symbols, const Target &target,
                                   double directPart);

} // namespace lathe::x86
