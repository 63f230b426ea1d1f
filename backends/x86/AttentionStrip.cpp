#include "backends/x86/AttentionStrip.h"
#include "backends/x86/FloatMath.h"
#include "backends/x86/SquareTranspose.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
} // namespace

AttentionTiles AttentionTiles::choose(const Target &target, int vectors) {
  int lanes = target.vectorBits() / 32, registers = target.vectorRegisters();
  int keys = std::min((registers - vectors - 1) / vectors, 12);
  return {{keys, vectors, lanes}, {registers == 32 ? 12 : 6, 2, lanes}};
}

AffineExpr AttentionStrip::scratchFloats(nn::AttentionOp op, AttentionTiles tiles) {
  AffineExpr depth = dimExprs(tensorType(op.getQuery()))[3], columns = dimExprs(tensorType(op.getValue()))[3];
  // Tiles of keys and of queries may write past the last one.
  return (depth + tiles.block() + tiles.scores.rows) * tiles.strip() +
         (columns + tiles.output.lanes) * (tiles.strip() + tiles.output.rows);
}

AttentionStrip::AttentionStrip(const AttentionOperands &operands, AttentionTiles tiles, Value scratch)
    : o(operands), s(operands.s), tiles(tiles), strip(tiles.strip()),
      isSingle(constantOf(o.keys).value_or(INT64_MAX) <= tiles.block()), panel(scratch) {
  auto stackFloats = [&](int64_t count) {
    return s.b.create<LLVM::AllocaOp>(s.loc, s.ptr(), s.f32(), s.index(count), 64);
  };
  maxima = stackFloats(strip);
  sums = stackFloats(strip);
  decays = stackFloats(strip + tiles.output.rows);
  shares = stackFloats(strip);
  tileBuffer = stackFloats(tiles.output.rows * tiles.output.columns());
  scores = s.address(scratch, s.f32(), s.mul(o.depth, s.index(strip)));
  partial = s.address(scores, s.f32(), s.index((tiles.block() + tiles.scores.rows) * strip));
  partialWidth = s.add(o.columns, s.index(tiles.output.lanes));
}

void AttentionStrip::compute(const AttentionHead &head, Value first, Value count) {
  Block all{head, first, count, s.index(0), o.keys};
  packQueries(all);
  Value lowest = spread(s.real(-kInfinity, s.f32())), zero = spread(s.real(0, s.f32()));
  for (int v = 0; v < tiles.scores.vectors; ++v) {
    storeVector(lowest, maxima, lane(s.index(0), v));
    storeVector(zero, sums, lane(s.index(0), v));
  }
  if (isSingle)
    return computeBlock(all);
  s.loop(s.index(0), s.mul(s.index(strip), partialWidth), [&](Value i) { s.storeRaw(s.real(0, s.f32()), partial, i); });
  s.loop(s.index(0), o.keys, s.index(tiles.block()), [&](Value begin) {
    computeBlock({head, first, count, begin, s.minS(s.index(tiles.block()), s.sub(o.keys, begin))});
  });
  storeShares();
  finish(all);
}

void AttentionStrip::computeBlock(const Block &block) {
  scoreKeys(block);
  if (o.hasCap())
    capScores(block.size);
  if (o.hasMask())
    addMask(block);
  softmax(block.size);
  if (isSingle)
    storeShares();
  weighValues(block);
}

VectorType AttentionStrip::squareType() { return VectorType::get({kSquare}, s.b.getF32Type()); }

Value AttentionStrip::loadVector(Value base, Value offset, VectorType type) {
  return s.b.create<LLVM::LoadOp>(s.loc, type ? type : vectorType(), s.address(base, s.f32(), offset), 4);
}

void AttentionStrip::storeVector(Value vector, Value base, Value offset) {
  s.b.create<LLVM::StoreOp>(s.loc, vector, s.address(base, s.f32(), offset), 4);
}

Value AttentionStrip::spread(Value scalar, VectorType type) {
  return s.b.create<vector::BroadcastOp>(s.loc, type ? type : vectorType(), scalar);
}

//===- scores -===//

