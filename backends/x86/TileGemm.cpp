#include "backends/x86/TileGemm.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr int64_t kUnroll = 4;
constexpr unsigned kAlign = 4; // element alignment: user memory and matrix rows promise no more

Value loadVector(Scalar &s, TileShape tile, Value base, Value offset) {
  return s.b.create<LLVM::LoadOp>(s.loc, tile.vectorType(s.b.getContext()), s.address(base, s.f32(), offset), kAlign);
}

/// One k: loads `vectors` of B, broadcasts each row's element of A, rows * vectors FMAs.
void step(Scalar &s, TileShape tile, Accumulators &acc, ArrayRef<Value> rowPointers, Value panel, DepthStrides strides,
          Value k) {
  VectorType type = tile.vectorType(s.b.getContext());
  Value row = s.mul(k, strides.b ? strides.b : s.index(tile.columns()));
  Value element = strides.a ? s.mul(k, strides.a) : k;
  SmallVector<Value> bVectors;
  for (int v = 0; v < tile.vectors; ++v)
    bVectors.push_back(loadVector(s, tile, panel, s.add(row, s.index(v * tile.lanes))));
  for (int r = 0; r < tile.rows; ++r) {
    Value a = s.b.create<vector::BroadcastOp>(s.loc, type, s.loadRaw(rowPointers[r], s.f32(), element, kAlign));
    for (int v = 0; v < tile.vectors; ++v)
      acc[r * tile.vectors + v] = s.b.create<vector::FMAOp>(s.loc, a, bVectors[v], acc[r * tile.vectors + v]);
  }
}

} // namespace

VectorType TileShape::vectorType(MLIRContext *context) const {
  return VectorType::get({lanes}, Float32Type::get(context));
}

NamedAttribute TileShape::toAttribute(MLIRContext *context) const {
  Builder b(context);
  return b.getNamedAttr("tile", b.getDenseI64ArrayAttr({rows, vectors, lanes}));
}

TileShape TileShape::of(DictionaryAttr config) {
  auto tile = config.getAs<DenseI64ArrayAttr>("tile").asArrayRef();
  return {int(tile[0]), int(tile[1]), int(tile[2])};
}

namespace {
int widestTile(const Target &target) { return target.vectorRegisters() == 32 ? 4 : 3; }

int mostRows(const Target &target, int vectors) {
  // One register holds the broadcast of A; a little slack for AVX-512, whose FMA can broadcast from memory.
  int registers = target.vectorRegisters(), spare = registers == 32 ? 4 : 1;
  // More rows than address registers would reload their pointers at each step.
  return std::min((registers - vectors - spare) / vectors, 8);
}
} // namespace

TileShape chooseTile(const Target &target, int64_t columns, std::optional<int64_t> rows) {
  int lanes = target.vectorBits() / 32;
  if (rows && *rows <= 2) { // memory-bound: enough independent sums to hide the FMA's latency
    int64_t vectors = std::clamp<int64_t>(llvm::divideCeil(columns, lanes), 1, 8 / std::max<int64_t>(*rows, 1));
    return {int(std::max<int64_t>(*rows, 1)), int(vectors), lanes};
  }
  TileShape best{1, 1, lanes};
  int64_t bestCost = INT64_MAX;
  for (int vectors = widestTile(target); vectors >= 1; --vectors) {
    int most = mostRows(target, vectors);
    int64_t padded = llvm::divideCeil(columns, vectors * lanes) * vectors * lanes;
    // FMAs plus loads that one row of the product costs: wide tiles re-use A's broadcasts, tall ones B's loads.
    int64_t cost = padded * (2 * most * vectors + most + vectors) * 1000 / (most * vectors);
    // Tiles of few rows read B more often, from L2 where a panel is long: only where they save padding.
    if (most < 5)
      cost += cost / 16;
    if (cost < bestCost) {
      bestCost = cost;
      best = {most, vectors, lanes};
    }
  }
  if (rows)
    best.rows = std::min<int64_t>(best.rows, *rows);
  return best;
}

