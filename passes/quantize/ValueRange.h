// Calibrated ranges of values, as attributes: what stands between calibration and --lathe-insert-quantization.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <optional>

namespace lathe::nn {

/// Numbers that a value takes: low <= 0 <= high.
struct ValueInterval {
  double low, high;
};

/// Notes it at the operation (of one result) or argument that defines the value, as `lathe.range`.
void setInterval(mlir::Value value, ValueInterval interval);
std::optional<ValueInterval> intervalOf(mlir::Value value);
void removeIntervals(mlir::func::FuncOp function);

/// The f32 values that products with constant weights multiply, and that --lathe-insert-quantization would make integers of, in
/// program order. Nodes whose names match `keep` (if not empty) don't count.
llvm::SmallVector<mlir::Value> quantizableInputs(mlir::func::FuncOp function, llvm::StringRef keep);

} // namespace lathe::nn
