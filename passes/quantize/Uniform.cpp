#include "passes/quantize/Uniform.h"

using namespace mlir;

namespace lathe::nn {

std::optional<Uniform> Uniform::of(Value value) {
  auto op = value.getDefiningOp<DequantizeOp>();
  if (!op || op.getBlock() != 0)
    return std::nullopt;
  return Uniform{op, op.getInput(), op.getScale(), op.getZero()};
}

bool Uniform::isPerTensor() const { return hasOneElement(scale) && (!zero || hasOneElement(zero)); }

bool isByte(Value value) { return tensorType(value).getElementType().isInteger(8); }

bool hasOneElement(Value value) {
  return tensorType(value).hasStaticShape() && tensorType(value).getNumElements() == 1;
}

bool areSame(Value lhs, Value rhs) {
  if (lhs == rhs || !lhs || !rhs)
    return lhs == rhs;
  auto left = scalarConstant(lhs), right = scalarConstant(rhs);
  return left && left == right && tensorType(lhs).getElementType() == tensorType(rhs).getElementType();
}

Value createQuantize(OpBuilder &b, Location location, Value input, Value scale, Value zero, Type integers) {
  return b.create<QuantizeOp>(location, makeTensorType(dimExprs(tensorType(input)), integers), input, scale, zero, 0,
                              0);
}

Value createDequantize(OpBuilder &b, Location location, Value integers, Value scale, Value zero) {
  auto type = makeTensorType(dimExprs(tensorType(integers)), b.getF32Type());
  return b.create<DequantizeOp>(location, type, integers, scale, zero, 0, 0);
}

} // namespace lathe::nn
