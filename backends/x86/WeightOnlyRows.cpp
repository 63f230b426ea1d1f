#include "backends/x86/WeightOnlyRows.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr int kSums = 8; // FMAs under way at once: two per cycle, four cycles each
}

WeightOnlyRows::WeightOnlyRows(EmitContext &context, const WeightOnlyRoot &root, const WeightOnlyShape &shape,
                               TileShape tile)
    : s(context), root(root), shape(shape), tile(tile), weights(context, root, shape, tile.lanes),
      first(context.index(0)), sumsPerTotal(tile.rows * tile.vectors < kSums ? 2 : 1),
      epilogue(context, root.matmul, Value(), tile), rows(context.dim(shape.rows)) {}

//===- activations -===//

/// The copy of a row's group, [steps][slots] f32.
Value WeightOnlyRows::copyOf(Value row, Value group) {
  Value number = s.add(s.mul(row, s.index(shape.words.groups())), group);
  return s.address(s.scratch, s.f32(), s.mul(number, s.index(shape.paddedGroup())));
}

/// What a row's group adds to each sum: a number, and the sum of its activations.
Value WeightOnlyRows::numbersOf(Value row, Value group) {
  const int64_t groups = shape.words.groups();
  Value number = s.add(s.mul(row, s.index(groups)), group);
  Value offset = s.add(s.index(tile.rows * groups * shape.paddedGroup()), s.mul(number, s.index(2)));
  return s.address(s.scratch, s.f32(), offset);
}

void WeightOnlyRows::prepare() {
  Value lhs = s.inputs[cast<BlockArgument>(root.lhs).getArgNumber()];
  for (int r = 0; r < tile.rows; ++r) {
    Value inside = s.minS(s.add(first, s.index(r)), s.sub(rows, s.index(1)));
    Value source = s.address(lhs, s.f32(), s.mul(inside, s.index(shape.words.depth)));
    s.loop(s.index(0), s.index(shape.words.groups()), [&](Value group) { prepareGroup(source, s.index(r), group); });
  }
}

/// Activations from element `begin` of a row on, one per slot; zeros from `end` on.
Value WeightOnlyRows::activations(Value source, Value begin, Value end) {
  const WeightWords &w = shape.words;
  auto type = VectorType::get({w.slots()}, s.f32());
  Value at = s.address(source, s.f32(), begin);
  if (w.group % w.slots() == 0 && w.depth % w.group == 0)
    return s.b.create<LLVM::LoadOp>(s.loc, type, at, 4);
  Value count = s.clampS(s.sub(end, begin), s.index(0), s.index(w.slots()));
  Value lanes = s.b.create<arith::IndexCastOp>(s.loc, s.b.getIndexType(), count);
  Value mask = s.b.create<vector::CreateMaskOp>(s.loc, VectorType::get({w.slots()}, s.i1()), ValueRange{lanes});
  return s.b.create<LLVM::MaskedLoadOp>(s.loc, type, at, mask, ValueRange{s.number(0, type)}, 4);
}

void WeightOnlyRows::prepareGroup(Value source, Value row, Value group) {
  const WeightWords &w = shape.words;
  auto type = VectorType::get({w.slots()}, s.f32());
  SmallVector<float> factors;
  for (int64_t slot = 0; slot < w.slots(); ++slot)
    factors.push_back(float(weights.slotFactor(slot)));
  Value factor = s.b.create<arith::ConstantOp>(s.loc, DenseElementsAttr::get(type, ArrayRef<float>(factors)));
  Value begin = s.mul(group, s.index(w.group)), copy = copyOf(row, group);
  Value end = s.minS(s.add(begin, s.index(w.group)), s.index(w.depth));
  Values sums = s.loop(s.index(0), s.index(w.steps()), {s.number(0, type)}, [&](Value step, ValueRange carried) {
    Value offset = s.mul(step, s.index(w.slots()));
    Value x = activations(source, s.add(begin, offset), end);
    s.b.create<LLVM::StoreOp>(s.loc, s.mulExact(x, factor), s.address(copy, s.f32(), offset), 4);
    return Values{s.add(carried[0], x)};
  });
  Value all, last;
  for (int64_t slot = 0; slot < w.slots(); ++slot) {
    last = s.b.create<vector::ExtractOp>(s.loc, sums[0], slot);
    all = all ? s.add(all, last) : last;
  }
  Value number = s.mul(last, s.real(double(w.half()), s.f32()));
  if (auto zero = weights.zeroNumber())
    number = s.sub(number, s.mul(all, s.real(*zero, s.f32())));
  Value numbers = numbersOf(row, group);
  s.storeRaw(number, numbers, s.index(0));
  s.storeRaw(all, numbers, s.index(1));
}

