#include "backends/x86/WeightOnlyBytes.h"
#include "backends/x86/IntegerTile.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr int64_t kStepsOfWords = 4; // that sums of i16 have room for

Type integersOf(Scalar &s, int64_t lanes, unsigned width) {
  return VectorType::get({lanes}, s.b.getIntegerType(width));
}
} // namespace

//===- activations -===//

/// Where -zero * sum(q) of a row's group is, or sum(q), where columns have zero points of their own.
Value WeightOnlyBytes::sumOf(Value row, Value group) {
  return s.address(s.scratch, s.f32(), s.add(s.mul(row, s.index(shape.words.groups())), group));
}

/// The address of a row's group, some bytes behind its first.
Value WeightOnlyBytes::bytes(Value row, Value group, Value offset) {
  Value base = s.inputs[cast<BlockArgument>(root.lhs).getArgNumber()];
  Value begin = s.add(s.mul(s.add(first, row), s.index(shape.words.depth)), s.mul(group, s.index(shape.words.group)));
  return s.address(base, s.i8(), s.add(begin, offset));
}

void WeightOnlyBytes::prepare() {
  const WeightWords &w = shape.words;
  Type loaded = integersOf(s, kLeastByteGroup, 8), wide = integersOf(s, kLeastByteGroup, 32);
  const double factor = weights.zeroNumber() ? -*weights.zeroNumber() : 1;
  s.loop(s.index(0), s.index(tile.rows), [&](Value row) {
    s.loop(s.index(0), s.index(w.groups()), [&](Value group) {
      Value sums = s.integer(0, wide);
      for (int64_t offset = 0; offset < w.group; offset += kLeastByteGroup) {
        Value part = s.b.create<LLVM::LoadOp>(s.loc, loaded, bytes(row, group, s.index(offset)), 1);
        sums = s.add(sums, s.resizeS(part, wide));
      }
      Value sum = s.b.create<vector::ReductionOp>(s.loc, vector::CombiningKind::ADD, sums);
      Value number = s.mul(s.toFloatS(sum, s.f32()), s.real(factor, s.f32()));
      s.storeRaw(number, sumOf(row, group), s.index(0));
    });
  });
}

//===- products -===//

WeightVectors::Place WeightOnlyBytes::placeOf(WeightVectors::Place place, int v) {
  place.column = s.add(place.column, s.index(int64_t(v) * tile.lanes));
  return place;
}

/// The first four steps of each word as bytes, or the last four.
Value WeightOnlyBytes::half(Value words, bool isUpper) {
  Value halves = isUpper ? s.shrU(words, s.integer(4, words.getType())) : words;
  return s.andI(halves, s.integer(0x0f0f0f0f, words.getType()));
}

/// sums (i32) + a step's products.
void WeightOnlyBytes::addDots(Accumulators &sums, WeightVectors::Place place, Value step) {
  for (int v = 0; v < tile.vectors; ++v) {
    Value words = weights.words(placeOf(place, v), step);
    for (bool isUpper : {false, true}) {
      Value n = half(words, isUpper);
      for (int r = 0; r < tile.rows; ++r) {
        Value offset = s.add(s.mul(step, s.index(shape.words.slots())), s.index(isUpper ? 4 : 0));
        Value q = s.loadRaw(bytes(s.index(r), place.group, offset), s.i32(), s.index(0), 1);
        Value &sum = sums[r * tile.vectors + v];
        sum = dotBytes(s, tile, sum, n, spread(s, q, n.getType()));
      }
    }
  }
}

/// words (i16) + a step's products, two to each; null before the first step.
void WeightOnlyBytes::addWords(Accumulators &words, WeightVectors::Place place, Value step) {
  for (bool isUpper : {false, true}) {
    Values q;
    for (int r = 0; r < tile.rows; ++r) {
      Value offset = s.add(s.mul(step, s.index(shape.words.slots())), s.index(isUpper ? 4 : 0));
      Value four = s.loadRaw(bytes(s.index(r), place.group, offset), s.i32(), s.index(0), 1);
      q.push_back(spread(s, four, integersOf(s, tile.lanes, 32)));
    }
    for (int v = 0; v < tile.vectors; ++v) {
      Value n = half(weights.words(placeOf(place, v), step), isUpper);
      for (int r = 0; r < tile.rows; ++r) {
        Value &sum = words[r * tile.vectors + v], products = multiplyBytes(s, tile, n, q[r]);
        sum = sum ? s.add(sum, products) : products;
      }
    }
  }
}

/// sums (i32) + the products of `count` steps from `first` on.
void WeightOnlyBytes::addSteps(Accumulators &sums, WeightVectors::Place place, Value first, int64_t count) {
  Accumulators words(sums.size());
  for (int64_t i = 0; i < count; ++i) {
    Value step = s.add(first, s.index(i));
    weights.prefetchWords(place, step, tile.columns());
    hasDotProducts(s.target) ? addDots(sums, place, step) : addWords(words, place, step);
  }
  for (size_t i = 0; i < sums.size() && words[i]; ++i)
    sums[i] = x86::addWords(s, tile, sums[i], words[i]);
}

/// Sums of products of a group, exact.
Accumulators WeightOnlyBytes::integers(WeightVectors::Place place) {
  Accumulators zero = zeroIntegerTile(s, tile);
  const int64_t steps = shape.words.steps(), atOnce = std::min(steps, kStepsOfWords);
  if (steps <= 2 * atOnce) { // LLVM makes a flag of the number in a loop of two, and computes all addresses anew
    for (int64_t step = 0; step < steps; step += atOnce)
      addSteps(zero, place, s.index(step), atOnce);
    return zero;
  }
  return s.loop(s.index(0), s.index(steps / atOnce), zero, [&](Value number, ValueRange carried) {
    Accumulators sums(carried);
    addSteps(sums, place, s.mul(number, s.index(atOnce)), atOnce);
    return sums;
  });
}

Accumulators WeightOnlyBytes::group(WeightVectors::Place place, ValueRange totals) {
  weights.prefetchScales(place, tile.columns());
  Accumulators sums = integers(place), next;
  Value scaleBase = s.inputs[cast<BlockArgument>(root.lhsScale).getArgNumber()];
  for (int r = 0; r < tile.rows; ++r) {
    Value number = s.add(s.mul(s.add(first, s.index(r)), s.index(shape.words.groups())), place.group);
    Value rowScale = weights.spread(s.loadRaw(scaleBase, s.f32(), number));
    Value rowSum = weights.spread(s.loadRaw(sumOf(s.index(r), place.group), s.f32(), s.index(0)));
    for (int v = 0; v < tile.vectors; ++v) {
      const size_t i = size_t(r * tile.vectors + v);
      Value products = s.b.create<arith::SIToFPOp>(s.loc, weights.floats(), sums[i]);
      Value offset = weights.zeroNumber() ? rowSum : s.neg(s.mulExact(weights.zeros(placeOf(place, v)), rowSum));
      Value scale = s.mulExact(weights.scales(placeOf(place, v)), rowScale);
      next.push_back(s.b.create<vector::FMAOp>(s.loc, s.add(products, offset), scale, totals[i]));
    }
  }
  return next;
}

} // namespace lathe::x86
