// softmax(Q K^T * scale + mask) V without scores in memory but for one strip of queries: kind `attention`.
//
//   task (batch, head, strip of NR queries):
//     Q packed as [D][NR], scaled
//     for tile of keys:   scores[T][NR] = K tile * Q panel (+ mask);  queries lie along the vector lanes
//     per lane:           max over keys, exp(score - max), sum                     no horizontal reductions
//     for tile of the strip's queries, panel of value columns:  out = scores^T * V / sum
//
// With few queries, as when a language model makes one token, lanes would be idle; then, query by query:
//     scores[T] = dot(q, K row)      depth along the lanes;      max, exp and sum along the lanes of keys
//     out = scores * V / sum         value columns along the lanes
//
// Neither K nor V is packed or copied: keys are rows of the first product, values are rows of the second one's right-hand side.
// Scores of a strip take T * NR floats of scratch. Safe softmax as in Milakov and Gimelshein, Online normalizer calculation
// for softmax, 2018 (the two-pass form).
#include "backends/x86/AttentionKernel.h"
#include "backends/x86/Contraction.h"
#include "backends/x86/FloatMath.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <array>
#include <limits>

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr StringLiteral kKind = "attention";

struct AttentionTiles {
  TileShape scores, output; // keys x queries, queries x value columns

  static AttentionTiles choose(const Target &target, std::optional<int64_t> queries,
                               std::optional<int64_t> valueColumns) {
    int lanes = target.vectorBits() / 32, vectors = queries && *queries <= lanes ? 1 : 2;
    int keys = std::min((target.vectorRegisters() - vectors - 1) / vectors, 8);
    int rows = target.vectorRegisters() == 32 ? 8 : 4;
    int columns = valueColumns && *valueColumns <= lanes ? 1 : 2;
    return {{keys, vectors, lanes}, {rows, columns, lanes}};
  }
};

/// Stack memory of `count` floats.
Value stackFloats(EmitContext &s, int64_t count) {
  return s.b.create<LLVM::AllocaOp>(s.loc, s.ptr(), s.f32(), s.index(count), 64);
}

class AttentionEmission {
public:
  AttentionEmission(EmitContext &context, nn::AttentionOp op)
      : s(context), op(op),
        tiles(AttentionTiles::choose(context.target, constantDim(dimExprs(tensorType(op.getQuery()))[2]),
                                     constantDim(dimExprs(tensorType(op.getValue()))[3]))),
        strip(tiles.scores.columns()), queryDims(s.dims(op.getQuery())), keys(s.dimOf(op.getKey(), 2)),
        depth(queryDims[3]), valueColumns(s.dimOf(op.getValue(), 3)) {
    maxima = stackFloats(s, strip);
    sums = stackFloats(s, strip);
    tileBuffer = stackFloats(
        s, std::max(tiles.scores.rows * tiles.scores.columns(), tiles.output.rows * tiles.output.columns()));
    panel = s.scratch;
    scores = s.address(s.scratch, s.f32(), s.mul(depth, s.index(strip)));
  }

  static AffineExpr scratchFloats(nn::AttentionOp op, AttentionTiles tiles) {
    AffineExpr depth = dimExprs(tensorType(op.getQuery()))[3], keys = dimExprs(tensorType(op.getKey()))[2];
    // Tiles of keys may write past the last key.
    return (depth + keys + tiles.scores.rows) * tiles.scores.columns();
  }

  /// Queries up to this number are computed one by one.
  static constexpr int64_t kFewQueries = 4;

