// Uniform quantization of single elements and of vectors.
#include "backends/x86/Elements.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
Value toI32(EmitContext &c, Value x, Type elementType) {
  return isUnsigned(elementType) ? c.resizeU(x, c.i32()) : c.resizeS(x, c.i32());
}

/// Lowest and highest value of an integer type.
std::pair<double, double> rangeOf(Type type) {
  double span = std::ldexp(1.0, int(type.getIntOrFloatBitWidth()));
  return isUnsigned(type) ? std::pair(0.0, span - 1) : std::pair(-span / 2, span / 2 - 1);
}

/// The scale or zero point that belongs to an element of the input.
Value entryAt(EmitContext &c, Value entries, IndexList indices, int64_t axis, int64_t block) {
  if (!entries)
    return {};
  if (block == 0)
    return broadcastElement(c, entries, indices);
  Indices own(indices);
  own[axis] = c.divU(own[axis], c.index(block));
  return c.elementAt(entries, own);
}
} // namespace

Value emitCentered(EmitContext &c, Value x, Value zero, Type elementType) {
  Value wide = toI32(c, x, elementType);
  return zero ? c.sub(wide, toI32(c, zero, elementType)) : wide;
}

/// The bounds are moved by the zero point, so that what is rounded fits an integer; a comparison with NaN is false.
Value emitQuantize(EmitContext &c, Value x, Value scale, Value zero, Type elementType) {
  auto [low, high] = rangeOf(elementType);
  Value shift = zero ? toI32(c, zero, elementType) : c.integer(0, c.i32()), t = c.divF(x, scale);
  Value real = c.toFloatS(shift, c.f32());
  Value least = c.sub(c.real(low, c.f32()), real), most = c.sub(c.real(high, c.f32()), real);
  t = c.select(c.gtF(t, least), t, least);
  t = c.select(c.ltF(t, most), t, most);
  Value rounded = c.truncateF(c.roundF(t), c.i32());
  return c.resizeU(zero ? c.add(rounded, shift) : rounded, c.integerType(elementType.getIntOrFloatBitWidth()));
}

Value emitDequantize(EmitContext &c, Value x, Value scale, Value zero, Type elementType) {
  return c.mulExact(c.toFloatS(emitCentered(c, x, zero, elementType), c.f32()), scale);
}

Value element(EmitContext &c, nn::QuantizeOp op, IndexList indices) {
  return emitQuantize(c, c.elementAt(op.getInput(), indices),
                      entryAt(c, op.getScale(), indices, op.getAxis(), op.getBlock()),
                      entryAt(c, op.getZero(), indices, op.getAxis(), op.getBlock()), elementType(op.getOutput()));
}

Value element(EmitContext &c, nn::DequantizeOp op, IndexList indices) {
  return emitDequantize(c, c.elementAt(op.getInput(), indices),
                        entryAt(c, op.getScale(), indices, op.getAxis(), op.getBlock()),
                        entryAt(c, op.getZero(), indices, op.getAxis(), op.getBlock()), elementType(op.getInput()));
}

} // namespace lathe::x86
