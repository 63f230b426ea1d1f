// Matrix products and channels-last convolutions of 8-bit integers with constant weights: kind `integer_product`.
//
//   task (image, group, row block, column block):
//     copy the block's part of the source to scratch memory, as i16 minus the zero point or as unsigned bytes, unless it
//     can be read where it is                                                               IntegerSource.h
//     for panel in column block:   widen its weights to i16, minus their zero points, if the block has many rows
//       for tile in row block:     acc = 0;  for tap: acc += A * B;  epilogue(acc)           IntegerTile.h, TileEpilogue.cpp
//
// Sums are exact, so results don't depend on the form of the products: they are the same on every processor.
#include "backends/x86/IntegerKernel.h"
#include "backends/x86/Elements.h"
#include "backends/x86/IntegerPlan.h"
#include "backends/x86/MatrixUnit.h"
#include "backends/x86/Tasks.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
class IntegerEmission {
  struct Extras;

public:
  IntegerEmission(EmitContext &context, const IntegerRoot &root)
      : s(context), root(root), config(IntegerConfig::of(context.kernel.getConfig())),
        shape(configured(*IntegerShape::of(root), config)),
        scratch(IntegerScratch::of(root, shape, config, context.b.getContext())),
        epilogue(context, root.op, root.bias, config.tile, shape.packing.columns),
        source(context, readsBytes(config.form), root.hasUnsignedSource(), sourceZero(),
               isInPlace(root, shape, config) ? input(root.source)
                                              : s.address(s.scratch, s.i8(), s.index(scratch.source))),
        words(s.address(s.scratch, s.i8(), s.index(scratch.words))),
        zeros(s.address(s.scratch, s.i8(), s.index(scratch.zeros))),
        unit(context, config.tile, shape.packing.stepMultiple) {
    if (shape.isFlat)
      return;
    in = PictureSize::of(s, root.source);
    out = PictureSize::of(s, root.op->getResult(0));
    if (shape.isUpright)
      for (PictureSize *picture : {&in, &out})
        std::swap(picture->height, picture->width);
    lineWidth = s.dim(simplifyDim(shape.window.lineWidth(shape.width)));
  }

  void run() {
    Value rowBlocks = s.dim(config.blocksOf(shape.isFlat ? shape.rows : shape.height));
    Value columnBlocks = s.index(config.columnBlocks);
    Value images = shape.isFlat ? s.index(1) : s.dim(shape.images);
    if (hasUnit())
      unit.begin(s.address(s.scratch, s.i8(), s.index(scratch.unit)));
    s.loop(s.taskBegin, s.taskEnd, [&](Value task) {
      Values sizes{images, s.index(shape.packing.groups), rowBlocks, columnBlocks};
      bool isSwapped = areColumnsOutermost(shape, s.target);
      if (isSwapped)
        std::swap(sizes[2], sizes[3]);
      Indices position = s.delinearize(task, sizes);
      if (isSwapped)
        std::swap(position[2], position[3]);
      Block block = shape.isFlat ? flatBlock(rowBlocks, position[2])
                                 : lineBlock(position[0], position[1], partOf(s, out.height, rowBlocks, position[2]));
      block.group = position[1];
      TaskPart panels = partOf(s, s.index(shape.packing.panels()), columnBlocks, position[3]);
      s.loop(panels.first, s.add(panels.first, panels.count),
             [&](Value panel) { hasUnit() ? unitColumn(block, panel) : column(block, panel); });
    });
    if (hasUnit())
      unit.end();
  }

private:
  /// Rows of the result from `firstRow` on.
  struct Block {
    Value firstRow, rows, group;
  };

  Value input(Value operand) { return s.inputs[cast<BlockArgument>(operand).getArgNumber()]; }

  Value sourceZero() {
    if (!root.sourceZero)
      return {};
    return s.elementAt(root.sourceZero, Indices(tensorType(root.sourceZero).getRank(), s.index(0)));
  }

  /// Whole tiles.
  Block flatBlock(Value blocks, Value number) {
    Value all = s.dim(shape.rows), tile = s.index(config.tile.rows), depth = s.index(shape.packing.depth());
    TaskPart tiles = partOf(s, s.ceilDiv(all, tile), blocks, number);
    Value first = s.mul(tiles.first, tile), rows = s.minS(s.mul(tiles.count, tile), s.sub(all, first));
    if (!isInPlace(root, shape, config))
      source.copy(s.address(input(root.source), s.i8(), s.mul(first, depth)), s.mul(rows, depth), s.index(0));
    return {first, rows, {}};
  }

