#include "backends/x86/VectorBody.h"
#include "backends/x86/Body.h"
#include "backends/x86/Contraction.h"
#include "backends/x86/Elements.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
bool hasVectorForm(nn::UnaryKind kind) {
  return kind != nn::UnaryKind::is_nan && kind != nn::UnaryKind::is_inf && kind != nn::UnaryKind::logical_not &&
         kind != nn::UnaryKind::bitwise_not;
}

bool hasVectorForm(nn::BinaryKind kind) {
  switch (kind) {
  case nn::BinaryKind::add:
  case nn::BinaryKind::sub:
  case nn::BinaryKind::mul:
  case nn::BinaryKind::div:
  case nn::BinaryKind::min:
  case nn::BinaryKind::max:
  case nn::BinaryKind::prelu:
    return true;
  default:
    return false;
  }
}

/// f32 and integers of 8, 16 and 32 bits.
bool isVectorElement(Type type) {
  return type.isF32() || type.isInteger(8) || type.isInteger(16) || type.isInteger(32);
}

bool isOfVectorElements(Operation *op) {
  auto isKnown = [](Value value) { return isVectorElement(elementType(value)); };
  return llvm::all_of(op->getOperands(), isKnown) && llvm::all_of(op->getResults(), isKnown);
}

bool hasVectorForm(Operation *op) {
  if (!isOfVectorElements(op))
    return false;
  if (auto constant = dyn_cast<nn::ConstantOp>(op))
    return cast<DenseElementsAttr>(constant.getValue()).isSplat();
  if (isa<nn::QuantizeOp, nn::DequantizeOp>(op))
    return nn::isElementwise(op);
  if (auto cast = dyn_cast<nn::CastOp>(op))
    return elementType(cast.getInput()).isSignlessInteger() && elementType(cast.getOutput()).isF32();
  if (!isFloat32(op))
    return false;
  if (auto unary = dyn_cast<nn::UnaryOp>(op))
    return hasVectorForm(unary.getKind());
  auto binary = dyn_cast<nn::BinaryOp>(op);
  return binary && hasVectorForm(binary.getKind());
}
} // namespace

VectorBody::VectorBody(EmitContext &context, Operation *root) : c(context), root(root) {
  for (Operation &op : context.region().without_terminator()) {
    if (&op == root)
      continue;
    usable &= hasVectorForm(&op);
    bytes |= isa<nn::QuantizeOp>(op) && elementType(op.getResult(0)).isInteger(8);
    light &= !isa<nn::UnaryOp>(op) || costPerElement(&op) == 1;
  }
}

Values VectorBody::compute(int64_t count, llvm::function_ref<Value(Value)> leaf) {
  lanes = count;
  computed.clear();
  Values values;
  for (Value result : c.results())
    values.push_back(valueOf(result, leaf));
  return values;
}

Value VectorBody::valueOf(Value tensor, llvm::function_ref<Value(Value)> leaf) {
  if (Value known = computed.lookup(tensor))
    return known;
  Operation *op = tensor.getDefiningOp();
  Value value;
  if (!op || op == root) {
    value = leaf(tensor);
  } else if (auto unary = dyn_cast<nn::UnaryOp>(op)) {
    Value x = valueOf(unary.getInput(), leaf);
    Scalar::Lanes wide(c, lanes);
    value = emitUnary(c, unary.getKind(), x, elementType(tensor), unary.getAlpha().convertToDouble(),
                      unary.getBeta().convertToDouble());
  } else if (auto binary = dyn_cast<nn::BinaryOp>(op)) {
    Value x = valueOf(binary.getLhs(), leaf), y = valueOf(binary.getRhs(), leaf);
    Scalar::Lanes wide(c, lanes);
    value = emitBinary(c, binary.getKind(), x, y, elementType(tensor), elementType(tensor));
  } else {
    value = otherOperation(op, leaf);
  }
  computed[tensor] = value;
  return value;
}

Value VectorBody::otherOperation(Operation *op, llvm::function_ref<Value(Value)> leaf) {
  Type type = elementType(op->getResult(0));
  auto operand = [&](Value tensor) { return tensor ? valueOf(tensor, leaf) : Value(); };
  if (auto quantize = dyn_cast<nn::QuantizeOp>(op)) {
    Value x = operand(quantize.getInput()), scale = operand(quantize.getScale()), zero = operand(quantize.getZero());
    Scalar::Lanes wide(c, lanes);
    return emitQuantize(c, x, scale, zero, type);
  }
  if (auto dequantize = dyn_cast<nn::DequantizeOp>(op)) {
    if (auto quantize = quantizedInKernel(dequantize)) {
      Value x = operand(quantize.getInput()), scale = operand(quantize.getScale()), zero = operand(quantize.getZero()),
            newScale = operand(dequantize.getScale());
      Scalar::Lanes wide(c, lanes);
      return emitRequantized(c, x, scale, zero, elementType(dequantize.getInput()), newScale);
    }
    Value x = operand(dequantize.getInput()), scale = operand(dequantize.getScale()),
          zero = operand(dequantize.getZero());
    Scalar::Lanes wide(c, lanes);
    return emitDequantize(c, x, scale, zero, elementType(dequantize.getInput()));
  }
  if (auto conversion = dyn_cast<nn::CastOp>(op)) {
    Value x = operand(conversion.getInput());
    Scalar::Lanes wide(c, lanes);
    return c.toFloatS(x, c.f32());
  }
  auto values = cast<DenseElementsAttr>(cast<nn::ConstantOp>(op).getValue());
  auto vector = VectorType::get({lanes}, computedType(type));
  if (type.isF32())
    return c.real(values.getSplatValue<FloatAttr>().getValueAsDouble(), vector);
  return c.integer(values.getSplatValue<APInt>().getSExtValue(), vector);
}

} // namespace lathe::x86
