// Products of f32 rows with constant integers of 4 or 8 bits, with a scale (and a zero point) per group along the depth or per
// column: kind `gemm_weight_only`.
//
//   few rows     the weights are read once, as they are stored, and become numbers in registers       WeightOnlyRows.h
//                with rows of 8-bit integers they don't have to                                     WeightOnlyBytes.h
//   many rows    task (column block, row block):
//     for kb in groups of the depth:                          as gemm, see GemmKernel.cpp
//       for tile of columns in column block:
//         dequantize its part of kb to scratch memory         exactly as nn.dequantize does it
//         for tile in row block:   acc += A * B, partial sums or epilogue
//
// Where the number of rows is not known, the kernel has both.
#include "backends/x86/WeightOnlyKernel.h"
#include "backends/x86/WeightOnlyBytes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
/// Many rows: the register tile on dequantized panels.
class WeightOnlyBlocks {
public:
  WeightOnlyBlocks(EmitContext &context, const WeightOnlyRoot &root, const WeightOnlyShape &shape,
                   const WeightOnlyConfig &config)
      : s(context), shape(shape), config(config), tile(config.tile), weights(context, root, shape, config.tile.lanes),
        epilogue(context, root.matmul, Value(), config.tile), rows(context.dim(shape.rows)),
        lhs(context.inputs[cast<BlockArgument>(root.lhs).getArgNumber()]), dequantized(context.scratch),
        partials(context.address(context.scratch, context.f32(),
                                 context.index(config.panelDepth(shape) * config.tile.columns()))) {}

  void run() {
    Value rowBlocks = s.ceilDiv(rows, s.index(config.blockRows));
    Value columnBlocks = s.index(llvm::divideCeil(shape.words.panels(), config.panels));
    s.loop(s.taskBegin, s.taskEnd, [&](Value task) {
      Indices position = s.delinearize(task, {columnBlocks, rowBlocks});
      Value rowBegin = s.mul(position[1], s.index(config.blockRows));
      Value panelBegin = s.mul(position[0], s.index(config.panels));
      block(rowBegin, s.minS(rows, s.add(rowBegin, s.index(config.blockRows))), panelBegin,
            s.minS(s.index(shape.words.panels()), s.add(panelBegin, s.index(config.panels))));
    });
  }

private:
  void block(Value rowBegin, Value rowEnd, Value panelBegin, Value panelEnd) {
    const int64_t columns = tile.columns(), tilesOfPanel = config.nr / columns;
    Value tilesOfAll = s.index(llvm::divideCeil(shape.words.columns, columns));
    Value begin = s.mul(panelBegin, s.index(tilesOfPanel));
    Value end = s.minS(tilesOfAll, s.mul(panelEnd, s.index(tilesOfPanel)));
    int64_t blocks = llvm::divideCeil(shape.words.groups(), config.groups);
    s.loop(s.index(0), s.index(blocks), [&](Value kb) {
      Value firstGroup = s.mul(kb, s.index(config.groups));
      Value lastGroup = s.minS(s.index(shape.words.groups()), s.add(firstGroup, s.index(config.groups)));
      Value isFirst = blocks == 1 ? s.boolean(true) : s.eqI(kb, s.index(0));
      Value isLast = blocks == 1 ? s.boolean(true) : s.eqI(kb, s.index(blocks - 1));
      s.loop(begin, end, [&](Value number) {
        Value panel = s.divU(number, s.index(tilesOfPanel));
        Value inPanel = s.mul(s.remU(number, s.index(tilesOfPanel)), s.index(columns));
        dequantize(panel, inPanel, firstGroup, lastGroup);
        Value k = s.mul(firstGroup, s.index(shape.words.group));
        Value partial = s.address(partials, s.f32(), s.mul(s.sub(number, begin), s.index(config.blockRows * columns)));
        forRowTiles(s, tile, rowBegin, rowEnd, [&](TileShape narrow, Value row) {
          Value offset = s.mul(s.sub(row, rowBegin), s.index(columns));
          tileAt(narrow, k, row, s.mul(number, s.index(columns)), s.address(partial, s.f32(), offset), isFirst, isLast);
        });
      });
    });
  }

