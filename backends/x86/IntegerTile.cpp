#include "backends/x86/IntegerTile.h"
#include "backends/x86/MatrixUnit.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
VectorType vectorOf(Scalar &s, int64_t lanes, unsigned width) {
  return VectorType::get({lanes}, s.b.getIntegerType(width));
}

Value callIntrinsic(Scalar &s, StringRef name, Type type, ValueRange operands) {
  return s.b.create<LLVM::CallIntrinsicOp>(s.loc, type, s.b.getStringAttr(name), operands).getResult(0);
}

} // namespace

Value castTo(Scalar &s, Value x, Type type) {
  return x.getType() == type ? x : Value(s.b.create<LLVM::BitcastOp>(s.loc, type, x));
}

Value addPairs(EmitContext &c, TileShape tile, Value acc, Value a, Value b) {
  Type sums = vectorOf(c, tile.lanes, 32), words = vectorOf(c, 2 * tile.lanes, 16);
  bool isWide = tile.lanes == 16;
  if (hasDotProducts(c.target))
    return callIntrinsic(c, isWide ? "llvm.x86.avx512.vpdpwssd.512" : "llvm.x86.avx512.vpdpwssd.256", sums,
                         {acc, castTo(c, a, sums), castTo(c, b, sums)});
  StringRef name = isWide ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd";
  // Hidden: LLVM would rearrange a chain of additions for a short critical path, with more sums than there are registers.
  return c.hidden(c.add(acc, callIntrinsic(c, name, sums, {castTo(c, a, words), castTo(c, b, words)})));
}

Value dotBytes(EmitContext &c, TileShape tile, Value acc, Value a, Value b) {
  StringRef name = tile.lanes == 16 ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256";
  return callIntrinsic(c, name, acc.getType(), {acc, a, b});
}

Value multiplyBytes(EmitContext &c, TileShape tile, Value a, Value b) {
  bool isWide = tile.lanes == 16;
  Type bytes = vectorOf(c, 4 * tile.lanes, 8), words = vectorOf(c, 2 * tile.lanes, 16);
  return callIntrinsic(c, isWide ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw", words,
                       {castTo(c, a, bytes), castTo(c, b, bytes)});
}

Value addWords(EmitContext &c, TileShape tile, Value acc, Value words) {
  return addPairs(c, tile, acc, words, c.integer(1, words.getType()));
}

namespace {
Value loadElements(EmitContext &c, TileShape tile, Value row, Value step) {
  return spread(c, c.loadRaw(row, c.i32(), step, 1), vectorOf(c, tile.lanes, 32));
}

Value loadWeights(EmitContext &c, TileShape tile, IntegerPanel panel, Value step, int v);

/// A chain of two steps.
void addChain(EmitContext &c, TileShape tile, Accumulators &acc, ArrayRef<Value> rowPointers, IntegerPanel panel,
              Value chain) {
  Value step = c.mul(chain, c.index(2)), next = c.add(step, c.index(1));
  Values weights, nextWeights;
  for (int v = 0; v < tile.vectors; ++v) {
    weights.push_back(loadWeights(c, tile, panel, step, v));
    nextWeights.push_back(loadWeights(c, tile, panel, next, v));
  }
  for (int r = 0; r < tile.rows; ++r) {
    Value a = loadElements(c, tile, rowPointers[r], step), b = loadElements(c, tile, rowPointers[r], next);
    for (int v = 0; v < tile.vectors; ++v) {
      Value words = c.add(multiplyBytes(c, tile, a, weights[v]), multiplyBytes(c, tile, b, nextWeights[v]));
      Value &sum = acc[r * tile.vectors + v];
      sum = addWords(c, tile, sum, words);
    }
  }
}

/// Vector `v` of a step's weights.
Value loadWeights(EmitContext &c, TileShape tile, IntegerPanel panel, Value step, int v) {
  Value column = c.add(c.mul(step, c.index(tile.columns())), c.index(int64_t(v) * tile.lanes));
  Value address = c.address(panel.pointer, c.i8(), c.mul(column, c.index(stepBytes(panel.form))));
  if (stepBytes(panel.form) == 4)
    return c.b.create<LLVM::LoadOp>(c.loc, vectorOf(c, tile.lanes, 32), address, 4);
  Value bytes = c.b.create<LLVM::LoadOp>(c.loc, vectorOf(c, 2 * tile.lanes, 8), address, 2);
  return widenBytes(c, bytes, panel.form == PanelForm::unsignedBytes);
}

void addStep(EmitContext &c, TileShape tile, Accumulators &acc, ArrayRef<Value> rowPointers, IntegerPanel panel,
             Value step) {
  Values weights;
  for (int v = 0; v < tile.vectors; ++v)
    weights.push_back(loadWeights(c, tile, panel, step, v));
  for (int r = 0; r < tile.rows; ++r) {
    Value a = loadElements(c, tile, rowPointers[r], step);
    for (int v = 0; v < tile.vectors; ++v) {
      Value &sum = acc[r * tile.vectors + v];
      sum = panel.form == PanelForm::quads ? dotBytes(c, tile, sum, a, weights[v])
                                           : addPairs(c, tile, sum, a, weights[v]);
    }
  }
  // LLVM would load the weights of the next steps, too, and spill them. With 256 bits it does not.
  if (tile.lanes == 16)
    c.waitFor(acc);
}
} // namespace

