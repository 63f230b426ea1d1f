// Calibrated ranges of values, as attributes: what stands between calibration and --lathe-insert-quantization.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <optional>

namespace lathe::nn {

/// Numbers that a value takes: low <= 0 <= high.
struct ValueInterval {
  double low, high;
};

/// Scale and zero point of unsigned 8-bit integers that cover an interval, and 0.
struct ByteGrid {
  float scale = 1;
  uint8_t zero = 0;
};
ByteGrid byteGridOf(ValueInterval interval);

/// Notes it at the operation (of one result) or argument that defines the value, as `lathe.range`.
void setInterval(mlir::Value value, ValueInterval interval);
std::optional<ValueInterval> intervalOf(mlir::Value value);
/// All of these attributes.
void removeIntervals(mlir::func::FuncOp function);

/// The f32 values that products of precision int8 (Precision.h) multiply by constant weights, in program order: those whose
/// intervals --lathe-insert-quantization asks for.
llvm::SmallVector<mlir::Value> calibratedInputs(mlir::func::FuncOp function);

} // namespace lathe::nn