/// panel[d][j] = Q[first + j][d] * scale, in squares turned in registers; lanes without a query repeat the last one.
void AttentionStrip::packQueries(const Block &block) {
  AttentionRows rowsOfHead = o.query(block.head);
  Value queries = rowsOfHead.base, last = s.sub(block.count, s.index(1));
  Value whole = s.mul(s.divS(o.depth, s.index(kSquare)), s.index(kSquare));
  auto rowOf = [&](Value j) { return s.mul(s.add(block.first, s.minS(j, last)), rowsOfHead.stride); };
  for (int64_t j = 0; j < strip; j += kSquare)
    s.loop(s.index(0), whole, s.index(kSquare), [&](Value d) {
      Values rows;
      for (int64_t i = 0; i < kSquare; ++i)
        rows.push_back(
            s.mul(loadVector(queries, s.add(rowOf(s.index(j + i)), d), squareType()), spread(o.scale, squareType())));
      for (auto [i, column] : llvm::enumerate(transposeSquare(s, rows)))
        storeVector(column, panel, lane(s.add(d, s.index(int64_t(i))), s.index(j)));
    });
  s.loop(s.index(0), s.index(strip), [&](Value j) {
    s.loop(whole, o.depth, [&](Value d) {
      s.storeRaw(s.mul(s.loadRaw(queries, s.f32(), s.add(rowOf(j), d)), o.scale), panel, lane(d, j));
    });
  });
}

/// scores[k][j] = K[begin + k] * panel[.][j]; past the last key it is repeated.
void AttentionStrip::scoreKeys(const Block &block) {
  TileShape tile = tiles.scores;
  AttentionRows keys = o.key(block.head);
  s.loop(s.index(0), block.size, s.index(tile.rows), [&](Value key) {
    Values pointers;
    for (int r = 0; r < tile.rows; ++r) {
      Value inside = s.minS(s.add(key, s.index(r)), s.sub(block.size, s.index(1)));
      pointers.push_back(o.row(keys, s.add(block.begin, inside)));
    }
    Accumulators acc = tileProduct(s, tile, zeroTile(s, tile), pointers, panel, o.depth);
    storeTile(s, tile, acc, s.address(scores, s.f32(), lane(key, s.index(0))), s.index(strip));
  });
}

void AttentionStrip::capScores(Value size) {
  auto capped = [&](Value vector) {
    Scalar::Lanes wide(s, tiles.scores.lanes);
    return o.capped(vector);
  };
  s.loop(s.index(0), size, [&](Value key) {
    for (int v = 0; v < tiles.scores.vectors; ++v)
      storeVector(capped(loadVector(scores, lane(key, v))), scores, lane(key, v));
  });
}

void AttentionStrip::addMask(const Block &block) {
  AttentionOperands::Mask mask = o.mask(block.head);
  mask.base =
      s.address(mask.base, s.f32(), s.add(s.mul(block.begin, mask.keyStride), s.mul(block.first, mask.queryStride)));
  if (!o.variesAlong(2))
    return addMaskOfKeys(mask, block.size);
  if (!o.variesAlong(3))
    return addMaskElements(mask, block, s.index(0));
  addMaskSquares(mask, block);
  addMaskElements(mask, block, s.mul(s.divS(block.size, s.index(kSquare)), s.index(kSquare)));
}

/// A mask that is the same for all queries.
void AttentionStrip::addMaskOfKeys(const AttentionOperands::Mask &mask, Value size) {
  s.loop(s.index(0), size, [&](Value key) {
    Value number = spread(s.loadRaw(mask.base, s.f32(), s.mul(key, mask.keyStride)));
    for (int v = 0; v < tiles.scores.vectors; ++v)
      storeVector(s.add(loadVector(scores, lane(key, v)), number), scores, lane(key, v));
  });
}

/// A mask's rows lie along keys, scores along queries: squares of it are turned in registers.
void AttentionStrip::addMaskSquares(const AttentionOperands::Mask &mask, const Block &block) {
  Value whole = s.mul(s.divS(block.size, s.index(kSquare)), s.index(kSquare)), last = s.sub(block.count, s.index(1));
  for (int64_t j = 0; j < strip; j += kSquare)
    s.loop(s.index(0), whole, s.index(kSquare), [&](Value key) {
      Values rows;
      for (int64_t i = 0; i < kSquare; ++i) {
        Value row = s.mul(s.minS(s.index(j + i), last), mask.queryStride);
        rows.push_back(loadVector(mask.base, s.add(row, key), squareType()));
      }
      for (auto [i, column] : llvm::enumerate(transposeSquare(s, rows))) {
        Value offset = lane(s.add(key, s.index(int64_t(i))), s.index(j));
        storeVector(s.add(loadVector(scores, offset, squareType()), column), scores, offset);
      }
    });
}

/// Keys `from` on of the block, element by element.
void AttentionStrip::addMaskElements(const AttentionOperands::Mask &mask, const Block &block, Value from) {
  Value last = s.sub(block.count, s.index(1));
  s.loop(from, block.size, [&](Value key) {
    Value keyOffset = s.mul(key, mask.keyStride);
    s.loop(s.index(0), s.index(strip), [&](Value j) {
      Value offset = s.add(s.mul(s.minS(j, last), mask.queryStride), keyOffset);
      Value score = s.loadRaw(scores, s.f32(), lane(key, j));
      s.storeRaw(s.add(score, s.loadRaw(mask.base, s.f32(), offset)), scores, lane(key, j));
    });
  });
}

