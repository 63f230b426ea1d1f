#include "backends/x86/AttentionRow.h"
#include "backends/x86/FloatMath.h"
#include "backends/x86/TileGemm.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr int64_t kKeys = 8; // scored together
} // namespace

AffineExpr AttentionRow::scratchFloats(nn::AttentionOp op, int64_t lanes) {
  // Groups of keys and vectors may write past the last key.
  return dimExprs(tensorType(op.getKey()))[2] + std::max(kKeys, lanes);
}

bool AttentionRow::accepts(nn::AttentionOp op, int64_t lanes) {
  auto depth = constantDim(dimExprs(tensorType(op.getQuery()))[3]),
       columns = constantDim(dimExprs(tensorType(op.getValue()))[3]);
  return depth && columns && *depth % lanes == 0 && *columns % lanes == 0;
}

void AttentionRow::compute(const AttentionHead &head, Value query) {
  scoreKeys(o.row(o.query(head), query), o.key(head));
  if (o.hasCap())
    capScores();
  if (o.hasMask())
    addMask(head, query);
  weighValues(o.value(head), o.row(o.output(head), query), softmax());
}

Value AttentionRow::loadVector(Value base, Value offset) {
  return s.b.create<LLVM::LoadOp>(s.loc, vectorType(), s.address(base, s.f32(), offset), 4);
}

/// scores[k] = dot(query, K[k]) * scale, several keys at a time; past the last key it is repeated.
void AttentionRow::scoreKeys(Value query, const AttentionRows &keys) {
  s.loop(s.index(0), o.keys, s.index(kKeys), [&](Value key) {
    Values rows, zeros(kKeys, s.b.create<arith::ConstantOp>(s.loc, DenseElementsAttr::get(vectorType(), 0.0f)));
    for (int64_t r = 0; r < kKeys; ++r) {
      Value inside = s.minS(s.add(key, s.index(r)), s.sub(o.keys, s.index(1)));
      rows.push_back(o.row(keys, inside));
    }
    Values sums = s.loop(s.index(0), s.divS(o.depth, s.index(lanes)), zeros, [&](Value trip, ValueRange carried) {
      Value d = s.mul(trip, s.index(lanes)), part = loadVector(query, d);
      Values next;
      for (auto [row, sum] : llvm::zip(rows, carried))
        next.push_back(s.b.create<vector::FMAOp>(s.loc, loadVector(row, d), part, sum));
      return next;
    });
    for (auto [r, sum] : llvm::enumerate(sums)) {
      Value dot =
          s.b.create<vector::ReductionOp>(s.loc, vector::CombiningKind::ADD, sum, arith::FastMathFlags::reassoc);
      s.storeRaw(s.mul(dot, o.scale), scores, s.add(key, s.index(int64_t(r))));
    }
  });
}

void AttentionRow::capScores() {
  s.loop(s.index(0), o.keys, [&](Value key) { s.storeRaw(o.capped(s.loadRaw(scores, s.f32(), key)), scores, key); });
}

void AttentionRow::addMask(const AttentionHead &head, Value query) {
  AttentionOperands::Mask mask = o.mask(head);
  Value row = s.address(mask.base, s.f32(), s.mul(query, mask.queryStride));
  s.loop(s.index(0), o.keys, [&](Value key) {
    Value number = s.loadRaw(row, s.f32(), s.mul(key, mask.keyStride));
    s.storeRaw(s.add(s.loadRaw(scores, s.f32(), key), number), scores, key);
  });
}

/// scores = exp(scores - max); gives their sum.
Value AttentionRow::softmax() {
  Value lowest = s.real(-std::numeric_limits<double>::infinity(), s.f32());
  s.loop(s.index(0), s.index(lanes), [&](Value j) { s.storeRaw(lowest, scores, s.add(o.keys, j)); });
  Value none = s.b.create<vector::BroadcastOp>(s.loc, vectorType(), lowest);
  Value most = s.loop(s.index(0), s.ceilDiv(o.keys, s.index(lanes)), {none}, [&](Value trip, ValueRange carried) {
    Value part = loadVector(scores, s.mul(trip, s.index(lanes)));
    return Values{s.b.create<arith::MaxNumFOp>(s.loc, carried[0], part)};
  })[0];
  Value top = s.b.create<vector::ReductionOp>(s.loc, vector::CombiningKind::MAXNUMF, most);
  return s.loop(s.index(0), o.keys, {s.real(0, s.f32())}, [&](Value key, ValueRange carried) {
    Value weight = expNegativeF32(s, s.sub(s.loadRaw(scores, s.f32(), key), top));
    s.storeRaw(weight, scores, key);
    return Values{s.accumulate(carried[0], weight)};
  })[0];
}

/// out = scores * V / sum.
void AttentionRow::weighValues(const AttentionRows &values, Value out, Value sumOfWeights) {
  constexpr int64_t mostVectors = 8;
  int64_t vectors = *constantOf(o.columns) / lanes;
  Value share = s.divF(s.real(1, s.f32()), sumOfWeights);
  for (int64_t first = 0; first < vectors; first += mostVectors) {
    TileShape tile{1, int(std::min(vectors - first, mostVectors)), int(lanes)};
    Value column = s.index(first * lanes);
    Accumulators acc = zeroTile(s, tile);
    o.forPieces(values, s.index(0), o.keys, [&](const AttentionPiece &piece) {
      Value weights = s.address(scores, s.f32(), piece.first), from = s.address(piece.base, s.f32(), column);
      acc = tileProduct(s, tile, acc, {weights}, from, piece.count, {s.index(1), piece.stride});
    });
    for (Value &sum : acc)
      sum = o.weighted(sum, share);
    storeTile(s, tile, acc, s.address(out, s.f32(), column), s.index(0));
  }
}

} // namespace lathe::x86
