// What products with constant weights are expected to take in f32 and in integers: for choosing between them.
#pragma once

#include "backends/Backend.h"

namespace lathe::x86 {

/// See Backend::productTimes.
std::optional<ProductTimes> timesOfProduct(mlir::Operation *op, llvm::ArrayRef<int64_t> symbols, const Target &target);
/// See Backend::groupedTimes.
std::optional<GroupedTimes> timesOfGrouped(mlir::Operation *op, int64_t group, llvm::ArrayRef<int64_t> symbols,
                                           const Target &target);

} // namespace lathe::x86
