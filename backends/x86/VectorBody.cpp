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

bool hasVectorForm(Operation *op) {
  if (!isFloat32(op))
    return false;
  if (auto constant = dyn_cast<nn::ConstantOp>(op))
    return cast<DenseElementsAttr>(constant.getValue()).isSplat();
  if (auto unary = dyn_cast<nn::UnaryOp>(op))
    return hasVectorForm(unary.getKind());
  auto binary = dyn_cast<nn::BinaryOp>(op);
  return binary && hasVectorForm(binary.getKind());
}
} // namespace

VectorBody::VectorBody(EmitContext &context, Operation *root, int64_t lanes) : c(context), root(root), lanes(lanes) {
  for (Operation &op : context.region().without_terminator()) {
    if (&op == root)
      continue;
    usable &= hasVectorForm(&op);
    light &= !isa<nn::UnaryOp>(op) || costPerElement(&op) == 1;
  }
}

Values VectorBody::compute(llvm::function_ref<Value(Value)> leaf) {
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
    auto splat = cast<DenseElementsAttr>(cast<nn::ConstantOp>(op).getValue()).getSplatValue<FloatAttr>();
    Scalar::Lanes wide(c, lanes);
    value = c.real(splat.getValueAsDouble(), c.f32());
  }
  computed[tensor] = value;
  return value;
}

} // namespace lathe::x86