  /// Groups [begin, end) of a tile of columns to [depth][columns of the tile]. Steps that reach past their group are written over
  /// by the next one.
  void dequantize(Value panel, Value inPanel, Value begin, Value end) {
    const WeightWords &w = shape.words;
    Value columns = s.index(tile.columns());
    s.loop(begin, end, [&](Value group) {
      Values scales, zeros;
      for (int v = 0; v < tile.vectors; ++v) {
        scales.push_back(weights.scales(at(panel, group, inPanel, v)));
        zeros.push_back(weights.zeros(at(panel, group, inPanel, v)));
      }
      Value firstRow = s.mul(s.sub(group, begin), s.index(w.group));
      s.loop(s.index(0), s.index(w.steps()), [&](Value step) {
        Value row = s.add(firstRow, s.mul(step, s.index(w.slots())));
        for (int v = 0; v < tile.vectors; ++v) {
          Value words = weights.words(at(panel, group, inPanel, v), step);
          for (int64_t slot = 0; slot < w.slots(); ++slot) {
            Value offset = s.add(s.mul(s.add(row, s.index(slot)), columns), s.index(int64_t(v) * tile.lanes));
            s.b.create<LLVM::StoreOp>(s.loc, number(words, slot, scales[v], zeros[v]),
                                      s.address(dequantized, s.f32(), offset), 4);
          }
        }
      });
    });
  }

  WeightVectors::Place at(Value panel, Value group, Value inPanel, int v) {
    return {panel, group, s.add(inPanel, s.index(int64_t(v) * tile.lanes))};
  }

  /// (n - zero) * scale, the difference exact.
  Value number(Value words, int64_t slot, Value scale, Value zero) {
    const WeightWords &w = shape.words;
    Value shift = s.neg(zero);
    if (slot + 1 == w.slots())
      shift = s.sub(s.real(double(w.half()), shift.getType()), zero);
    Value factor = s.real(weights.slotFactor(slot), weights.floats());
    Value difference = s.b.create<vector::FMAOp>(s.loc, weights.scaledSlot(words, slot), factor, shift);
    return s.mulExact(difference, scale);
  }

  void tileAt(TileShape shapeOfTile, Value k, Value row, Value column, Value partial, Value isFirst, Value isLast) {
    const int64_t depth = shape.words.depth;
    Value stride = s.index(tile.columns());
    Accumulators zero = zeroTile(s, shapeOfTile), acc = zero;
    bool isOnly = constantOf(isFirst).value_or(0) && constantOf(isLast).value_or(0);
    if (!isOnly)
      acc = s.when(
          isFirst, ValueRange(zero).getTypes(), [&] { return zero; },
          [&] { return loadTile(s, shapeOfTile, partial, stride); });
    Values pointers;
    for (int r = 0; r < shapeOfTile.rows; ++r) {
      Value inside = s.minS(s.add(row, s.index(r)), s.sub(rows, s.index(1)));
      pointers.push_back(s.address(lhs, s.f32(), s.add(s.mul(inside, s.index(depth)), k)));
    }
    Value blockDepth = s.minS(s.index(config.groups * shape.words.group), s.sub(s.index(depth), k));
    acc = tileProduct(s, shapeOfTile, acc, pointers, dequantized, blockDepth);
    auto finish = [&] {
      epilogue.store(acc, row, column, s.minS(s.index(shapeOfTile.rows), s.sub(rows, row)),
                     s.minS(stride, s.sub(s.index(shape.words.columns), column)));
    };
    if (isOnly)
      return finish();
    s.when(isLast, finish);
    s.when(s.notB(isLast), [&] { storeTile(s, shapeOfTile, acc, partial, stride); });
  }

  EmitContext &s;
  WeightOnlyShape shape;
  WeightOnlyConfig config;
  TileShape tile;
  WeightVectors weights;
  TileEpilogue epilogue;
  Value rows, lhs, dequantized, partials;
};

/// The tile of words for a number of rows: as many sums as registers hold beside what they are made of.
TileShape wordTile(const WeightOnlyConfig &config, int rows, int mostSums) {
  int vectors = int(config.nr) / config.tile.lanes;
  while (rows * vectors > mostSums && vectors % 2 == 0)
    vectors /= 2;
  return {rows, vectors, config.tile.lanes};
}

