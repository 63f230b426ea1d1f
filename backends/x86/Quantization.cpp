// Uniform quantization of single elements and of vectors.
#include "backends/x86/Elements.h"
#include "backends/x86/ScaleDivision.h"
#include "mlir/Dialect/Math/IR/Math.h"

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

namespace {
/// What is rounded, within bounds that are moved by the zero point: it fits an integer then. A comparison with NaN is false.
Value clamped(EmitContext &c, Value t, Value shift, Type elementType) {
  auto [low, high] = rangeOf(elementType);
  Value real = c.toFloatS(shift, c.f32());
  Value least = c.sub(c.real(low, c.f32()), real), most = c.sub(c.real(high, c.f32()), real);
  t = c.select(c.gtF(t, least), t, least);
  return c.select(c.ltF(t, most), t, most);
}

bool isSameZero(Value a, Value b) {
  if (a == b || !a || !b)
    return a == b;
  auto one = a.getDefiningOp<nn::ConstantOp>(), other = b.getDefiningOp<nn::ConstantOp>();
  return one && other && one.getValue() == other.getValue();
}

/// Lanes [from, from + count) of a vector.
Value lanesOf(EmitContext &c, Value vector, int64_t from, int64_t count) {
  SmallVector<int32_t> lanes = llvm::to_vector(llvm::seq<int32_t>(from, from + count));
  return c.b.create<LLVM::ShuffleVectorOp>(c.loc, vector, vector, lanes);
}

Value callIntrinsic(EmitContext &c, StringRef name, Type type, ValueRange operands) {
  return c.b.create<LLVM::CallIntrinsicOp>(c.loc, type, c.b.getStringAttr(name), operands).getResult(0);
}

/// 8 or 16 bytes of numbers that are to be rounded and moved by `shift`, by AVX2.
Value packedBytes(EmitContext &c, Value t, Value shift, Type elementType) {
  constexpr int64_t half = 8;
  Type word = c.b.getIntegerType(16);
  int64_t lanes = cast<VectorType>(t.getType()).getNumElements();
  auto sums = VectorType::get({half}, c.b.getI32Type());
  auto rounded = [&](int64_t from) {
    Value part = lanes == half ? t : lanesOf(c, t, from, half);
    return callIntrinsic(c, "llvm.x86.avx.cvt.ps2dq.256", sums, {part});
  };
  Value zeros = c.resizeU(shift, VectorType::get({lanes}, word)), words;
  if (lanes == half) {
    Value all = rounded(0);
    words = callIntrinsic(c, "llvm.x86.sse2.packssdw.128", VectorType::get({half}, word),
                          {lanesOf(c, all, 0, 4), lanesOf(c, all, 4, 4)});
  } else {
    // Packed within halves of 128 bits: 0..3, 8..11, 4..7, 12..15.
    Value packed =
        callIntrinsic(c, "llvm.x86.avx2.packssdw", VectorType::get({lanes}, word), {rounded(0), rounded(half)});
    words = c.b.create<LLVM::ShuffleVectorOp>(c.loc, packed, packed,
                                              ArrayRef<int32_t>{0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15});
  }
  words = c.b.create<LLVM::SAddSat>(c.loc, words, zeros);
  Value low = lanesOf(c, words, 0, half), high = lanes == half ? low : lanesOf(c, words, half, half);
  Value bytes = callIntrinsic(c, isUnsigned(elementType) ? "llvm.x86.sse2.packuswb.128" : "llvm.x86.sse2.packsswb.128",
                              VectorType::get({2 * half}, c.b.getI8Type()), {low, high});
  return lanes == half ? lanesOf(c, bytes, 0, half) : bytes;
}

/// The same of one to four vectors of 16 numbers, by AVX-512. What is packed comes from its operands in turns, 128 bits of each.
Value packedWideBytes(EmitContext &c, Value t, Value shift, Type elementType) {
  constexpr int64_t lanes = 16;
  auto of = [&](int64_t count, unsigned bits) { return VectorType::get({count}, c.b.getIntegerType(bits)); };
  int64_t count = cast<VectorType>(t.getType()).getNumElements() / lanes;
  auto first = [&](int64_t i) { return std::min(i, count - 1) * lanes; };
  Value all = c.integer(-1, c.b.getI16Type()), asControlled = c.integer(4, c.b.getI32Type());
  auto rounded = [&](int64_t i) {
    Value part = count == 1 ? t : lanesOf(c, t, first(i), lanes);
    return callIntrinsic(c, "llvm.x86.avx512.mask.cvtps2dq.512", of(lanes, 32),
                         {part, c.integer(0, of(lanes, 32)), all, asControlled});
  };
  Value zeros = c.resizeU(shift, of(count * lanes, 16));
  auto words = [&](int64_t i) {
    Value packed = callIntrinsic(c, "llvm.x86.avx512.packssdw.512", of(2 * lanes, 16), {rounded(i), rounded(i + 1)});
    SmallVector<int32_t> order;
    for (int64_t lane = 0; lane < 2 * lanes; ++lane)
      order.push_back(int32_t(first(i + lane / 4 % 2) + lane / 8 * 4 + lane % 4));
    Value added = c.b.create<LLVM::ShuffleVectorOp>(c.loc, zeros, zeros, order);
    return c.b.create<LLVM::SAddSat>(c.loc, packed, added).getResult();
  };
  StringRef pack = isUnsigned(elementType) ? "llvm.x86.avx512.packuswb.512" : "llvm.x86.avx512.packsswb.512";
  Value low = words(0), bytes = callIntrinsic(c, pack, of(4 * lanes, 8), {low, count > 2 ? words(2) : low});
  SmallVector<int32_t> order;
  for (int64_t i = 0; i < 4 * count; ++i)
    order.push_back(int32_t(i % 4 * 4 + i / 4));
  Value quads = c.b.create<LLVM::BitcastOp>(c.loc, of(lanes, 32), bytes);
  return c.b.create<LLVM::BitcastOp>(c.loc, of(count * lanes, 8),
                                     c.b.create<LLVM::ShuffleVectorOp>(c.loc, quads, quads, order));
}

/// Not above `most`; NaN stays NaN.
Value bounded(EmitContext &c, Value x, Value most) { return c.select(c.ltF(most, x), most, x); }

std::optional<float> constantReal(Value x) {
  Attribute value;
  if (!matchPattern(x, m_Constant(&value)))
    return std::nullopt;
  if (auto splat = dyn_cast<SplatElementsAttr>(value))
    value = splat.getSplatValue<Attribute>();
  auto number = dyn_cast<FloatAttr>(value);
  return number ? std::optional(number.getValue().convertToFloat()) : std::nullopt;
}

/// x / scale, as far as an integer of `elementType` depends on it. Dividing vectors of 512 bits takes as long as 32 multiplications. An
/// infinite x would give NaN then, so x is bounded; -infinity and NaN give the least integer either way.
Value quotient(EmitContext &c, Value x, Value scale, Type elementType) {
  auto constant = constantReal(scale);
  bool isPowerOfTwo = constant && llvm::APFloat(*constant).getExactLog2Abs() != INT_MIN; // LLVM multiplies
  if (!constant || isPowerOfTwo || !elementType.isInteger(8) || c.target.vectorBits() != 512)
    return c.divF(x, scale);
  auto division = ScaleDivision::of(*constant);
  if (!division)
    return c.divF(x, scale);
  x = bounded(c, x, c.real(ScaleDivision::kMost * double(*constant), c.f32()));
  Value rest = c.mulExact(x, c.real(division->rest, c.f32()));
  return c.b.create<math::FmaOp>(c.loc, x, c.real(division->inverse, c.f32()), rest);
}

/// Bytes by instructions that saturate. Numbers that fit no i32, and NaN, are converted to the least one, so only an upper bound is
/// needed before.
Value saturatedBytes(EmitContext &c, Value t, Value shift, Type elementType) {
  t = bounded(c, t, c.sub(c.real(rangeOf(elementType).second, c.f32()), c.toFloatS(shift, c.f32())));
  return c.target.vectorBits() == 512 ? packedWideBytes(c, t, shift, elementType)
                                      : packedBytes(c, t, shift, elementType);
}

/// How many vectors' numbers can become bytes at once: 4 of 16, 2 of 8 lanes.
bool arePacked(EmitContext &c, Value t, Type elementType) {
  auto vector = dyn_cast<VectorType>(t.getType());
  if (!vector || !elementType.isInteger(8))
    return false;
  int64_t lanes = c.target.vectorBits() / 32, count = vector.getNumElements();
  return lanes >= 8 && count % lanes == 0 && count / lanes <= vectorsOfBytes(c.target);
}
} // namespace