  Block lineBlock(Value image, Value group, TaskPart part) {
    auto [first, lines] = part;
    const WindowShape &window = shape.window.window;
    Value inputLines = s.add(s.mul(s.sub(lines, s.index(1)), s.index(window.stride[0])),
                             s.index((window.kernel[0] - 1) * window.dilation[0] + 1));
    Value firstElement = s.add(s.mul(image, s.mul(s.mul(in.height, in.width), in.channels)),
                               s.mul(group, s.index(shape.window.channels)));
    source.copyLines(shape.window, s.address(input(root.source), s.i8(), firstElement), in, lineWidth, first,
                     inputLines);
    return {s.mul(s.add(s.mul(image, out.height), first), out.width), s.mul(lines, out.width), {}};
  }

  /// All rows of the block times a panel.
  void column(Block block, Value panel) {
    Value number = s.add(s.mul(block.group, s.index(shape.packing.panels())), panel);
    Value packed = panelAddress(number);
    IntegerPanel weights{config.form, packed, s.index(shape.packing.steps())};
    auto manyRows = [&] {
      if (config.form == PanelForm::words) {
        widenPanel(packed, block, panel);
        weights.pointer = words;
      }
      rowTiles(config.tile, block, panel, packed, weights, extrasOf(number, packed));
    };
    if (!mayHaveFewRows(shape, config))
      return manyRows();
    // Widening takes longer than the products of few rows, and a tile's rows take their time whether they are there or not.
    TileShape row = config.tile;
    row.rows = 1;
    bool areWords = config.form == PanelForm::words;
    Value areFew = s.ltS(block.rows, s.index(1 + (areWords ? kMemoryBoundRows : config.tile.rows / 4)));
    s.when(areFew, [&] {
      PanelForm bytes = root.hasUnsignedWeights() ? PanelForm::unsignedBytes : PanelForm::signedBytes;
      areWords ? rowTiles(row, block, panel, packed, {bytes, packed, weights.steps}, {})
               : rowTiles(row, block, panel, packed, weights, extrasOf(number, packed));
    });
    s.when(s.notB(areFew), manyRows);
  }

  void rowTiles(TileShape largest, Block block, Value panel, Value packed, IntegerPanel weights, Extras extras) {
    const IntegerPacking &packing = shape.packing;
    Accumulators initial = initialRow(packed);
    PanelPrefetch next(s, s.address(packed, s.i8(), s.index(packing.panelBytes())), s.index(packing.panelBytes()),
                       block.rows);
    forRowTiles(s, largest, s.index(0), block.rows, [&](TileShape tile, Value row) {
      Accumulators acc;
      for (int r = 0; r < tile.rows; ++r)
        acc.append(initial);
      acc = tapProducts(tile, acc, block, weights, row, next.of(tile, row), extras);
      Value width = s.index(tile.columns()), first = s.mul(panel, width);
      epilogue.store(acc, s.add(block.firstRow, row), s.add(s.mul(block.group, s.index(packing.columns)), first),
                     s.minS(s.index(tile.rows), s.sub(block.rows, row)),
                     s.minS(width, s.sub(s.index(packing.columns), first)));
    });
  }

  //===- the matrix unit -===//

  bool hasUnit() const { return config.form == PanelForm::matrix; }

  /// All rows of the block times a panel.
  void unitColumn(Block block, Value panel) {
    Value packed = panelAddress(s.add(s.mul(block.group, s.index(shape.packing.panels())), panel));
    Accumulators initial = initialRow(packed);
    s.loop(s.index(0), block.rows, s.index(config.tile.rows), [&](Value row) {
      Value rows = s.minS(s.index(config.tile.rows), s.sub(block.rows, row));
      Value isWhole = s.andI(s.boolean(shape.isFlat), s.eqI(rows, s.index(config.tile.rows)));
      unit.clear();
      s.when(isWhole, [&] { rowProducts(firstElement(block, row), packed); });
      s.when(s.notB(isWhole), [&] { gatheredProducts(block, row, packed); });
      unit.store(s.address(s.scratch, s.i8(), s.index(scratch.sums)));
      storeUnitSums(block, row, rows, panel, initial);
    });
  }

