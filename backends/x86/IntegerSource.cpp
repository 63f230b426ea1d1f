#include "backends/x86/IntegerSource.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr int64_t kFlip = 0x80; // makes signed bytes unsigned: adds 128
} // namespace

IntegerSource::IntegerSource(EmitContext &context, bool areQuads, bool areUnsigned, Value zero, Value target)
    : s(context), areQuads(areQuads), areUnsigned(areUnsigned), zero(zero), target(target) {}

Value IntegerSource::address(Value element) { return s.address(target, s.integerType(8 * elementBytes()), element); }

Value IntegerSource::unsignedZero() {
  if (!zero)
    return s.integer(areUnsigned ? 0 : kFlip, s.i32());
  return areUnsigned ? s.resizeU(zero, s.i32()) : s.add(s.resizeS(zero, s.i32()), s.integer(kFlip, s.i32()));
}

/// Bytes, one or a vector, in the copy's form.
Value IntegerSource::converted(Value bytes) {
  Type type = bytes.getType();
  if (areQuads)
    return areUnsigned ? bytes : s.xorI(bytes, s.integer(int8_t(kFlip), type));
  auto wide = [&](Value x, Type to) { return areUnsigned ? s.resizeU(x, to) : s.resizeS(x, to); };
  Type word = s.integerType(16);
  auto vector = dyn_cast<VectorType>(type);
  Type words = vector ? Type(VectorType::get(vector.getShape(), word)) : word;
  if (!zero)
    return wide(bytes, words);
  Value centre = wide(zero, word);
  return s.sub(wide(bytes, words), vector ? spread(s, centre, words) : centre);
}

void IntegerSource::copy(Value from, Value count, Value to) {
  int64_t lanes = s.target.vectorBits() / 16;
  auto vector = VectorType::get({lanes}, s.i8());
  Value whole = s.sub(count, s.remU(count, s.index(lanes)));
  s.loop(s.index(0), whole, s.index(lanes), [&](Value i) {
    Value bytes = s.b.create<LLVM::LoadOp>(s.loc, vector, s.address(from, s.i8(), i), 1);
    s.b.create<LLVM::StoreOp>(s.loc, converted(bytes), address(s.add(to, i)), elementBytes());
  });
  s.loop(whole, count,
         [&](Value i) { s.storeRaw(converted(s.loadRaw(from, s.i8(), i)), address(s.add(to, i)), s.index(0)); });
}

void IntegerSource::pad(Value count, Value to) {
  Value value = areQuads ? s.resizeU(unsignedZero(), s.i8()) : s.integer(0, s.integerType(16));
  s.loop(s.index(0), count, [&](Value i) { s.storeRaw(value, address(s.add(to, i)), s.index(0)); });
}

void IntegerSource::copyLines(const IntegerWindow &shape, Value picture, PictureSize in, Value lineWidth,
                              Value firstLine, Value inputLines) {
  Value firstInput = s.sub(s.mul(firstLine, s.index(shape.window.stride[0])), s.index(shape.window.padBegin[0]));
  Value lineElements = s.mul(lineWidth, s.index(shape.channels));
  if (constantOf(lineWidth) == 1 && constantOf(in.width) == 1 && constantOf(in.channels) == shape.channels) {
    // Lines of one pixel lie one after the other.
    Value above = s.clampS(s.neg(firstInput), s.index(0), inputLines);
    Value below = s.clampS(s.sub(in.height, firstInput), above, inputLines);
    pad(s.mul(above, lineElements), s.index(0));
    copy(s.address(picture, s.i8(), s.mul(s.add(firstInput, above), lineElements)),
         s.mul(s.sub(below, above), lineElements), s.mul(above, lineElements));
    return pad(s.mul(s.sub(inputLines, below), lineElements), s.mul(below, lineElements));
  }
  s.loop(s.index(0), inputLines, [&](Value i) {
    Value y = s.add(firstInput, i), to = s.mul(i, lineElements);
    Value isInside = s.cmp(arith::CmpIPredicate::ult, y, in.height);
    s.when(isInside, [&] {
      Value line = s.address(picture, s.i8(), s.mul(s.mul(y, in.width), in.channels));
      copyLine(shape, line, in, lineWidth, to);
    });
    s.when(s.notB(isInside), [&] { pad(lineElements, to); });
  });
}

void IntegerSource::copyLine(const IntegerWindow &shape, Value line, PictureSize in, Value lineWidth, Value to) {
  Value channels = s.index(shape.channels), left = s.minS(s.index(shape.window.padBegin[1]), lineWidth);
  Value pixels = s.minS(in.width, s.sub(lineWidth, left)), right = s.sub(lineWidth, s.add(left, pixels));
  Value begin = s.add(to, s.mul(left, channels));
  pad(s.mul(left, channels), to);
  if (constantOf(in.channels) == shape.channels)
    copy(line, s.mul(pixels, channels), begin);
  else
    s.loop(s.index(0), pixels, [&](Value x) {
      copy(s.address(line, s.i8(), s.mul(x, in.channels)), channels, s.add(begin, s.mul(x, channels)));
    });
  pad(s.mul(right, channels), s.add(begin, s.mul(pixels, channels)));
}

} // namespace lathe::x86