void addApart(EmitContext &c, TileShape tile, Accumulators &acc, ArrayRef<Value> rowPointers, Value weights) {
  IntegerPanel panel{PanelForm::chains, weights, {}};
  for (int v = 0; v < tile.vectors; ++v) {
    Value vector = loadWeights(c, tile, panel, c.index(0), v);
    for (int r = 0; r < tile.rows; ++r) {
      Value &sum = acc[r * tile.vectors + v];
      sum = addWords(c, tile, sum, multiplyBytes(c, tile, loadElements(c, tile, rowPointers[r], c.index(0)), vector));
    }
  }
}

bool hasDotProducts(const Target &target) {
  return target.vectorBits() == 512 ? target.has("avx512vnni") : target.has("avxvnni");
}

TileShape chooseIntegerTile(const Target &target, int64_t columns, std::optional<int64_t> rows, PanelForm form) {
  int lanes = target.vectorBits() / 32;
  int64_t needed = llvm::divideCeil(columns, lanes); // vectors
  if (form == PanelForm::matrix)
    return MatrixUnit::tileFor(columns, rows);
  if (rows && *rows <= 2)
    return {int(std::max<int64_t>(*rows, 1)), int(std::clamp<int64_t>(needed, 1, 4)), lanes};
  bool hasManyRegisters = target.vectorRegisters() == 32;
  // A chain needs two registers for weights, two for its products and one of ones; 8 rows leave pointers in registers, too.
  if (form == PanelForm::chains)
    return {int(std::min<int64_t>(hasManyRegisters ? 10 : 8, rows.value_or(8))),
            int(std::min<int64_t>(hasManyRegisters ? 2 : 1, needed)), lanes};
  // One register for a row's element and one for its products.
  int vectors = int(std::min<int64_t>(hasManyRegisters ? 4 : 2, needed));
  auto computed = [&](int width) { return llvm::alignTo(uint64_t(needed), uint64_t(width)); };
  for (int narrow = vectors - 1; hasManyRegisters && narrow >= 2; --narrow)
    if (computed(narrow) < computed(vectors))
      vectors = narrow;
  int most = std::min((target.vectorRegisters() - vectors - 2) / vectors, 8);
  return {int(std::min<int64_t>(most, rows.value_or(most))), vectors, lanes};
}

Accumulators zeroIntegerTile(Scalar &s, TileShape tile) {
  return Accumulators(tile.rows * tile.vectors, s.integer(0, vectorOf(s, tile.lanes, 32)));
}

Accumulators integerProduct(EmitContext &c, TileShape tile, const Accumulators &init, ArrayRef<Value> rowPointers,
                            IntegerPanel panel, TilePrefetch prefetch) {
  bool hasChains = panel.form == PanelForm::chains;
  Value count = hasChains ? c.divU(panel.steps, c.index(stepsPerChain(panel.form))) : panel.steps;
  return overSteps(c, init, count, prefetch, [&](Accumulators &acc, Value number) {
    hasChains ? addChain(c, tile, acc, rowPointers, panel, number) : addStep(c, tile, acc, rowPointers, panel, number);
  });
}

Value spread(Scalar &s, Value x, Type vector) { return s.b.create<vector::BroadcastOp>(s.loc, vector, x); }

Value widenBytes(Scalar &s, Value bytes, bool areUnsigned) {
  Type words = vectorOf(s, cast<VectorType>(bytes.getType()).getDimSize(0), 16);
  return areUnsigned ? s.resizeU(bytes, words) : s.resizeS(bytes, words);
}

} // namespace lathe::x86
