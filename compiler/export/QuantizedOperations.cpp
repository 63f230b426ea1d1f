#include "compiler/export/QuantizedOperations.h"
#include "dialects/nn/NN.h"
#include "dialects/reference/Evaluate.h"
#include "dialects/support/Decisions.h"
#include "passes/quantize/Uniform.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::exporter {

//===- integers -===//

int IntegerMatrix::integerAt(int64_t output, int64_t depth) const {
  int64_t index = output * outputStride + depth * depthStride;
  return isUnsigned() ? int(integers.data<uint8_t>()[index]) : int(integers.data<int8_t>()[index]);
}

int64_t IntegerMatrix::entry(int64_t output, int64_t depth) const {
  return output * scaleOutputStride + (block ? depth / block : 0) * scaleDepthStride;
}

float IntegerMatrix::scaleAt(int64_t output, int64_t depth) const { return scales.data<float>()[entry(output, depth)]; }

int IntegerMatrix::zeroAt(int64_t output, int64_t depth) const {
  if (!zeros.type())
    return 0;
  int64_t index = zeros.size() == 1 ? 0 : entry(output, depth);
  return isUnsigned() ? int(zeros.data<uint8_t>()[index]) : int(zeros.data<int8_t>()[index]);
}

double IntegerMatrix::valueAt(int64_t output, int64_t depth) const {
  return double(integerAt(output, depth) - zeroAt(output, depth)) * scaleAt(output, depth);
}

//===- from the function -===//

namespace {

using reference::constantTensor;

/// The dequantized constant `value`, with its outputs along `outputAxis` and all other axes as depth. Blocks lie along an axis of a
/// matrix.
std::optional<IntegerMatrix> integerMatrix(Value value, int64_t outputAxis) {
  auto op = value.getDefiningOp<DequantizeOp>();
  if (!op)
    return std::nullopt;
  auto integers = constantTensor(op.getInput()), scales = constantTensor(op.getScale());
  auto zeros = constantTensor(op.getZero());
  if (!integers || !scales || (op.getZero() && !zeros) || !integers->elementType().isInteger(8) ||
      (outputAxis != 0 && integers->rank() != 2))
    return std::nullopt;
  IntegerMatrix matrix{*integers, *scales, zeros.value_or(reference::Tensor())};
  matrix.outputs = integers->dim(outputAxis);
  matrix.depth = integers->size() / std::max<int64_t>(matrix.outputs, 1);
  matrix.outputStride = outputAxis == 0 ? matrix.depth : 1;
  matrix.depthStride = outputAxis == 0 ? 1 : matrix.outputs;
  matrix.block = int64_t(op.getBlock());
  int64_t entries = scales->size(), groups = matrix.block ? (matrix.depth + matrix.block - 1) / matrix.block : 1;
  bool isAlongDepth = matrix.block == 0 || int64_t(op.getAxis()) == 1 - outputAxis;
  if (!isAlongDepth || (entries != 1 && entries != matrix.outputs * groups) ||
      (zeros && zeros->size() != 1 && zeros->size() != entries))
    return std::nullopt;
  if (entries != 1) {
    matrix.scaleOutputStride = outputAxis == 0 ? groups : 1;
    matrix.scaleDepthStride = outputAxis == 0 ? 1 : matrix.outputs;
  }
  return matrix;
}

/// The quantization that a product's input was dequantized from.
QuantizeOp quantizationOf(Value input) {
  auto op = input.getDefiningOp<DequantizeOp>();
  return op ? op.getInput().getDefiningOp<QuantizeOp>() : QuantizeOp();
}

bool isFixed(QuantizeOp op) {
  return scalarConstant(op.getScale()) && op.getZero() && scalarConstant(op.getZero()) &&
         tensorType(op).getElementType().isUnsignedInteger(8);
}

std::optional<QuantizedOperation> product(Operation *op) {
  auto matmul = dyn_cast<MatmulOp>(op);
  if (!matmul && !isa<ConvOp>(op))
    return std::nullopt;
  auto weights = integerMatrix(op->getOperand(1), matmul && !matmul.getTransRhs() ? 1 : 0);
  if (!weights)
    return std::nullopt;
  QuantizedOperation result{nodeNames(op->getLoc()), op->getOperand(0), QuantizedOperation::asFloat,
                            std::move(*weights)};
  if (QuantizeOp quantize = quantizationOf(result.input)) {
    result.kind = isFixed(quantize) ? QuantizedOperation::fixedRange : QuantizedOperation::measuredRange;
    result.input = quantize.getInput();
  }
  return result;
}

std::optional<QuantizedOperation> table(GatherOp op) {
  auto rows = op.getAxis() == 0 ? integerMatrix(op.getInput(), 0) : std::nullopt;
  if (!rows || rows->block)
    return std::nullopt;
  return QuantizedOperation{nodeNames(op.getLoc()), {}, QuantizedOperation::asFloat, std::move(*rows)};
}

} // namespace

static Value withoutReshapes(Value value) {
  while (auto reshape = value ? value.getDefiningOp<ReshapeOp>() : ReshapeOp())
    value = reshape.getInput();
  return value;
}

bool haveSameElements(Value lhs, Value rhs) { return lhs && withoutReshapes(lhs) == withoutReshapes(rhs); }

std::optional<std::vector<float>> factorsBetween(Value value, Value scaled) {
  auto mul = scaled ? withoutReshapes(scaled).getDefiningOp<BinaryOp>() : BinaryOp();
  if (!mul || mul.getKind() != BinaryKind::mul || !haveSameElements(value, mul.getLhs()))
    return std::nullopt;
  auto factors = constantTensor(mul.getRhs());
  if (!factors || factors->rank() != 1 || factors->dim(0) != tensorType(value).getShape().back())
    return std::nullopt;
  return std::vector(factors->data<float>(), factors->data<float>() + factors->size());
}

std::optional<ByteGrid> rangeOf(Value value) {
  for (Operation *user : value.getUsers())
    if (auto op = dyn_cast<QuantizeOp>(user); op && op.getInput() == value && isFixed(op))
      return ByteGrid{float(*scalarConstant(op.getScale())), uint8_t(*scalarConstant(op.getZero()))};
  return std::nullopt;
}

std::vector<QuantizedOperation> quantizedOperations(func::FuncOp function) {
  std::vector<QuantizedOperation> result;
  function.walk([&](Operation *op) {
    auto gather = dyn_cast<GatherOp>(op);
    if (auto found = gather ? table(gather) : product(op))
      result.push_back(std::move(*found));
  });
  return result;
}

} // namespace lathe::exporter
