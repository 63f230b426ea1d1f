// What was quantized in a function, in terms that a model in ONNX can be changed by.
#pragma once

#include "dialects/reference/Tensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/quantize/ValueRange.h"
#include <optional>
#include <string>
#include <vector>

namespace lathe::exporter {

/// Constant integers as a matrix of `outputs` (channels, columns of a product, rows of a table) by `depth` (what is summed over), in
/// whatever order they are stored.
struct IntegerMatrix {
  reference::Tensor integers, scales, zeros; // i8 or ui8, f32, as the integers (or without elements: none)
  int64_t outputs = 0, depth = 0;
  int64_t outputStride = 0, depthStride = 0;
  int64_t scaleOutputStride = 0, scaleDepthStride = 0;
  int64_t block = 0; // integers along the depth that share a scale; 0: all of them

  bool isUnsigned() const { return integers.elementType().isUnsignedInteger(); }
  int integerAt(int64_t output, int64_t depth) const;
  float scaleAt(int64_t output, int64_t depth) const;
  int zeroAt(int64_t output, int64_t depth) const;
  double valueAt(int64_t output, int64_t depth) const;

private:
  int64_t entry(int64_t output, int64_t depth) const;
};

/// Versions of ONNX's operators that have what is written: DynamicQuantizeLinear; DequantizeLinear with an axis, with blocks.
constexpr int64_t kDynamicOpset = 11, kAxisOpset = 13, kBlockOpset = 21;

/// A product with constant integer weights, or rows taken from a table of them.
struct QuantizedOperation {
  enum Input { asFloat, fixedRange, measuredRange };

  std::vector<std::string> nodes; // of ONNX, that it was made of
  mlir::Value input;              // the f32 value whose integers are multiplied
  Input kind = asFloat;
  IntegerMatrix weights;

  /// That it needs at least.
  int64_t opset() const { return weights.block ? kBlockOpset : kind == measuredRange ? kDynamicOpset : kAxisOpset; }
};

/// Do two values have the same elements in the same order? As far as reshapes tell.
bool haveSameElements(mlir::Value lhs, mlir::Value rhs);
/// `scaled` has the elements of value * factors, one for each index of the last axis: these factors; none if it is something else.
std::optional<std::vector<float>> factorsBetween(mlir::Value value, mlir::Value scaled);

/// The range that `value` is quantized with for products; none if it isn't.
std::optional<nn::ByteGrid> rangeOf(mlir::Value value);

/// All of a function in which quantization was inserted and constants were folded, in order.
std::vector<QuantizedOperation> quantizedOperations(mlir::func::FuncOp function);

} // namespace lathe::exporter