int64_t vectorsOfBytes(const Target &target) { return target.vectorBits() == 512 ? 4 : 2; }

Value emitQuantize(EmitContext &c, Value x, Value scale, Value zero, Type elementType) {
  Value shift = zero ? toI32(c, zero, elementType) : c.integer(0, c.i32()), t = quotient(c, x, scale, elementType);
  if (arePacked(c, t, elementType))
    return saturatedBytes(c, t, shift, elementType);
  Value rounded = c.truncateF(c.roundF(clamped(c, t, shift, elementType)), c.i32());
  return c.resizeU(zero ? c.add(rounded, shift) : rounded, c.integerType(elementType.getIntOrFloatBitWidth()));
}

nn::QuantizeOp quantizedInKernel(nn::DequantizeOp op) {
  auto quantize = op.getInput().getDefiningOp<nn::QuantizeOp>();
  return quantize && isSameZero(quantize.getZero(), op.getZero()) ? quantize : nn::QuantizeOp();
}

Value emitRequantized(EmitContext &c, Value x, Value scale, Value zero, Type elementType, Value newScale) {
  Value shift = zero ? toI32(c, zero, elementType) : c.integer(0, c.i32());
  Value rounded = c.roundF(clamped(c, quotient(c, x, scale, elementType), shift, elementType));
  Value none = c.real(0, rounded.getType()); // integers have no -0
  return c.target.has("fma") ? Value(c.b.create<math::FmaOp>(c.loc, rounded, newScale, none))
                             : c.mulExact(c.add(rounded, none), newScale);
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
  if (auto quantize = quantizedInKernel(op); quantize && !c.isBound(quantize)) {
    Value x = c.elementAt(quantize.getInput(), indices);
    auto entry = [&](Value entries, int64_t axis, int64_t block) { return entryAt(c, entries, indices, axis, block); };
    return emitRequantized(c, x, entry(quantize.getScale(), quantize.getAxis(), quantize.getBlock()),
                           entry(quantize.getZero(), quantize.getAxis(), quantize.getBlock()),
                           elementType(quantize.getOutput()), entry(op.getScale(), op.getAxis(), op.getBlock()));
  }
  return emitDequantize(c, c.elementAt(op.getInput(), indices),
                        entryAt(c, op.getScale(), indices, op.getAxis(), op.getBlock()),
                        entryAt(c, op.getZero(), indices, op.getAxis(), op.getBlock()), elementType(op.getInput()));
}

} // namespace lathe::x86
