#include "backends/x86/CellMath.h"
#include "backends/x86/Elements.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr unsigned kAlign = 4; // a block's units may start anywhere
}

Value emitClip(EmitContext &c, nn::RecurrentOp op, Value x) {
  double limit = op.getClip().convertToDouble();
  if (limit <= 0)
    return x;
  Value low = c.real(-limit, x.getType()), high = c.real(limit, x.getType());
  x = c.select(c.ltF(x, low), low, x);
  return c.select(c.gtF(x, high), high, x);
}

Value emitActivation(EmitContext &c, nn::RecurrentOp op, size_t number, Value x) {
  StringRef name = cast<StringAttr>(op.getActivations()[number]).getValue();
  double alpha = op.getAlphas()[number], beta = op.getBetas()[number];
  if (auto kind = nn::symbolizeUnaryKind(name))
    return emitUnary(c, *kind, x, getElementTypeOrSelf(x), alpha, beta);
  return c.fma(x, c.real(alpha, x.getType()), c.real(beta, x.getType())); // affine
}

LaneMath::LaneMath(EmitContext &context, int64_t lanes, Value width)
    : c(context), lanes(lanes), vectorType(VectorType::get({lanes}, Float32Type::get(context.b.getContext()))) {
  if (!width)
    return;
  auto type = VectorType::get({lanes}, c.b.getI64Type());
  auto numbers = llvm::to_vector(llvm::seq<int64_t>(0, lanes));
  Value lane = c.b.create<arith::ConstantOp>(c.loc, DenseElementsAttr::get(type, ArrayRef<int64_t>(numbers)));
  mask = c.ltS(lane, c.b.create<vector::BroadcastOp>(c.loc, type, width));
}

Value LaneMath::constant(double value) { return c.real(value, vectorType); }

Value LaneMath::load(Value address) {
  if (mask)
    return c.b.create<LLVM::MaskedLoadOp>(c.loc, vectorType, address, mask, constant(0), kAlign);
  return c.b.create<LLVM::LoadOp>(c.loc, vectorType, address, kAlign);
}

void LaneMath::store(Value value, Value address) {
  if (mask)
    c.b.create<LLVM::MaskedStoreOp>(c.loc, value, address, mask, kAlign);
  else
    c.b.create<LLVM::StoreOp>(c.loc, value, address, kAlign);
}

Value LaneMath::activate(nn::RecurrentOp op, size_t which, Value x, bool isClipped, Value direction) {
  Scalar::Lanes wide(c, lanes);
  if (isClipped)
    x = emitClip(c, op, x);
  size_t perDirection = op.getActivations().size() / op.getDirectionCount();
  auto partOf = [&](size_t number) {
    return std::tuple(op.getActivations()[number], op.getAlphas()[number], op.getBetas()[number]);
  };
  Value first = emitActivation(c, op, which, x);
  if (op.getDirectionCount() == 1 || partOf(which) == partOf(perDirection + which))
    return first;
  return c.select(c.eqI(direction, c.index(1)), emitActivation(c, op, perDirection + which, x), first);
}

bool LaneMath::canActivate(nn::RecurrentOp op) {
  return llvm::none_of(op.getActivations(), [](Attribute attribute) {
    auto kind = nn::symbolizeUnaryKind(cast<StringAttr>(attribute).getValue());
    return kind == nn::UnaryKind::is_nan || kind == nn::UnaryKind::is_inf || kind == nn::UnaryKind::logical_not ||
           kind == nn::UnaryKind::bitwise_not;
  });
}

} // namespace lathe::x86