  void run() {
    Value strips = s.ceilDiv(queryDims[2], s.index(strip));
    s.loop(s.taskBegin, s.taskEnd, [&](Value task) {
      Indices position = s.delinearize(task, {queryDims[0], queryDims[1], strips});
      Value matrix = s.add(s.mul(position[0], queryDims[1]), position[1]);
      Value first = s.mul(position[2], s.index(strip));
      Value count = s.minS(s.index(strip), s.sub(queryDims[2], first));
      Value isFew = hasWholeVectors() ? s.geS(s.index(kFewQueries), queryDims[2]) : s.boolean(false);
      if (constantOf(isFew) != 0)
        s.when(isFew, [&] {
          s.loop(s.index(0), count, [&](Value query) { queryRow(position[0], position[1], matrix, query); });
        });
      if (constantOf(isFew) != 1)
        s.when(s.notB(isFew), [&] { queryStrip(position[0], position[1], matrix, first, count); });
    });
  }

private:
  Value input(Value operand) { return s.inputs[cast<BlockArgument>(operand).getArgNumber()]; }
  Value matrixOf(Value operand, Value matrix) {
    Value elements = s.mul(s.dimOf(operand, 2), s.dimOf(operand, 3));
    return s.address(input(operand), s.f32(), s.mul(matrix, elements));
  }
  void queryStrip(Value batch, Value head, Value matrix, Value first, Value count) {
    packQueries(matrixOf(op.getQuery(), matrix), first, count);
    scoreKeys(matrixOf(op.getKey(), matrix));
    if (op.getMask())
      addMask(batch, head, first, count);
    softmax();
    weighValues(matrixOf(op.getValue(), matrix), matrix, first, count);
  }

  //===- one query -===//

  int lanes() const { return tiles.scores.lanes; }
  VectorType vectorType() { return tiles.scores.vectorType(s.b.getContext()); }
  Value loadVector(Value base, Value offset) {
    return s.b.create<LLVM::LoadOp>(s.loc, vectorType(), s.address(base, s.f32(), offset), 4);
  }
  bool hasWholeVectors() {
    auto known = constantOf(depth), columns = constantOf(valueColumns);
    return known && columns && *known % lanes() == 0 && *columns % lanes() == 0;
  }

  void queryRow(Value batch, Value head, Value matrix, Value query) {
    Value row = s.address(matrixOf(op.getQuery(), matrix), s.f32(), s.mul(query, depth));
    scoreRow(row, matrixOf(op.getKey(), matrix));
    if (op.getMask())
      addMaskRow(batch, head, query);
    weighRow(matrixOf(op.getValue(), matrix), s.add(s.mul(matrix, queryDims[2]), query), softmaxRow());
  }

  /// scores[k] = dot(query, K[k]) * scale, several keys at a time; past the last key it is repeated.
  void scoreRow(Value query, Value keyMatrix) {
    Value scale = s.real(op.getScale().convertToDouble(), s.f32());
    constexpr int64_t group = 8;
    s.loop(s.index(0), keys, s.index(group), [&](Value key) {
      Values rows, zeros(group, s.b.create<arith::ConstantOp>(s.loc, DenseElementsAttr::get(vectorType(), 0.0f)));
      for (int64_t r = 0; r < group; ++r) {
        Value inside = s.minS(s.add(key, s.index(r)), s.sub(keys, s.index(1)));
        rows.push_back(s.address(keyMatrix, s.f32(), s.mul(inside, depth)));
      }
      Values sums = s.loop(s.index(0), s.divS(depth, s.index(lanes())), zeros, [&](Value trip, ValueRange carried) {
        Value d = s.mul(trip, s.index(lanes())), part = loadVector(query, d);
        Values next;
        for (auto [row, sum] : llvm::zip(rows, carried))
          next.push_back(s.b.create<vector::FMAOp>(s.loc, loadVector(row, d), part, sum));
        return next;
      });
      for (auto [r, sum] : llvm::enumerate(sums)) {
        Value dot =
            s.b.create<vector::ReductionOp>(s.loc, vector::CombiningKind::ADD, sum, arith::FastMathFlags::reassoc);
        s.storeRaw(s.mul(dot, scale), scores, s.add(key, s.index(int64_t(r))));
      }
    });
  }

  void addMaskRow(Value batch, Value head, Value query) {
    auto [base, strides] = maskOf(batch, head);
    Value row = s.address(base, s.f32(), s.mul(query, strides[2]));
    s.loop(s.index(0), keys, [&](Value key) {
      Value mask = s.loadRaw(row, s.f32(), s.mul(key, strides[3]));
      s.storeRaw(s.add(s.loadRaw(scores, s.f32(), key), mask), scores, key);
    });
  }