//===- weights -===//

Value AttentionStrip::expOf(Value vector) {
  Scalar::Lanes wide(s, tiles.scores.lanes);
  return expNegativeF32(s, vector);
}

/// scores[k][j] = exp(scores[k][j] - max so far); their sums are added to those of earlier blocks, scaled to the new maximum.
void AttentionStrip::softmax(Value size) {
  Values earlier;
  for (int v = 0; v < tiles.scores.vectors; ++v)
    earlier.push_back(loadVector(maxima, lane(s.index(0), v)));
  Values most = s.loop(s.index(0), size, earlier, [&](Value key, ValueRange carried) {
    Values next;
    for (int v = 0; v < tiles.scores.vectors; ++v) {
      Value score = loadVector(scores, lane(key, v));
      next.push_back(s.select(s.gtF(carried[v], score), carried[v], score));
    }
    return next;
  });
  Values shifts, zeros(tiles.scores.vectors, spread(s.real(0, s.f32())));
  for (int v = 0; v < tiles.scores.vectors; ++v) {
    // Only -inf so far: exp(-inf - 0) is 0.
    Value isLowest = s.eqF(most[v], spread(s.real(-kInfinity, s.f32())));
    shifts.push_back(s.select(isLowest, zeros[v], most[v]));
  }
  Values added = s.loop(s.index(0), size, zeros, [&](Value key, ValueRange carried) {
    Values next;
    for (int v = 0; v < tiles.scores.vectors; ++v) {
      Value weight = expOf(s.sub(loadVector(scores, lane(key, v)), shifts[v]));
      storeVector(weight, scores, lane(key, v));
      next.push_back(s.add(carried[v], weight));
    }
    return next;
  });
  for (int v = 0; v < tiles.scores.vectors; ++v) {
    Value offset = lane(s.index(0), v), decay = expOf(s.sub(earlier[v], shifts[v]));
    storeVector(most[v], maxima, offset);
    storeVector(decay, decays, offset);
    storeVector(s.fma(loadVector(sums, offset), decay, added[v]), sums, offset);
  }
}

/// shares = 1 / sums, NaN for queries without keys.
void AttentionStrip::storeShares() {
  for (int v = 0; v < tiles.scores.vectors; ++v) {
    Value sum = loadVector(sums, lane(s.index(0), v)), one = spread(s.real(1, s.f32()));
    Value isEmpty = s.eqF(sum, spread(s.real(0, s.f32())));
    Value share = s.select(isEmpty, spread(s.real(kNan, s.f32())), s.divF(one, sum));
    storeVector(share, shares, lane(s.index(0), v));
  }
}

//===- output -===//

/// Columns of values by tiles: as many whole ones as fit; then vectors, the last of which ends with the columns and may
/// overlap the one before, so that it has a slot of its own. Not for fewer columns than a vector has.
void AttentionStrip::forColumns(llvm::function_ref<void(int vectors, Value column, Value slot)> body) {
  Value width = s.index(tiles.output.columns()), lanes = s.index(tiles.output.lanes);
  Value whole = s.mul(s.divS(o.columns, width), width);
  s.loop(s.index(0), whole, width, [&](Value column) { body(tiles.output.vectors, column, column); });
  if (constantOf(s.sub(o.columns, whole)) == 0)
    return;
  s.loop(whole, o.columns, lanes, [&](Value slot) { body(1, s.minS(slot, s.sub(o.columns, lanes)), slot); });
}

/// Sums over the block's keys: out[j][c] = sum of scores[k][j] * V[k][c], added to those of earlier blocks.
void AttentionStrip::weighValues(const Block &block) {
  Value hasVector = s.geS(o.columns, s.index(tiles.output.lanes));
  s.when(hasVector, [&] {
    forRowTiles(s, tiles.output, s.index(0), block.count, [&](TileShape tile, Value query) {
      forColumns([&](int vectors, Value column, Value slot) {
        weighTile({{tile.rows, vectors, tile.lanes}, query, column, slot}, block);
      });
    });
  });
  s.when(s.notB(hasVector), [&] { weighFewColumns(block); });
}

