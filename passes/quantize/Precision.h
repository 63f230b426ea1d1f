// Precisions of nodes, as attributes of operations: what stands between who chooses them (options, a file, a search) and
// --lathe-insert-quantization.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <optional>
#include <string>

namespace lathe::nn {

enum class Precision {
  f32,
  int8,        ///< 8-bit integers; ranges of what products read are calibrated (ValueRange.h)
  int8Dynamic, ///< the same, with ranges that follow from the data of each run
};
/// "f32", "int8", "int8-dynamic".
llvm::StringRef precisionText(Precision precision);
std::optional<Precision> parsePrecision(llvm::StringRef text);

/// What is asked of one node.
struct NodePrecision {
  Precision precision = Precision::f32;
  std::string reason; // of f32: why, for the decision that is recorded; may be empty
};

/// Notes it at the operation: `lathe.precision` and, for f32, `lathe.precision_reason`.
void setPrecision(mlir::Operation *op, const NodePrecision &precision);
/// nullopt: none was set (the operation stays as it is).
std::optional<NodePrecision> precisionOf(mlir::Operation *op);
void removePrecisions(mlir::func::FuncOp function);

/// An operation with constant weights: a product, or rows that are looked up in a table.
struct QuantizableNode {
  mlir::Operation *op;
  std::string name;                           // of the ONNX node
  llvm::SmallVector<Precision, 4> candidates; // f32 first
};

/// All of them, in program order.
llvm::SmallVector<QuantizableNode> quantizableNodes(mlir::func::FuncOp function);
/// `wanted`, or what comes nearest to it: f32 with the reason where the operation has no such form.
NodePrecision nearestPrecision(const QuantizableNode &node, const NodePrecision &wanted);

} // namespace lathe::nn