  /// scores = exp(scores - max); gives their sum.
  Value softmaxRow() {
    Value lowest = s.real(-std::numeric_limits<double>::infinity(), s.f32());
    s.loop(s.index(0), s.index(lanes()), [&](Value j) { s.storeRaw(lowest, scores, s.add(keys, j)); });
    Value none = s.b.create<vector::BroadcastOp>(s.loc, vectorType(), lowest);
    Value most = s.loop(s.index(0), s.ceilDiv(keys, s.index(lanes())), {none}, [&](Value trip, ValueRange carried) {
      Value part = loadVector(scores, s.mul(trip, s.index(lanes())));
      return Values{s.b.create<arith::MaxNumFOp>(s.loc, carried[0], part)};
    })[0];
    Value top = s.b.create<vector::ReductionOp>(s.loc, vector::CombiningKind::MAXNUMF, most);
    return s.loop(s.index(0), keys, {s.real(0, s.f32())}, [&](Value key, ValueRange carried) {
      Value weight = expNegativeF32(s, s.sub(s.loadRaw(scores, s.f32(), key), top));
      s.storeRaw(weight, scores, key);
      return Values{s.accumulate(carried[0], weight)};
    })[0];
  }

  /// Row number `row` of the output = scores * V / sum.
  void weighRow(Value values, Value row, Value sumOfWeights) {
    constexpr int64_t mostVectors = 8;
    int64_t vectors = *constantOf(valueColumns) / lanes();
    Value share = s.divF(s.real(1, s.f32()), sumOfWeights), isNan = s.isNan(sumOfWeights);
    Value shares = s.b.create<vector::BroadcastOp>(s.loc, vectorType(), share);
    Value zeros = s.b.create<vector::BroadcastOp>(s.loc, vectorType(), s.real(0, s.f32()));
    for (int64_t first = 0; first < vectors; first += mostVectors) {
      TileShape tile{1, int(std::min(vectors - first, mostVectors)), lanes()};
      Value column = s.index(first * lanes());
      Accumulators acc = tileProduct(s, tile, zeroTile(s, tile), {scores}, s.address(values, s.f32(), column), keys,
                                     {s.index(1), valueColumns});
      for (Value &sum : acc) {
        sum = s.b.create<arith::MulFOp>(s.loc, sum, shares);
        if (op.getNanToZero())
          sum = s.b.create<arith::SelectOp>(s.loc, isNan, zeros, sum);
      }
      storeTile(s, tile, acc, s.address(s.outputs[0], s.f32(), s.add(s.mul(row, valueColumns), column)), valueColumns);
    }
  }

  //===- strips of queries -===//

  Value lane(Value row, Value j) { return s.add(s.mul(row, s.index(strip)), j); }
  void forLanes(llvm::function_ref<void(Value)> body) { s.loop(s.index(0), s.index(strip), body); }

  /// panel[d][j] = Q[first + j][d] * scale; lanes without a query repeat the last one.
  void packQueries(Value queries, Value first, Value count) {
    Value scale = s.real(op.getScale().convertToDouble(), s.f32());
    forLanes([&](Value j) {
      Value row = s.mul(s.add(first, s.minS(j, s.sub(count, s.index(1)))), depth);
      s.loop(s.index(0), depth,
             [&](Value d) { s.storeRaw(s.mul(s.loadRaw(queries, s.f32(), s.add(row, d)), scale), panel, lane(d, j)); });
    });
  }

  void scoreKeys(Value keyMatrix) {
    TileShape tile = tiles.scores;
    s.loop(s.index(0), keys, s.index(tile.rows), [&](Value key) {
      Values pointers;
      for (int r = 0; r < tile.rows; ++r) {
        Value inside = s.minS(s.add(key, s.index(r)), s.sub(keys, s.index(1)));
        pointers.push_back(s.address(keyMatrix, s.f32(), s.mul(inside, depth)));
      }
      Accumulators acc = tileProduct(s, tile, zeroTile(s, tile), pointers, panel, depth);
      storeTile(s, tile, acc, s.address(scores, s.f32(), lane(key, s.index(0))), s.index(strip));
    });
  }