void AttentionStrip::weighTile(const Place &place, const Block &block) {
  TileShape tile = place.tile;
  Accumulators acc = zeroTile(s, tile);
  if (!isSingle)
    acc = loadTile(s, tile, partialRow(place.query, place.slot), partialWidth);
  Values weights;
  for (int r = 0; r < tile.rows; ++r) {
    Value query = s.minS(s.add(place.query, s.index(r)), s.index(strip - 1));
    weights.push_back(s.address(scores, s.f32(), query));
    Value decay = isSingle ? Value() : spread(s.loadRaw(decays, s.f32(), query));
    for (int v = 0; decay && v < tile.vectors; ++v)
      acc[r * tile.vectors + v] = s.mul(acc[r * tile.vectors + v], decay);
  }
  o.forPieces(o.value(block.head), block.begin, block.size, [&](const AttentionPiece &piece) {
    Values part;
    for (Value weight : weights)
      part.push_back(s.address(weight, s.f32(), lane(piece.first, 0)));
    Value values = s.address(piece.base, s.f32(), place.column);
    acc = tileProduct(s, tile, acc, part, values, piece.count, {s.index(strip), piece.stride});
  });
  if (isSingle)
    storeRows(place, acc, block);
  else
    storeTile(s, tile, acc, partialRow(place.query, place.slot), partialWidth);
}

Value AttentionStrip::outputRow(const Block &block, Value query, Value column) {
  return s.address(o.row(o.output(block.head), s.add(block.first, query)), s.f32(), column);
}

/// All rows or a loop, not a test for each (see TileEpilogue::store).
void AttentionStrip::storeRows(const Place &place, const Accumulators &acc, const Block &block) {
  TileShape tile = place.tile, one{1, tile.vectors, tile.lanes};
  Value isWhole = s.geS(s.sub(block.count, place.query), s.index(tile.rows));
  s.when(isWhole, [&] {
    for (int r = 0; r < tile.rows; ++r) {
      Value query = s.add(place.query, s.index(r));
      storeRow(ArrayRef<Value>(acc).slice(r * tile.vectors, tile.vectors), query,
               outputRow(block, query, place.column));
    }
  });
  s.when(s.notB(isWhole), [&] {
    storeTile(s, tile, acc, tileBuffer, s.index(tile.columns()));
    s.loop(place.query, block.count, [&](Value query) {
      Value from = s.address(tileBuffer, s.f32(), s.mul(s.sub(query, place.query), s.index(tile.columns())));
      storeRow(loadTile(s, one, from, s.index(0)), query, outputRow(block, query, place.column));
    });
  });
}

/// out = sums, weighted by the row's share.
void AttentionStrip::storeRow(ArrayRef<Value> sumsOfRow, Value query, Value out) {
  Value share = s.loadRaw(shares, s.f32(), query);
  for (auto [v, sum] : llvm::enumerate(sumsOfRow))
    storeVector(o.weighted(sum, share), out, s.index(int64_t(v) * tiles.output.lanes));
}

/// Fewer columns than a vector has, by plain loops.
void AttentionStrip::weighFewColumns(const Block &block) {
  AttentionRows values = o.value(block.head);
  s.loop(s.index(0), block.count, [&](Value query) {
    Value weights = s.address(scores, s.f32(), query), share = s.loadRaw(shares, s.f32(), query);
    s.loop(s.index(0), o.columns, [&](Value column) {
      Value sum = s.loop(s.index(0), block.size, {s.real(0, s.f32())}, [&](Value key, ValueRange carried) {
        Value weight = s.loadRaw(weights, s.f32(), s.mul(key, s.index(strip)));
        Value value = s.loadRaw(o.row(values, s.add(block.begin, key)), s.f32(), column);
        return Values{s.fma(weight, value, carried[0])};
      })[0];
      if (!isSingle) {
        Value kept = partialRow(query, column), decay = s.loadRaw(decays, s.f32(), query);
        return s.storeRaw(s.fma(s.loadRaw(kept, s.f32(), s.index(0)), decay, sum), kept, s.index(0));
      }
      s.storeRaw(o.weighted(sum, share), outputRow(block, query, column), s.index(0));
    });
  });
}

/// After the last block: the output from `partial`.
void AttentionStrip::finish(const Block &block) {
  Value hasVector = s.geS(o.columns, s.index(tiles.output.lanes));
  s.loop(s.index(0), block.count, [&](Value query) {
    s.when(hasVector, [&] {
      forColumns([&](int vectors, Value column, Value slot) {
        TileShape one{1, vectors, tiles.output.lanes};
        storeRow(loadTile(s, one, partialRow(query, slot), s.index(0)), query, outputRow(block, query, column));
      });
    });
    s.when(s.notB(hasVector), [&] {
      Value share = s.loadRaw(shares, s.f32(), query);
      s.loop(s.index(0), o.columns, [&](Value column) {
        Value sum = s.loadRaw(partialRow(query, column), s.f32(), s.index(0));
        s.storeRaw(o.weighted(sum, share), outputRow(block, query, column), s.index(0));
      });
    });
  });
}

} // namespace lathe::x86