  /// Rows that lie one after the other.
  void rowProducts(Value first, Value packed) {
    forUnitSteps([&](Value, Value element, Value step) {
      unit.addProduct(source.address(s.add(first, element)), s.index(shape.packing.depth()), stepAddress(packed, step),
                      stepDistance());
    });
  }

  /// Rows that lie anywhere, or past the block's end: they are copied, a part of each for each product.
  void gatheredProducts(Block block, Value row, Value packed) {
    auto bytes = VectorType::get({stepElements(config.form) * shape.packing.stepMultiple}, s.i8());
    Value all = s.index(config.tile.rows), rows = s.address(s.scratch, s.i8(), s.index(scratch.rows));
    Value offsets = s.address(s.scratch, s.i8(), s.index(scratch.offsets));
    s.loop(s.index(0), all, [&](Value r) {
      s.storeRaw(firstElement(block, s.minS(s.add(row, r), s.sub(block.rows, s.index(1)))), offsets, r);
    });
    forUnitSteps([&](Value tap, Value element, Value step) {
      Value distance = shape.packing.taps == 1 ? element : s.add(element, distanceOf(tap));
      s.loop(s.index(0), all, [&](Value r) {
        Value from = source.address(s.add(s.loadRaw(offsets, s.i64(), r), distance));
        Value part = s.b.create<LLVM::LoadOp>(s.loc, bytes, from, 1);
        s.b.create<LLVM::StoreOp>(s.loc, part, s.address(rows, s.i8(), s.mul(r, s.index(kUnitBytes))), kUnitBytes);
      });
      unit.addProduct(rows, s.index(kUnitBytes), stepAddress(packed, step), stepDistance());
    });
  }

  /// `body` gets the tap, the first element within it and the number of the step of all, for each product.
  void forUnitSteps(llvm::function_ref<void(Value tap, Value element, Value step)> body) {
    Value steps = s.index(shape.packing.steps());
    s.loop(s.index(0), s.index(shape.packing.taps), [&](Value tap) {
      s.loop(s.index(0), steps, s.index(shape.packing.stepMultiple), [&](Value step) {
        body(tap, s.mul(step, s.index(stepElements(config.form))), s.add(s.mul(tap, steps), step));
      });
    });
  }

  Value stepDistance() { return s.index(stepBytes(config.form) * config.tile.columns()); }
  Value stepAddress(Value packed, Value step) { return s.address(packed, s.i8(), s.mul(step, stepDistance())); }

  void storeUnitSums(Block block, Value row, Value rows, Value panel, const Accumulators &initial) {
    TileShape some = config.tile;
    some.rows = kResultRows;
    Value width = s.index(some.columns()), first = s.mul(panel, width);
    Value sums = s.address(s.scratch, s.i8(), s.index(scratch.sums));
    s.loop(s.index(0), rows, s.index(some.rows), [&](Value r) {
      Accumulators acc = loadTile(s, some, s.address(sums, s.i32(), s.mul(r, width)), width, s.i32());
      for (auto [i, sum] : llvm::enumerate(acc))
        sum = s.add(sum, initial[i % initial.size()]);
      epilogue.store(
          acc, s.add(block.firstRow, s.add(row, r)), s.add(s.mul(block.group, s.index(shape.packing.columns)), first),
          s.minS(s.index(some.rows), s.sub(rows, r)), s.minS(width, s.sub(s.index(shape.packing.columns), first)));
    });
  }

  /// Sums of a row before the first step: zeros, or what the zero point of quads takes off each column.
  Accumulators initialRow(Value packed) {
    TileShape row = config.tile;
    row.rows = 1;
    Accumulators zero = zeroIntegerTile(s, row);
    if (!readsBytes(config.form))
      return zero;
    Accumulators initial;
    Value factor = s.sub(s.integer(0, s.i32()), source.unsignedZero());
    for (int v = 0; v < row.vectors; ++v) {
      Value at = s.address(packed, s.i8(), s.index(shape.packing.weightBytes() + 4 * int64_t(v) * row.lanes));
      Value sums = s.b.create<LLVM::LoadOp>(s.loc, zero[v].getType(), at, 4);
      initial.push_back(s.mul(sums, spread(s, factor, sums.getType())));
    }
    return initial;
  }

