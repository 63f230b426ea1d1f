// What converters of several files have in common: mostly of ONNX Runtime's operators (com.microsoft) that are a standard one with
// something around it.
#pragma once

#include "compiler/import/Node.h"

namespace lathe::importer {

/// The version of ONNX whose operators ONNX Runtime's stand for; LSTM, Concat... mean the same in all newer ones.
constexpr int64_t kStandard = 13;

/// The results of the standard operator `op` with the node's attributes; what it doesn't know of them is ignored.
Values applyStandard(Node &n, llvm::StringRef op, llvm::ArrayRef<mlir::Value> inputs, int64_t version = kStandard);
inline mlir::Value firstOf(const Values &values) { return values.empty() ? mlir::Value() : values.front(); }

/// The axis of channels moved to the end, or from there to the second place.
mlir::Value movedChannels(Node &n, mlir::Value x, bool isToEnd);

/// Normalizes `x` (null: so is the result) over its axes from `axis` on. Scale and bias may be null.
mlir::Value layerNorm(Node &n, mlir::Value x, mlir::Value scale, mlir::Value bias, int64_t axis, double epsilon,
                      bool isRms = false);

} // namespace lathe::importer