SmallVector<TileShape> tileChoices(const Target &target, int64_t columns, std::optional<int64_t> rows) {
  TileShape chosen = chooseTile(target, columns, rows);
  SmallVector<TileShape> tiles{chosen};
  if (rows && *rows <= 2) { // these need no more registers for more columns
    for (int vectors = chosen.vectors / 2; vectors >= 2; vectors /= 2)
      tiles.push_back({chosen.rows, vectors, chosen.lanes});
    return tiles;
  }
  int64_t needed = llvm::divideCeil(columns, chosen.lanes); // vectors
  for (int vectors = std::min<int64_t>(widestTile(target), needed); vectors >= 1; --vectors)
    if (vectors != chosen.vectors)
      tiles.push_back(
          {int(std::min<int64_t>(mostRows(target, vectors), rows.value_or(INT64_MAX))), vectors, chosen.lanes});
  return tiles;
}

Accumulators zeroTile(Scalar &s, TileShape tile) {
  VectorType type = tile.vectorType(s.b.getContext());
  Value zero = s.b.create<arith::ConstantOp>(s.loc, DenseElementsAttr::get(type, 0.0f));
  return Accumulators(tile.rows * tile.vectors, zero);
}

Accumulators loadTile(Scalar &s, TileShape tile, Value pointer, Value rowStride, Type element) {
  Type type = element ? VectorType::get({tile.lanes}, element) : tile.vectorType(s.b.getContext());
  Accumulators acc;
  for (int r = 0; r < tile.rows; ++r)
    for (int v = 0; v < tile.vectors; ++v) {
      Value offset = s.add(s.mul(rowStride, s.index(r)), s.index(v * tile.lanes));
      acc.push_back(s.b.create<LLVM::LoadOp>(s.loc, type, s.address(pointer, s.f32(), offset), kAlign));
    }
  return acc;
}

void storeTile(Scalar &s, TileShape tile, const Accumulators &acc, Value pointer, Value rowStride) {
  for (int r = 0; r < tile.rows; ++r)
    for (int v = 0; v < tile.vectors; ++v) {
      Value offset = s.add(s.mul(rowStride, s.index(r)), s.index(v * tile.lanes));
      s.b.create<LLVM::StoreOp>(s.loc, acc[r * tile.vectors + v], s.address(pointer, s.f32(), offset), kAlign);
    }
}

PanelPrefetch::PanelPrefetch(Scalar &s, Value next, Value bytes, Value rows)
    : s(s), next(next), bytesPerRow(s.ceilDiv(bytes, s.maxS(rows, s.index(1)))) {}

TilePrefetch PanelPrefetch::of(TileShape tile, Value row) const {
  return {s.address(next, s.b.getI8Type(), s.mul(row, bytesPerRow)), s.mul(bytesPerRow, s.index(tile.rows))};
}

namespace {
/// At least bytes / trips. Where only `trips` is known, by a multiplication: kernels of other depths have the same code
/// (SharedBody.h), and it takes less time.
Value partOf(Scalar &s, Value bytes, Value trips) {
  constexpr int64_t whole = 1 << 16;
  auto known = constantOf(trips);
  if (!known || *known < 1 || constantOf(bytes))
    return s.ceilDiv(bytes, s.maxS(trips, s.index(1)));
  Value part = s.mul(bytes, s.index(llvm::divideCeil(whole, *known)));
  return s.divU(s.add(part, s.index(whole - 1)), s.index(whole));
}

/// Brings what is to be prefetched in trip `trip` of `trips`.
void prefetchShare(Scalar &s, TilePrefetch prefetch, Value trip, Value trips) {
  constexpr int64_t line = 64, mostLines = kUnroll;
  constexpr int toL2 = 2, dataCache = 1; // operands of llvm.prefetch
  Value share = partOf(s, prefetch.bytes, trips);
  int64_t lines = std::clamp<int64_t>(llvm::divideCeil(constantOf(share).value_or(line), line), 1, mostLines);
  Value first = s.mul(trip, share);
  for (int64_t i = 0; i < lines; ++i)
    s.b.create<LLVM::Prefetch>(s.loc, s.address(prefetch.pointer, s.b.getI8Type(), s.add(first, s.index(i * line))), 0,
                               toL2, dataCache);
}
} // namespace