  /// The taps of a window one after the other, all at the same distance from each row's first element.
  Accumulators tapProducts(TileShape tile, Accumulators acc, Block block, IntegerPanel weights, Value row,
                           TilePrefetch prefetch, Extras extras) {
    Values elements;
    for (int r = 0; r < tile.rows; ++r)
      elements.push_back(firstElement(block, s.minS(s.add(row, s.index(r)), s.sub(block.rows, s.index(1)))));
    auto product = [&](ValueRange sums, Value tap, Value distance) {
      Values pointers;
      for (Value element : elements)
        pointers.push_back(source.address(s.add(element, distance)));
      IntegerPanel part = weights;
      int64_t bytes = shape.packing.steps() * config.tile.columns() * stepBytes(weights.form);
      part.pointer = s.address(weights.pointer, s.i8(), s.mul(tap, s.index(bytes)));
      return integerProduct(s, tile, Accumulators(sums.begin(), sums.end()), pointers, part, shareOf(prefetch, tap));
    };
    if (shape.packing.taps == 1)
      acc = product(acc, s.index(0), s.index(0));
    else
      acc = s.loop(s.index(0), s.index(shape.packing.taps), acc,
                   [&](Value tap, ValueRange sums) { return product(sums, tap, distanceOf(tap)); });
    return config.form == PanelForm::chains ? extraProducts(tile, acc, elements, extras) : acc;
  }

  /// From a row's first element to that of a tap.
  Value distanceOf(Value tap) {
    const WindowShape &window = shape.window.window;
    int64_t columns = shape.window.columnTaps();
    Value ky = s.divU(tap, s.index(columns)), kx = s.remU(tap, s.index(columns));
    Value pixels =
        s.add(s.mul(s.mul(ky, s.index(window.dilation[0])), lineWidth), s.mul(kx, s.index(window.dilation[1])));
    return s.mul(pixels, s.index(shape.window.channels));
  }

  //===- chains -===//

  /// A panel's extra steps (IntegerPacking.h).
  struct Extras {
    Value weights, numbers, count;
  };

  Value extrasBefore(Value panel) { return s.resizeU(s.loadRaw(input(root.weights), s.i32(), panel), s.i64()); }

  Value panelAddress(Value number) {
    Value bytes = s.mul(number, s.index(shape.packing.panelBytes()));
    if (config.form == PanelForm::chains)
      bytes = s.add(s.add(bytes, s.index(shape.packing.tableBytes())),
                    s.mul(extrasBefore(number), s.index(shape.packing.stepBytes())));
    return s.address(input(root.weights), s.i8(), bytes);
  }

  Extras extrasOf(Value number, Value packed) {
    if (config.form != PanelForm::chains)
      return {};
    Value first = extrasBefore(number), end = extrasBefore(s.add(number, s.index(1)));
    Value all = extrasBefore(s.index(shape.packing.groups * shape.packing.panels()));
    Value numbers = s.add(s.index(shape.packing.fixedBytes()), s.mul(all, s.index(shape.packing.stepBytes())));
    return {s.address(packed, s.i8(), s.index(shape.packing.panelBytes())),
            s.address(s.address(input(root.weights), s.i8(), numbers), s.b.getI16Type(), first), s.sub(end, first)};
  }

  Accumulators extraProducts(TileShape tile, Accumulators acc, ArrayRef<Value> elements, Extras extras) {
    Value steps = s.index(shape.packing.steps());
    return s.loop(s.index(0), extras.count, acc, [&](Value i, ValueRange sums) {
      Value number = s.resizeU(s.loadRaw(extras.numbers, s.b.getI16Type(), i), s.i64());
      bool hasTaps = shape.packing.taps > 1;
      Value distance = s.mul(hasTaps ? s.remU(number, steps) : number, s.index(stepElements(config.form)));
      if (hasTaps)
        distance = s.add(distance, distanceOf(s.divU(number, steps)));
      Values pointers;
      for (Value element : elements)
        pointers.push_back(source.address(s.add(element, distance)));
      Accumulators result(sums.begin(), sums.end());
      Value weights = s.mul(i, s.index(stepBytes(config.form) * shape.packing.nr));
      addApart(s, tile, result, pointers, s.address(extras.weights, s.i8(), weights));
      return result;
    });
  }

  TilePrefetch shareOf(TilePrefetch prefetch, Value tap) {
    Value share = s.ceilDiv(prefetch.bytes, s.index(shape.packing.taps));
    return {s.address(prefetch.pointer, s.i8(), s.mul(tap, share)), share};
  }