  /// The mask broadcasts to [B, H, S, T]: its first element for a head, and its strides.
  std::pair<Value, std::array<Value, 4>> maskOf(Value batch, Value head) {
    DimExprs dims = dimExprs(tensorType(op.getMask()));
    dims.insert(dims.begin(), 4 - dims.size(), dimConstant(s.b.getContext(), 1));
    std::array<Value, 4> strides;
    Value stride = s.index(1);
    for (int axis = 3; axis >= 0; --axis) {
      strides[axis] = constantDim(dims[axis]) == 1 ? s.index(0) : stride;
      stride = s.mul(stride, s.dim(dims[axis]));
    }
    Value offset = s.add(s.mul(batch, strides[0]), s.mul(head, strides[1]));
    return {s.address(input(op.getMask()), s.f32(), offset), strides};
  }

  void addMask(Value batch, Value head, Value first, Value count) {
    auto mask = maskOf(batch, head);
    Value base = mask.first;
    std::array<Value, 4> strides = mask.second;
    Value last = s.sub(count, s.index(1));
    s.loop(s.index(0), keys, [&](Value key) {
      Value keyOffset = s.mul(key, strides[3]);
      forLanes([&](Value j) {
        Value offset = s.add(s.mul(s.add(first, s.minS(j, last)), strides[2]), keyOffset);
        Value score = s.loadRaw(scores, s.f32(), lane(key, j));
        s.storeRaw(s.add(score, s.loadRaw(base, s.f32(), offset)), scores, lane(key, j));
      });
    });
  }

  void softmax() {
    forLanes([&](Value j) {
      s.storeRaw(s.real(-std::numeric_limits<double>::infinity(), s.f32()), maxima, j);
      s.storeRaw(s.real(0, s.f32()), sums, j);
    });
    s.loop(s.index(0), keys, [&](Value key) {
      forLanes([&](Value j) {
        Value score = s.loadRaw(scores, s.f32(), lane(key, j)), most = s.loadRaw(maxima, s.f32(), j);
        s.storeRaw(s.select(s.gtF(most, score), most, score), maxima, j);
      });
    });
    s.loop(s.index(0), keys, [&](Value key) {
      forLanes([&](Value j) {
        Value score = s.loadRaw(scores, s.f32(), lane(key, j));
        Value weight = expNegativeF32(s, s.sub(score, s.loadRaw(maxima, s.f32(), j)));
        s.storeRaw(weight, scores, lane(key, j));
        s.storeRaw(s.add(s.loadRaw(sums, s.f32(), j), weight), sums, j);
      });
    });
  }

  void weighValues(Value values, Value matrix, Value first, Value count) {
    TileShape tile = tiles.output;
    Value columns = s.index(tile.columns());
    s.loop(s.index(0), count, s.index(tile.rows), [&](Value query) {
      Values pointers;
      for (int r = 0; r < tile.rows; ++r)
        pointers.push_back(s.address(scores, s.f32(), s.minS(s.add(query, s.index(r)), s.index(strip - 1))));
      s.loop(s.index(0), valueColumns, columns, [&](Value column) {
        Value width = s.minS(columns, s.sub(valueColumns, column));
        auto store = [&](Accumulators acc) {
          storeTile(s, tile, acc, tileBuffer, columns);
          storeRows(matrix, s.add(first, query), query, s.minS(s.index(tile.rows), s.sub(count, query)), column, width);
        };
        auto full = [&] {
          store(tileProduct(s, tile, zeroTile(s, tile), pointers, s.address(values, s.f32(), column), keys,
                            {s.index(strip), valueColumns}));
        };
        if (constantOf(s.remS(valueColumns, columns)) == 0)
          return full();
        Value isFull = s.eqI(width, columns);
        s.when(isFull, full);
        s.when(s.notB(isFull), [&] {
          narrowProduct(pointers, s.address(values, s.f32(), column), width);
          storeRows(matrix, s.add(first, query), query, s.minS(s.index(tile.rows), s.sub(count, query)), column, width);
        });
      });
    });
  }