Accumulators overSteps(Scalar &s, const Accumulators &init, Value count, TilePrefetch prefetch,
                       llvm::function_ref<void(Accumulators &, Value)> step) {
  auto trips = [&](const Accumulators &acc, Value from, Value to, int64_t unroll, TilePrefetch fetched) {
    Value number = s.divS(s.sub(to, from), s.index(unroll));
    return s.loop(s.index(0), number, acc, [&](Value trip, ValueRange carried) {
      Accumulators sums(carried.begin(), carried.end());
      if (fetched.pointer)
        prefetchShare(s, fetched, trip, number);
      Value first = s.add(from, s.mul(trip, s.index(unroll)));
      for (int64_t u = 0; u < unroll; ++u)
        step(sums, s.add(first, s.index(u)));
      return sums;
    });
  };
  std::optional<int64_t> known = constantOf(count);
  Value split = known ? s.index(*known / kUnroll * kUnroll) : s.andI(count, s.index(~(kUnroll - 1)));
  Accumulators acc = init;
  if (!known || *known >= kUnroll)
    acc = trips(acc, s.index(0), split, kUnroll, prefetch);
  if (!known || *known % kUnroll != 0)
    acc = trips(acc, split, count, 1, {});
  return acc;
}

Accumulators tileProduct(Scalar &s, TileShape tile, const Accumulators &init, ArrayRef<Value> rowPointers, Value panel,
                         Value depth, DepthStrides strides, TilePrefetch prefetch) {
  return overSteps(s, init, depth, prefetch,
                   [&](Accumulators &acc, Value k) { step(s, tile, acc, rowPointers, panel, strides, k); });
}

namespace {
/// Is any of the pointers another one than `pointer`?
Value anyIsNot(Scalar &s, ArrayRef<Value> pointers, Value pointer) {
  auto word = [&](Value p) -> Value { return s.b.create<LLVM::PtrToIntOp>(s.loc, s.i64(), p); };
  Value differs = s.index(0);
  for (Value one : pointers)
    differs = s.orI(differs, s.xorI(word(one), word(pointer)));
  return s.neI(differs, s.index(0));
}
} // namespace

Accumulators tapProduct(Scalar &s, TileShape tile, const Accumulators &init, Value pointerTable, Value taps,
                        Value panel, Value depth, TilePrefetch prefetch, Value zeros) {
  Value perTap = s.mul(depth, s.index(tile.columns()));
  Value share = prefetch.pointer ? s.ceilDiv(prefetch.bytes, taps) : Value();
  return s.loop(s.index(0), taps, init, [&](Value tap, ValueRange carried) {
    Value first = s.mul(tap, s.index(tile.rows));
    SmallVector<Value> rows;
    for (int r = 0; r < tile.rows; ++r)
      rows.push_back(s.loadRaw(pointerTable, s.ptr(), s.add(first, s.index(r)), 8));
    TilePrefetch ofTap;
    if (share)
      ofTap = {s.address(prefetch.pointer, s.b.getI8Type(), s.mul(tap, share)), share};
    Accumulators acc(carried.begin(), carried.end());
    auto product = [&] {
      return tileProduct(s, tile, acc, rows, s.address(panel, s.f32(), s.mul(tap, perTap)), depth, {}, ofTap);
    };
    return zeros ? s.when(anyIsNot(s, rows, zeros), carried.getTypes(), product, [&] { return acc; }) : product();
  });
}

namespace {
TileShape narrowTile(TileShape tile) {
  tile.rows = llvm::divideCeil(2 * tile.rows, 3);
  return tile;
}

/// Row (relative to begin) at which the narrower tiles begin.
Value narrowBegin(Scalar &s, TileShape tile, Value begin, Value end) {
  Value rows = s.sub(end, begin), wide = s.index(tile.rows), narrow = s.index(narrowTile(tile).rows);
  Value full = s.divS(rows, wide), rest = s.remS(rows, wide);
  // rest = 0 or more than a narrow tile: wide tiles only; two narrow tiles replace a wide one where they are enough.
  Value isWideOnly = s.orI(s.eqI(rest, s.index(0)), s.ltS(narrow, rest));
  Value fitsTwo = s.andI(s.geS(s.sub(s.mul(narrow, s.index(2)), wide), rest), s.ltS(s.index(0), full));
  Value wideTiles = s.select(isWideOnly, s.ceilDiv(rows, wide), s.select(fitsTwo, s.sub(full, s.index(1)), full));
  return s.mul(wideTiles, wide);
}
} // namespace