  /// Of a row of the block: the first element of its window in the source that is read.
  Value firstElement(Block block, Value row) {
    if (shape.isFlat)
      return s.mul(isInPlace(root, shape, config) ? s.add(block.firstRow, row) : row, s.index(shape.packing.depth()));
    const WindowShape &window = shape.window.window;
    Value y = s.mul(s.divU(row, out.width), s.index(window.stride[0])),
          x = s.mul(s.remU(row, out.width), s.index(window.stride[1]));
    return s.mul(s.add(s.mul(y, lineWidth), x), s.index(shape.window.channels));
  }

  //===- weights -===//

  void widenPanel(Value packed, Block block, Value panel) {
    TileShape tile = config.tile;
    auto bytes = VectorType::get({2 * tile.lanes}, s.i8()), wide = VectorType::get({2 * tile.lanes}, s.integerType(16));
    Values zero;
    if (config.hasWeightsZero) {
      fillZeros(block, panel);
      for (int v = 0; v < tile.vectors; ++v)
        zero.push_back(s.b.create<LLVM::LoadOp>(s.loc, wide, s.address(zeros, wide, s.index(v)), 4));
    }
    int64_t steps = shape.packing.taps * shape.packing.steps();
    s.loop(s.index(0), s.index(steps), [&](Value step) {
      for (int v = 0; v < tile.vectors; ++v) {
        Value number = s.add(s.mul(step, s.index(tile.vectors)), s.index(v));
        Value loaded = s.b.create<LLVM::LoadOp>(s.loc, bytes, s.address(packed, bytes, number), 2);
        Value widened = widenBytes(s, loaded, root.hasUnsignedWeights());
        if (config.hasWeightsZero)
          widened = s.sub(widened, zero[v]);
        s.b.create<LLVM::StoreOp>(s.loc, widened, s.address(words, wide, number), 4);
      }
    });
    if (config.hasWeightsZero && shape.packing.depth() % 2 != 0)
      clearPadding();
  }

  /// Padding of an odd depth is 0, which isn't the zero point: the last step of each tap has only its first element.
  void clearPadding() {
    int64_t steps = shape.packing.steps(), nr = config.tile.columns();
    s.loop(s.index(0), s.index(shape.packing.taps), [&](Value tap) {
      Value last = s.add(s.mul(tap, s.index(steps)), s.index(steps - 1));
      s.loop(s.index(0), s.index(nr), [&](Value j) {
        Value pair = s.add(s.mul(last, s.index(nr)), j);
        Value low = s.andI(s.loadRaw(words, s.i32(), pair), s.integer(0xffff, s.i32()));
        s.storeRaw(low, words, pair);
      });
    });
  }

  /// Zero points of the panel's columns as pairs of i16.
  void fillZeros(Block block, Value panel) {
    int64_t nr = config.tile.columns();
    s.loop(s.index(0), s.index(nr), [&](Value j) {
      Value inGroup = s.minS(s.add(s.mul(panel, s.index(nr)), j), s.index(shape.packing.columns - 1));
      Value column = s.add(s.mul(block.group, s.index(shape.packing.columns)), inGroup);
      Value zero = broadcastElement(s, root.weightsZero, zeroIndices(column));
      Value word = root.hasUnsignedWeights() ? s.resizeU(zero, s.i32()) : s.resizeS(zero, s.i32());
      Value low = s.andI(word, s.integer(0xffff, s.i32()));
      s.storeRaw(s.orI(low, s.shl(word, s.integer(16, s.i32()))), zeros, j);
    });
  }

  /// Indices of a column's zero point.
  Indices zeroIndices(Value column) {
    int64_t rank = tensorType(root.weightsZero).getRank();
    auto matmul = dyn_cast<nn::MatmulOp>(root.op);
    if (!matmul || rank < 2)
      return Indices(rank, column);
    Indices indices(rank, s.index(0));
    indices[rank - (matmul.getTransRhs() ? 2 : 1)] = column;
    return indices;
  }

  EmitContext &s;
  IntegerRoot root;
  IntegerConfig config;
  IntegerShape shape;
  IntegerScratch scratch;
  TileEpilogue epilogue;
  IntegerSource source;
  Value words, zeros, lineWidth;
  MatrixUnit unit;
  PictureSize in, out;
};
} // namespace

LogicalResult emitIntegerProduct(EmitContext &context) {
  IntegerEmission(context, IntegerRoot::of(regionOperations(context))).run();
  return success();
}

} // namespace lathe::x86