class WeightOnlyEmission {
public:
  WeightOnlyEmission(EmitContext &context, const WeightOnlyRoot &root)
      : s(context), root(root), config(WeightOnlyConfig::of(context.kernel.getConfig())),
        shape(WeightOnlyShape::of(root)->withPanels(config.nr)), rows(context.dim(shape.rows)) {}

  void run() {
    // What is left of the region is an epilogue on the product.
    root.matmul.getRhsMutable().assign(root.integers);
    root.dequantize.erase();
    if (root.lhsDequantize)
      return runBytes();
    std::optional<WeightOnlyBlocks> blocks;
    if (config.hasMany)
      blocks.emplace(s, root, shape, config);
    SmallVector<std::unique_ptr<WeightOnlyRows>> few;
    for (int count : fewRows())
      few.push_back(std::make_unique<WeightOnlyRows>(s, root, shape, wordTile(config, count, 8)));
    if (!blocks)
      return runFew(*few.front(), s.taskBegin, s.taskEnd);
    if (few.empty())
      return blocks->run();
    s.when(s.ltS(s.index(kFewRows), rows), [&] { blocks->run(); });
    s.when(s.eqI(rows, s.index(1)), [&] { runFew(*few[0], s.taskBegin, s.taskEnd); });
    s.when(s.andI(s.ltS(s.index(1), rows), s.geS(s.index(kFewRows), rows)),
           [&] { runFew(*few[1], s.taskBegin, s.taskEnd); });
  }

private:
  void runBytes() {
    root.matmul.getLhsMutable().assign(root.lhs);
    root.lhsDequantize.erase();
    auto known = constantOf(rows);
    WeightOnlyBytes several = byteRows(config.tile.rows);
    if (known && *known <= config.tile.rows)
      return runFew(several, s.taskBegin, s.taskEnd);
    if (known)
      return runTiles(several, config.tile.rows);
    WeightOnlyBytes single = byteRows(1);
    Value areFew = s.ltS(rows, s.index(config.tile.rows));
    s.when(areFew, [&] { runTiles(single, 1); });
    s.when(s.notB(areFew), [&] { runTiles(several, config.tile.rows); });
  }

  /// Each sum of i32 has one of i16 beside it.
  WeightOnlyBytes byteRows(int count) { return {s, root, shape, wordTile(config, count, 4)}; }

  /// Tasks are (column block, row block), of `count` rows or more, that many at once; a column block's weights stay in L2 for
  /// them. The last ones of a row block begin early where rows are left over.
  void runTiles(WeightOnlyRows &few, int64_t count) {
    Value columnBlocks = s.index(llvm::divideCeil(shape.words.panels(), config.panels));
    Value rowBlocks = s.ceilDiv(rows, s.index(config.blockRows)), last = s.sub(rows, s.index(count));
    s.loop(s.taskBegin, s.taskEnd, [&](Value task) {
      Indices position = s.delinearize(task, {columnBlocks, rowBlocks});
      Value next = s.add(position[1], s.index(1));
      auto beginOf = [&](Value block) { return s.minS(s.mul(block, s.index(config.blockRows)), last); };
      Value end = s.select(s.ltS(next, rowBlocks), beginOf(next), rows);
      s.loop(beginOf(position[1]), end, s.index(count), [&](Value row) {
        few.beginAt(s.minS(row, s.sub(end, s.index(count))));
        runFew(few, position[0], s.add(position[0], s.index(1)));
      });
    });
  }

  /// Numbers of rows for which there is code of its own.
  SmallVector<int> fewRows() {
    if (!config.hasFew)
      return {};
    return config.hasMany ? SmallVector<int>{1, int(kFewRows)} : SmallVector<int>{config.tile.rows};
  }

  void runFew(WeightOnlyRows &few, Value begin, Value end) {
    few.prepare();
    Value panels = s.index(shape.words.panels());
    few.multiply(s.mul(begin, s.index(config.panels)), s.minS(panels, s.mul(end, s.index(config.panels))));
  }

  EmitContext &s;
  WeightOnlyRoot root;
  WeightOnlyConfig config;
  WeightOnlyShape shape;
  Value rows;
};
} // namespace

LogicalResult emitWeightOnly(EmitContext &context) {
  WeightOnlyEmission(context, WeightOnlyRoot::of(regionOperations(context))).run();
  return success();
}

} // namespace lathe::x86