//===- products -===//

void WeightOnlyRows::multiply(Value begin, Value end) {
  s.loop(begin, end, [&](Value panel) {
    for (int64_t column = 0; column < shape.words.nr; column += tile.columns()) {
      if (column == 0) {
        chunk(panel, column);
        continue;
      }
      Value from = s.add(s.mul(panel, s.index(shape.words.nr)), s.index(column));
      s.when(s.ltS(from, s.index(shape.words.columns)), [&] { chunk(panel, column); });
    }
  });
}

Value WeightOnlyRows::rowsInside() { return s.minS(s.index(tile.rows), s.sub(rows, first)); }

/// The rows times one tile of columns.
void WeightOnlyRows::chunk(Value panel, int64_t column) {
  Accumulators totals = zeroTile(s, tile);
  totals = s.loop(s.index(0), s.index(shape.words.groups()), totals,
                  [&](Value number, ValueRange carried) { return group({panel, number, s.index(column)}, carried); });
  Value from = s.add(s.mul(panel, s.index(shape.words.nr)), s.index(column));
  epilogue.store(totals, first, from, rowsInside(),
                 s.minS(s.index(tile.columns()), s.sub(s.index(shape.words.columns), from)));
}

/// Sums of a group before its first step: [row][vector], then zeros for the other sums of each total.
Accumulators WeightOnlyRows::initial(WeightVectors::Place place) {
  Accumulators sums;
  const Value column = place.column;
  for (int r = 0; r < tile.rows; ++r) {
    Value numbers = numbersOf(s.index(r), place.group);
    Value number = weights.spread(s.loadRaw(numbers, s.f32(), s.index(0)));
    if (weights.zeroNumber()) {
      sums.append(tile.vectors, number);
      continue;
    }
    Value all = weights.spread(s.neg(s.loadRaw(numbers, s.f32(), s.index(1))));
    for (int v = 0; v < tile.vectors; ++v) {
      place.column = s.add(column, s.index(int64_t(v) * tile.lanes));
      sums.push_back(s.b.create<vector::FMAOp>(s.loc, all, weights.zeros(place), number));
    }
  }
  sums.append((sumsPerTotal - 1) * tile.rows * tile.vectors, s.number(0, weights.floats()));
  return sums;
}

Accumulators WeightOnlyRows::group(WeightVectors::Place place, ValueRange totals) {
  const WeightWords &w = shape.words;
  const int64_t count = tile.rows * tile.vectors;
  auto at = [&](int v) {
    return WeightVectors::Place{place.panel, place.group, s.add(place.column, s.index(int64_t(v) * tile.lanes))};
  };
  Accumulators sums = s.loop(s.index(0), s.index(w.steps()), initial(place), [&](Value step, ValueRange carried) {
    Accumulators acc(carried.begin(), carried.end());
    Values words;
    for (int v = 0; v < tile.vectors; ++v)
      words.push_back(weights.words(at(v), step));
    for (int64_t slot = 0; slot < w.slots(); ++slot) {
      Values x;
      for (int r = 0; r < tile.rows; ++r)
        x.push_back(weights.spread(s.loadRaw(copyOf(s.index(r), place.group), s.f32(),
                                             s.add(s.mul(step, s.index(w.slots())), s.index(slot)))));
      for (int v = 0; v < tile.vectors; ++v) {
        Value n = weights.scaledSlot(words[v], slot);
        for (int r = 0; r < tile.rows; ++r) {
          Value &sum = acc[slot % sumsPerTotal * count + r * tile.vectors + v];
          sum = s.b.create<vector::FMAOp>(s.loc, n, x[r], sum);
        }
      }
    }
    return acc;
  });
  Accumulators next;
  for (int64_t i = 0; i < count; ++i) {
    Value sum = sumsPerTotal == 2 ? s.add(sums[i], sums[count + i]) : sums[i];
    next.push_back(s.b.create<vector::FMAOp>(s.loc, sum, weights.scales(at(int(i % tile.vectors))), totals[i]));
  }
  return next;
}

} // namespace lathe::x86
