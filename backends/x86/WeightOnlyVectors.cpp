#include "backends/x86/WeightOnlyVectors.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>

using namespace mlir;

namespace lathe::x86 {

WeightVectors::WeightVectors(EmitContext &context, const WeightOnlyRoot &root, const WeightOnlyShape &shape, int lanes)
    : s(context), shape(shape), lanes(lanes) {
  integerBase = input(root.integers);
  if (!shape.scale.number)
    scaleBase = input(root.scale);
  if (!shape.zero.number)
    zeroBase = input(root.zero);
}

Value WeightVectors::input(Value operand) { return s.inputs[cast<BlockArgument>(operand).getArgNumber()]; }

Value WeightVectors::spread(Value x) { return s.b.create<vector::BroadcastOp>(s.loc, floats(), x); }

Value WeightVectors::wordsAt(Place place, Value step) {
  const WeightWords &w = shape.words;
  Value group = s.add(s.mul(place.panel, s.index(w.groups())), place.group);
  Value row = s.add(s.mul(group, s.index(w.steps())), step);
  return s.address(integerBase, s.i32(), s.add(s.mul(row, s.index(w.nr)), place.column));
}

Value WeightVectors::words(Place place, Value step) {
  return s.b.create<LLVM::LoadOp>(s.loc, VectorType::get({lanes}, s.i32()), wordsAt(place, step), 4);
}

/// Far enough ahead for the latency of memory; to L2, whose misses are more than those of L1 that may be under way.
static void prefetchLines(EmitContext &s, Value first, int64_t bytes) {
  constexpr int64_t ahead = 8192, line = 64;
  constexpr int toL2 = 2, dataCache = 1; // operands of llvm.prefetch
  for (int64_t i = 0; i < bytes; i += line)
    s.b.create<LLVM::Prefetch>(s.loc, s.address(first, s.i8(), s.index(ahead + i)), 0, toL2, dataCache);
}

void WeightVectors::prefetchWords(Place place, Value step, int64_t columns) {
  prefetchLines(s, wordsAt(place, step), columns * 4);
}

void WeightVectors::prefetchScales(Place place, int64_t columns) {
  if (!shape.scale.number)
    prefetchLines(s, s.address(scaleBase, s.f32(), entryOffset(shape.scale.entries, place)), columns * 4);
}

Value WeightVectors::scaledSlot(Value words, int64_t slot) {
  const int64_t bits = shape.words.bits;
  int64_t mask = int64_t(int32_t(uint32_t((uint64_t(1) << bits) - 1) << (slot * bits)));
  Value cut = s.andI(words, s.integer(mask, words.getType()));
  return s.b.create<arith::SIToFPOp>(s.loc, floats(), cut);
}

double WeightVectors::slotFactor(int64_t slot) const { return std::ldexp(1.0, -int(slot * shape.words.bits)); }

Value WeightVectors::entryOffset(const WeightEntries &entries, Place place) {
  Value row = entries.rows == 1 ? s.index(0) : place.group;
  Value number = s.add(s.mul(place.panel, s.index(entries.rows)), row);
  return s.add(s.mul(number, s.index(entries.nr)), place.column);
}

Value WeightVectors::scales(Place place) {
  if (shape.scale.number)
    return s.real(*shape.scale.number, floats());
  Value at = s.address(scaleBase, s.f32(), entryOffset(shape.scale.entries, place));
  return s.b.create<LLVM::LoadOp>(s.loc, floats(), at, 4);
}

Value WeightVectors::zeros(Place place) {
  if (shape.zero.number)
    return s.real(*shape.zero.number, floats());
  Value at = s.address(zeroBase, s.i8(), entryOffset(shape.zero.entries, place));
  Value bytes = s.b.create<LLVM::LoadOp>(s.loc, VectorType::get({lanes}, s.i8()), at, 1);
  Value wide = s.b.create<arith::ExtUIOp>(s.loc, VectorType::get({lanes}, s.i32()), bytes);
  return s.b.create<arith::SIToFPOp>(s.loc, floats(), wide);
}

} // namespace lathe::x86