  /// The last columns of V, fewer than a tile has: plain loops into the tile's buffer.
  void narrowProduct(ArrayRef<Value> pointers, Value values, Value width) {
    TileShape tile = tiles.output;
    for (int r = 0; r < tile.rows; ++r) {
      Value row = s.index(r * tile.columns());
      s.loop(s.index(0), width, [&](Value j) { s.storeRaw(s.real(0, s.f32()), tileBuffer, s.add(row, j)); });
      s.loop(s.index(0), keys, [&](Value key) {
        Value weight = s.loadRaw(pointers[r], s.f32(), s.mul(key, s.index(strip)));
        s.loop(s.index(0), width, [&](Value j) {
          Value value = s.loadRaw(values, s.f32(), s.add(s.mul(key, valueColumns), j));
          Value sum = s.loadRaw(tileBuffer, s.f32(), s.add(row, j));
          s.storeRaw(s.fma(weight, value, sum), tileBuffer, s.add(row, j));
        });
      });
    }
  }

  /// out[query..][column..] = tile / sum of the query's weights.
  void storeRows(Value matrix, Value query, Value stripQuery, Value rows, Value column, Value width) {
    TileShape tile = tiles.output;
    for (int r = 0; r < tile.rows; ++r)
      s.when(s.ltS(s.index(r), rows), [&] {
        Value sum = s.loadRaw(sums, s.f32(), s.add(stripQuery, s.index(r)));
        Value share = s.divF(s.real(1, s.f32()), sum);
        Value row = s.add(s.mul(matrix, queryDims[2]), s.add(query, s.index(r)));
        Value out = s.add(s.mul(row, valueColumns), column);
        s.loop(s.index(0), width, [&](Value j) {
          Value weighed = s.loadRaw(tileBuffer, s.f32(), s.add(s.index(r * tile.columns()), j));
          Value result = s.mul(weighed, share);
          if (op.getNanToZero())
            result = s.select(s.isNan(sum), s.real(0, s.f32()), result);
          s.storeRaw(result, s.outputs[0], s.add(out, j));
        });
      });
  }

  EmitContext &s;
  nn::AttentionOp op;
  AttentionTiles tiles;
  int64_t strip;
  Values queryDims;
  Value keys, depth, valueColumns, maxima, sums, tileBuffer, panel, scores;
};

nn::AttentionOp soleAttention(ArrayRef<Operation *> operations) {
  return operations.size() == 1 ? dyn_cast<nn::AttentionOp>(operations.front()) : nn::AttentionOp();
}
} // namespace

std::optional<KernelPlan> planAttention(Operation *op, ArrayRef<bool>, const Target &target) {
  auto root = soleAttention(bodyOperations(op));
  if (!root || !isFloat32(root) || target.vectorBits() < 256)
    return std::nullopt;
  DimExprs query = dimExprs(tensorType(root.getQuery())), value = dimExprs(tensorType(root.getValue()));
  AttentionTiles tiles = AttentionTiles::choose(target, constantDim(query[2]), constantDim(value[3]));
  KernelPlan plan = makePlan(op, kKind);
  plan.tasks = simplifyDim(query[0] * query[1] * query[2].ceilDiv(tiles.scores.columns()));
  plan.scratchBytes = simplifyDim(AttentionEmission::scratchFloats(root, tiles) * 4);
  plan.flops = simplifyDim(query[0] * query[1] * query[2] * value[2] * (query[3] + value[3]) * 2);
  return plan;
}

LogicalResult emitAttention(EmitContext &context) {
  AttentionEmission(context, cast<nn::AttentionOp>(context.region().front())).run();
  return success();
}

} // namespace lathe::x86