void forRowTiles(Scalar &s, TileShape tile, Value begin, Value end, llvm::function_ref<void(TileShape, Value)> body) {
  if (narrowTile(tile).rows == tile.rows)
    return s.loop(begin, end, s.index(tile.rows), [&](Value row) { body(tile, row); });
  Value split = s.add(begin, narrowBegin(s, tile, begin, end));
  s.loop(begin, split, s.index(tile.rows), [&](Value row) { body(tile, row); });
  if (constantOf(s.ltS(split, end)) == 0)
    return;
  TileShape narrow = narrowTile(tile);
  s.loop(split, end, s.index(narrow.rows), [&](Value row) { body(narrow, row); });
}

GemmBlocking chooseBlocking(const Target &target, TileShape tile, std::optional<int64_t> rows, int64_t columns,
                            int64_t depth) {
  constexpr int64_t deepest = 768, enoughTasks = 16;
  int64_t depthBlocks = llvm::divideCeil(std::max<int64_t>(depth, 1), deepest);
  int64_t kc = depthBlocks <= 1 ? depth : llvm::alignTo(llvm::divideCeil(depth, depthBlocks), kUnroll);
  int64_t mc = std::max<int64_t>(target.l2Bytes / 2 / (4 * std::max<int64_t>(kc, 1)) / tile.rows, 8) * tile.rows;
  int64_t rowBlocks = rows ? llvm::divideCeil(std::max<int64_t>(*rows, 1), mc) : 1;
  if (rows)
    mc = llvm::alignTo(llvm::divideCeil(std::max<int64_t>(*rows, 1), rowBlocks), tile.rows);
  int64_t panels = llvm::divideCeil(std::max<int64_t>(columns, 1), tile.columns());
  int64_t columnBlocks = std::clamp<int64_t>(llvm::divideCeil(enoughTasks, rowBlocks), 1, panels);
  int64_t fewest = std::min<int64_t>(panels, 2);
  return {mc, std::max(fewest, int64_t(llvm::divideCeil(panels, columnBlocks))), kc};
}

int64_t rowsWorthATask(int64_t multiplications, int64_t tileRows) {
  constexpr int64_t worthwhile = 1 << 17, fewestTiles = 4;
  int64_t rows = std::max<int64_t>(worthwhile / std::max<int64_t>(multiplications, 1), 1);
  return int64_t(llvm::alignTo(uint64_t(rows), uint64_t(fewestTiles * tileRows)));
}

SmallVector<GemmBlocking> blockingChoices(GemmBlocking model, TileShape tile, int64_t rows, int64_t columns,
                                          int64_t depth) {
  int64_t mostRows = llvm::alignTo(rows, tile.rows), mostPanels = llvm::divideCeil(columns, tile.columns());
  SmallVector<GemmBlocking> choices;
  auto add = [&](GemmBlocking blocking) {
    bool isSame = blocking.rows == model.rows && blocking.panels == model.panels && blocking.depth == model.depth;
    if (!isSame)
      choices.push_back(blocking);
  };
  for (int64_t halves : {1, 4}) {
    int64_t blockRows = llvm::alignTo(llvm::divideCeil(model.rows * halves, 2), tile.rows);
    add({std::min(blockRows, mostRows), model.panels, model.depth});
    add({model.rows, std::min<int64_t>(llvm::divideCeil(model.panels * halves, 2), mostPanels), model.depth});
    int64_t blockDepth = llvm::alignTo(llvm::divideCeil(model.depth * halves, 2), kUnroll);
    add({model.rows, model.panels, std::min(blockDepth, depth)});
  }
  add({model.rows, mostPanels, model.depth});
  return choices;
}

} // namespace lathe::x86
