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
  int4,        ///< weights alone, in groups along the depth
};
/// "f32", "int8", "int8-dynamic", "int4".
llvm::StringRef precisionText(Precision precision);
std::optional<Precision> parsePrecision(llvm::StringRef text);

/// How the weights of int4 are chosen (compiler/quantize/Int4Weights.h).
enum class Int4Method {
  rtn,      ///< the nearest number
  gptq,     ///< errors of one column are made up for by the next ones
  awq,      ///< the nearest number, after channels of large activations were scaled up
  adaround, ///< up or down, as the product's error asks for
};
/// "rtn", "gptq", "awq", "adaround".
llvm::StringRef int4MethodText(Int4Method method);
std::optional<Int4Method> parseInt4Method(llvm::StringRef text);

/// Weights along the depth that share a scale: a power of two in this range. Groups are neither so short that scales are most of the
/// work, nor so long that kernels would have to cut them.
constexpr int64_t kLeastGroupSize = 16, kMostGroupSize = 1024;
/// Error text for a size that kernels have no form of; empty if they have.
std::string groupSizeProblem(int64_t size);

/// What is asked of one node.
struct NodePrecision {
  Precision precision = Precision::f32;
  std::string reason = ""; // why it is f32, or not what was asked for: recorded as a decision; may be empty
  int64_t groupSize = 32;  // of int4
  Int4Method int4Method = Int4Method::rtn; // of int4
  bool isFixed = false;                    // asked of this very node: costs don't change it
  unsigned weightBits = 8;                 // of 8-bit precisions: 7 leaves room for sums of fewer bits
};

/// Attribute of products of 4-bit weights that read integers of 8 bits (--lathe-round-activations).
constexpr llvm::StringLiteral kRoundedActivations = "lathe.int4_activations";

/// Notes it at the operation: `lathe.precision`; `lathe.precision_reason`; `lathe.group_size`, `lathe.int4_method`.
void setPrecision(mlir::Operation *op, const NodePrecision &precision);
/// nullopt: none was set (the operation stays as it is).
std::optional<NodePrecision> precisionOf(mlir::Operation *op);
void removePrecisions(mlir::func::FuncOp function);

/// An operation with constant weights: a product, rows that are looked up in a table, or a recurrent cell.
struct QuantizableNode {
  mlir::Operation *op;
  std::string name;                           // of the ONNX node
  llvm::SmallVector<Precision, 4> candidates; // f32 first
};

/// All of them, in program order.
llvm::SmallVector<QuantizableNode> quantizableNodes(mlir::func::FuncOp function);
/// `wanted`, or what comes nearest to it, with the reason, where the operation has no such form: 8-bit integers for tables and
/// recurrences, and for convolutions of int4 if there are samples to calibrate them with; else f32.
NodePrecision nearestPrecision(const QuantizableNode &node, const NodePrecision &wanted, bool hasSamples);

} // namespace lathe::nn
