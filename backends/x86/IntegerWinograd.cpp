// Channels-last 3 x 3 convolutions of 8-bit integers, stride 1, by exact minimal filtering F(4 x 4, 3 x 3) (IntegerFilter.h): kind
// `integer_winograd`. A quarter of the multiplications, and the same sums to the last bit.
//
//   task (image, rows of tiles, column block):
//     copy the input lines to scratch memory with pads, as i16 minus the zero point           IntegerSource.h
//     V[point][tile][channel] = B^T d B                                                       i16
//     for panel in column block:
//       U[point][step][NR][2] = G g G^T of the packed bytes                                   i16; in the file they would be 8 times as large
//       for 6 tiles:  for point: M[point] = V * U  (IntegerTile.h);   A^T M A -> epilogue
#include "backends/x86/IntegerWinograd.h"
#include "backends/x86/IntegerFilter.h"
#include "backends/x86/IntegerPlan.h"
#include "backends/x86/Tasks.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr StringLiteral kKind = "integer_winograd";
constexpr int64_t kPoints = kFilterPoints * kFilterPoints, kTaps = kFilterTaps * kFilterTaps;
constexpr int64_t kLanes = 16; // i16 in a transform's vector
/// Bytes between what belongs to two points: at distances of powers of two all points would share a few sets of the cache.
constexpr int64_t kApart = 64;

/// `tiles`: at most of a task, where each of its rows counts as one tile longer; it has whole rows, one at least. `rowBlocks`: parts
/// of the rows of tiles if they are known, else 0; `columnBlocks`: of the panels.
struct FilteringConfig {
  TileShape tile;
  int64_t tiles, rowBlocks, columnBlocks;
};

DictionaryAttr toAttribute(const FilteringConfig &config, MLIRContext *context) {
  Builder b(context);
  return b.getDictionaryAttr(
      {config.tile.toAttribute(context),
       b.getNamedAttr("blocking", b.getDenseI64ArrayAttr({config.tiles, config.rowBlocks, config.columnBlocks}))});
}

FilteringConfig configOf(DictionaryAttr attrs) {
  auto blocking = attrs.getAs<DenseI64ArrayAttr>("blocking").asArrayRef();
  return {TileShape::of(attrs), blocking[0], blocking[1], blocking[2]};
}

struct FilteringShape {
  AffineExpr height, width;  // of the result
  int64_t channels, columns; // of the input; of the result
  AffineExpr tilesX() const { return width.ceilDiv(kFilterOutputs); }
  AffineExpr tilesY() const { return height.ceilDiv(kFilterOutputs); }
  /// The most rows of tiles of a task.
  AffineExpr tileRows(const FilteringConfig &config) const {
    return simplifyDim(dimConstant(width.getContext(), config.tiles).ceilDiv(tilesX() + 1));
  }
  AffineExpr blocks(const FilteringConfig &config) const {
    return config.rowBlocks ? dimConstant(width.getContext(), config.rowBlocks)
                            : simplifyDim(evenCount(tilesY().ceilDiv(tileRows(config))));
  }
  /// Input lines of so many rows of tiles, and pixels of a line.
  static AffineExpr lines(AffineExpr tileRows) { return tileRows * kFilterOutputs + (kFilterTaps - 1); }
  AffineExpr lineWidth() const { return simplifyDim(tilesX() * kFilterOutputs + (kFilterTaps - 1)); }

  static FilteringShape of(nn::ConvOp op) {
    DimExprs out = dimExprs(tensorType(op.getOutput()));
    ArrayRef<int64_t> filter = tensorType(op.getFilter()).getShape();
    return {out[1], out[2], filter[1], filter[0]};
  }
  IntegerPacking packing(int64_t nr) const {
    IntegerPacking packing;
    packing.columns = columns, packing.taps = kTaps, packing.elements = channels, packing.nr = nr;
    packing.columnStride = kTaps * channels, packing.tapStride = 1, packing.elementStride = kTaps;
    return packing;
  }
};

/// Bytes of the parts of a task's scratch memory.
struct FilteringScratch {
  AffineExpr lines, patches;
  int64_t filters, products;
  FilteringScratch(const FilteringShape &shape, const FilteringConfig &config) {
    constexpr int64_t align = 64;
    AffineExpr rows = shape.tileRows(config);
    int64_t nr = config.tile.columns();
    auto aligned = [](AffineExpr bytes) { return simplifyDim(bytes.ceilDiv(align) * align); };
    lines = aligned(FilteringShape::lines(rows) * shape.lineWidth() * (2 * shape.channels));
    patches = aligned(rows * shape.tilesX() * (2 * kPoints * shape.channels) + kPoints * kApart);
    filters = kPoints * (4 * shape.packing(nr).steps() * nr + kApart);
    products = 4 * kPoints * config.tile.rows * nr;
  }
  AffineExpr total() const { return simplifyDim(lines + patches + (filters + products)); }
};

class FilteringEmission {
public:
  FilteringEmission(EmitContext &context, const IntegerRoot &root)
      : s(context), root(root), config(configOf(context.kernel.getConfig())),
        shape(FilteringShape::of(cast<nn::ConvOp>(root.op))), packing(shape.packing(config.tile.columns())),
        sizes(shape, config), epilogue(context, root.op, root.bias, outputTile()),
        source(context, false, root.hasUnsignedSource(), sourceZero(), s.scratch),
        patches(s.address(s.scratch, s.i8(), s.dim(sizes.lines))),
        filters(s.address(patches, s.i8(), s.dim(sizes.patches))),
        products(s.address(filters, s.i8(), s.index(sizes.filters))),
        results(s.b.create<LLVM::AllocaOp>(s.loc, s.ptr(), s.i32(),
                                           s.index(kFilterOutputs * kFilterOutputs * config.tile.columns()), 64)),
        workspace(s.b.create<LLVM::AllocaOp>(s.loc, s.ptr(), s.i32(), s.index(kPoints * config.tile.lanes), 64)) {
    window.window = *windowOf(cast<nn::ConvOp>(root.op));
    window.channels = shape.channels;
  }

  void run() {
    Value images = s.dimOf(root.source, 0), blocks = s.dim(shape.blocks(config)), groups = s.index(config.columnBlocks);
    Value tilesY = s.dim(simplifyDim(shape.tilesY())), tilesX = s.dim(simplifyDim(shape.tilesX()));
    s.loop(s.taskBegin, s.taskEnd, [&](Value task) {
      Indices position = s.delinearize(task, {images, blocks, groups});
      TaskPart rows = partOf(s, tilesY, blocks, position[1]);
      Block block{position[0], rows.first, s.mul(rows.count, tilesX)};
      transformPatches(block, rows.count);
      TaskPart panels = partOf(s, s.index(packing.panels()), groups, position[2]);
      s.loop(panels.first, s.add(panels.first, panels.count), [&](Value panel) { multiplyPanel(block, panel); });
    });
  }

private:
  /// Rows of tiles from `firstRow` on.
  struct Block {
    Value image, firstRow, tiles;
  };

  Value input(Value operand) { return s.inputs[cast<BlockArgument>(operand).getArgNumber()]; }
  TileShape outputTile() const { return {kFilterOutputs, config.tile.vectors, config.tile.lanes}; }
  VectorType words() { return VectorType::get({kLanes}, s.integerType(16)); }
  VectorType sums() { return VectorType::get({config.tile.lanes}, s.i32()); }
  Value load(Type type, Value base, Value bytes) {
    return s.b.create<LLVM::LoadOp>(s.loc, type, s.address(base, s.i8(), bytes), 2);
  }
  void store(Value vector, Value base, Value bytes) {
    s.b.create<LLVM::StoreOp>(s.loc, vector, s.address(base, s.i8(), bytes), 2);
  }
  Value sourceZero() {
    if (!root.sourceZero)
      return {};
    return s.elementAt(root.sourceZero, Indices(tensorType(root.sourceZero).getRank(), s.index(0)));
  }

  /// transform * X * transform^T; columns first, through memory, since they are more than registers.
  void twoSided(llvm::function_ref<Values(Scalar &, ArrayRef<Value>)> transform, int rows, int columns,
                llvm::function_ref<Value(int, int)> get, llvm::function_ref<void(int, int, Value)> put) {
    Type type;
    auto slot = [&](int y, int x) { return s.index((int64_t(y) * columns + x) * config.tile.lanes * 4); };
    int count = 0;
    for (int x = 0; x < columns; ++x) {
      Values column;
      for (int y = 0; y < rows; ++y)
        column.push_back(get(y, x));
      type = column.front().getType();
      Values made = transform(s, column);
      count = int(made.size());
      for (auto [y, value] : llvm::enumerate(made))
        store(value, workspace, slot(int(y), x));
    }
    for (int y = 0; y < count; ++y) {
      Values row;
      for (int x = 0; x < columns; ++x)
        row.push_back(load(type, workspace, slot(y, x)));
      for (auto [x, value] : llvm::enumerate(transform(s, row)))
        put(y, int(x), value);
    }
  }

  //===- patches -===//

  void transformPatches(Block block, Value rows) {
    PictureSize in = PictureSize::of(s, root.source);
    Value picture =
        s.address(input(root.source), s.i8(), s.mul(block.image, s.mul(s.mul(in.height, in.width), in.channels)));
    Value lines = s.add(s.mul(rows, s.index(kFilterOutputs)), s.index(kFilterTaps - 1));
    Value lineWidth = s.dim(shape.lineWidth()), tilesX = s.dim(shape.tilesX()), outputs = s.index(kFilterOutputs),
          depth = s.index(shape.channels);
    source.copyLines(window, picture, in, lineWidth, s.mul(block.firstRow, outputs), lines);
    s.loop(s.index(0), block.tiles, [&](Value tile) {
      Value y = s.mul(s.divU(tile, tilesX), outputs), x = s.mul(s.remU(tile, tilesX), outputs);
      Value first = s.mul(s.add(s.mul(y, lineWidth), x), depth);
      s.loop(s.index(0), depth, s.index(kLanes), [&](Value channel) {
        Value from = s.address(s.scratch, s.i8(), s.mul(s.add(first, channel), s.index(2)));
        Value to = s.address(patches, s.i8(), s.mul(s.add(s.mul(tile, depth), channel), s.index(2)));
        twoSided(
            transformPatch, kFilterPoints, kFilterPoints,
            [&](int py, int px) {
              Value line = s.address(from, s.i8(), s.dim(simplifyDim(shape.lineWidth() * (py * shape.channels * 2))));
              return load(words(), line, s.index(px * shape.channels * 2));
            },
            [&](int py, int px, Value value) {
              store(value, to, s.mul(s.index(py * kFilterPoints + px), patchBytes(block)));
            });
      });
    });
  }

  /// From one point's patches to the next's.
  Value patchBytes(Block block) { return s.add(s.mul(block.tiles, s.index(2 * shape.channels)), s.index(kApart)); }

  //===- filters -===//

  /// Bytes from one point's filters of a panel to the next's.
  int64_t pointBytes() const { return packing.steps() * packing.nr * 4 + kApart; }

  void transformFilters(Value panel) {
    Value packed = s.address(input(root.weights), s.i8(), s.mul(panel, s.index(packing.panelBytes())));
    int64_t tapBytes = packing.steps() * packing.nr * 2, pairs = packing.nr * 2;
    auto bytes = VectorType::get({kLanes}, s.i8());
    s.loop(s.index(0), s.index(packing.steps() * pairs), s.index(kLanes), [&](Value element) {
      twoSided(
          transformFilter, kFilterTaps, kFilterTaps,
          [&](int y, int x) {
            Value at = s.add(element, s.index((y * kFilterTaps + x) * tapBytes));
            return widenBytes(s, load(bytes, packed, at), root.hasUnsignedWeights());
          },
          [&](int y, int x, Value value) {
            store(value, filters, s.add(s.mul(element, s.index(2)), s.index((y * kFilterPoints + x) * pointBytes())));
          });
    });
  }

  //===- products -===//

  void multiplyPanel(Block block, Value panel) {
    transformFilters(panel);
    forRowTiles(s, config.tile, s.index(0), block.tiles, [&](TileShape tile, Value first) {
      s.loop(s.index(0), s.index(kPoints), [&](Value point) { multiplyPoint(block, tile, first, point); });
      Value count = s.minS(s.index(tile.rows), s.sub(block.tiles, first));
      s.loop(s.index(0), count, [&](Value t) { finishTile(block, tile, s.add(first, t), t, panel); });
    });
  }

  void multiplyPoint(Block block, TileShape tile, Value first, Value point) {
    Value rowBytes = s.index(2 * shape.channels), last = s.sub(block.tiles, s.index(1));
    Value slab = s.address(patches, s.i8(), s.mul(point, patchBytes(block)));
    Values pointers;
    for (int r = 0; r < tile.rows; ++r)
      pointers.push_back(s.address(slab, s.i8(), s.mul(s.minS(s.add(first, s.index(r)), last), rowBytes)));
    IntegerPanel weights{PanelForm::words, s.address(filters, s.i8(), s.mul(point, s.index(pointBytes()))),
                         s.index(packing.steps())};
    Accumulators acc = integerProduct(s, tile, zeroIntegerTile(s, tile), pointers, weights, {});
    Value nr = s.index(packing.nr);
    storeTile(s, tile, acc, s.address(products, s.i32(), s.mul(s.mul(point, s.index(tile.rows)), nr)), nr);
  }

  /// Tile number `t` of the last products.
  void finishTile(Block block, TileShape tile, Value number, Value t, Value panel) {
    TileShape outputs = outputTile();
    int64_t vectorBytes = 4 * tile.lanes, rowBytes = 4 * packing.nr;
    for (int v = 0; v < tile.vectors; ++v)
      twoSided(
          transformProducts, kFilterPoints, kFilterPoints,
          [&](int y, int x) {
            int64_t point = y * kFilterPoints + x;
            Value at = s.add(s.mul(t, s.index(rowBytes)), s.index(point * tile.rows * rowBytes + v * vectorBytes));
            return load(sums(), products, at);
          },
          [&](int y, int x, Value value) {
            store(divideExactly(s, value), results, s.index((y * kFilterOutputs + x) * rowBytes + v * vectorBytes));
          });
    Value tilesX = s.dim(shape.tilesX()), height = s.dim(shape.height), width = s.dim(shape.width);
    Value y = s.mul(s.add(block.firstRow, s.divU(number, tilesX)), s.index(kFilterOutputs));
    Value x = s.mul(s.remU(number, tilesX), s.index(kFilterOutputs));
    Value rows = s.minS(s.index(kFilterOutputs), s.sub(height, y));
    Value pixels = s.minS(s.index(kFilterOutputs), s.sub(width, x));
    Value column = s.mul(panel, s.index(packing.nr)),
          columns = s.minS(s.index(packing.nr), s.sub(s.index(shape.columns), column));
    s.loop(s.index(0), rows, [&](Value line) {
      Accumulators acc;
      for (int r = 0; r < outputs.rows; ++r)
        for (int v = 0; v < outputs.vectors; ++v)
          acc.push_back(
              load(sums(), results,
                   s.add(s.mul(line, s.index(kFilterOutputs * rowBytes)), s.index(r * rowBytes + v * vectorBytes))));
      Value outLine = s.add(s.mul(block.image, height), s.add(y, line));
      epilogue.store(acc, s.add(s.mul(outLine, width), x), column, pixels, columns);
    });
  }

  EmitContext &s;
  IntegerRoot root;
  FilteringConfig config;
  FilteringShape shape;
  IntegerPacking packing;
  FilteringScratch sizes;
  IntegerWindow window;
  TileEpilogue epilogue;
  IntegerSource source;
  Value patches, filters, products; // scratch
  Value results, workspace;         // stack
};

//===- planning -===//

/// The largest sum of a column's positive or negative weights: what the weights are if they are known, else what their type allows.
int64_t largestColumn(Operation *op, const IntegerRoot &root, const FilteringShape &shape) {
  int64_t perColumn = kTaps * shape.channels;
  auto values = constantWeights(op, root);
  if (!values)
    return perColumn * (root.hasUnsignedWeights() ? 255 : 128);
  const int8_t *weight = values->data<int8_t>();
  int64_t largest = 0;
  for (int64_t column = 0; column < shape.columns; ++column) {
    int64_t positive = 0, negative = 0;
    for (int64_t i = 0; i < perColumn; ++i, ++weight) {
      int value = root.hasUnsignedWeights() ? int(uint8_t(*weight)) : int(*weight);
      (value > 0 ? positive : negative) += value;
    }
    largest = std::max({largest, positive, -negative});
  }
  return largest;
}

/// Is each sum small enough? Differences from the zero point lie in [-z, 255 - z] for some z, and for each z a sum is between those of
/// z = 0 and z = 255: all positive or all negative weights times 255.
bool areSumsSmall(Operation *op, const IntegerRoot &root, const FilteringShape &shape) {
  return largestColumn(op, root, shape) * 255 < kFilterLimit;
}

bool isEligible(nn::ConvOp op) {
  RankedTensorType out = tensorType(op.getOutput()), filter = tensorType(op.getFilter());
  auto isAll = [](ArrayRef<int64_t> values, int64_t value) {
    return llvm::all_of(values, [=](int64_t v) { return v == value; });
  };
  return op.getChannelsLast() && op.getGroup() == 1 && out.getRank() == 4 && filter.hasStaticShape() &&
         isAll(filter.getShape().drop_front(2), kFilterTaps) && isAll(op.getStrides(), 1) &&
         isAll(op.getDilations(), 1) && llvm::none_of(op.getPads(), [](int64_t pad) { return pad < 0; }) &&
         filter.getDimSize(1) % kLanes == 0 && filter.getDimSize(0) > 0 && filter.getDimSize(1) > 0;
}

/// Tiles of a picture; what is not known is guessed.
struct Tiles {
  int64_t height, width; // of the picture
  Tiles(const FilteringShape &shape, ArrayRef<int64_t> symbols)
      : height(evaluateDim(shape.height, symbols).value_or(kGuess)),
        width(evaluateDim(shape.width, symbols).value_or(kGuess)) {}
  int64_t x() const { return llvm::divideCeil(width, kFilterOutputs); }
  int64_t y() const { return llvm::divideCeil(height, kFilterOutputs); }
  int64_t rows(const FilteringConfig &config) const { return llvm::divideCeil(config.tiles, x() + 1); }
  static constexpr int64_t kGuess = 56;
};

/// Cycles per vector of columns that a picture takes, directly and in this way.
struct FilteringCost {
  double direct, filtered;
  FilteringCost(const FilteringShape &shape, const Tiles &picture, const FilteringConfig &config) {
    constexpr double perCycle = 3.2, patch = 90, output = 80,
                     filter = 37; // measured on Zen 4; vector operations per cycle
    double tiles = double(picture.x() * picture.y()), channels = double(shape.channels);
    direct = double(picture.height * picture.width) * kTaps * channels / perCycle;
    double blocks = double(llvm::divideCeil(picture.y(), picture.rows(config)));
    double vectors = double(llvm::divideCeil(shape.packing(config.tile.columns()).panels(), config.columnBlocks) *
                            config.tile.vectors);
    filtered = tiles * (kPoints * channels / perCycle + output + patch * channels / kLanes / vectors) +
               blocks * filter * channels / 2;
  }
};

/// Patches in a third of L2; columns are shared by tasks before rows of tiles, since filters are transformed by each.
FilteringConfig chooseConfig(const FilteringShape &shape, const Tiles &picture, const Target &target) {
  constexpr int64_t enoughTasks = 8, fewestColumns = 64;
  int lanes = target.vectorBits() / 32;
  TileShape tile{6, shape.columns > lanes ? 2 : 1, lanes};
  int64_t tilesY = std::max<int64_t>(picture.y(), 1), tilesX = std::max<int64_t>(picture.x(), 1);
  int64_t rowBytes = 2 * kPoints * tilesX * shape.channels;
  int64_t tileRows = std::clamp<int64_t>(target.l2Bytes / 3 / rowBytes, 1, tilesY);
  int64_t most = std::max<int64_t>(shape.columns / fewestColumns, 1), fewest = llvm::divideCeil(tilesY, tileRows);
  int64_t blocks = evenParts(tilesY, fewest, {fewest, tilesY}, most);
  bool isKnown = constantDim(simplifyDim(shape.tilesY())) && constantDim(simplifyDim(shape.tilesX()));
  int64_t groups = std::clamp<int64_t>(llvm::divideCeil(enoughTasks, blocks), 1, most);
  int64_t tiles = int64_t(llvm::divideCeil(tilesY, blocks)) * (tilesX + 1);
  int64_t panels = shape.packing(tile.columns()).panels();
  return {tile, tiles, isKnown ? blocks : 0, evenParts(panels, groups, {1, most}, blocks)};
}
} // namespace

std::optional<double> filteredPart(nn::ConvOp op, ArrayRef<int64_t> symbols, const Target &target, double directPart) {
  // Processors with dot products of bytes sum four of them at once, but no i16.
  if (hasDotProducts(target) || !isEligible(op))
    return std::nullopt;
  FilteringShape shape = FilteringShape::of(op);
  const Tiles guessed(shape, {}), actual(shape, symbols);
  const FilteringConfig config = chooseConfig(shape, guessed, target);
  constexpr double worthwhile = 0.85;
  FilteringCost cost(shape, guessed, config);
  if (cost.filtered > worthwhile * directPart * cost.direct)
    return std::nullopt;
  FilteringCost result(shape, actual, config);
  return result.filtered / std::max(result.direct, 1.0);
}

std::optional<KernelPlan> planIntegerWinograd(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  IntegerRoot root = integerRootOf(op, isConstant, target);
  auto conv = dyn_cast_or_null<nn::ConvOp>(root.op);
  if (!conv || !isEligible(conv) || hasNonZero(root.weightsZero))
    return std::nullopt;
  FilteringShape shape = FilteringShape::of(conv);
  if (!areSumsSmall(op, root, shape))
    return std::nullopt;
  auto chained = ChainedTime::of(op, root, *IntegerShape::of(root), target);
  if (!filteredPart(conv, {}, target, chained ? std::min(chained->part, 1.0) : 1))
    return std::nullopt;
  FilteringConfig config = chooseConfig(shape, Tiles(shape, {}), target);
  MLIRContext *context = op->getContext();
  IntegerPacking packing = shape.packing(config.tile.columns());
  KernelPlan plan = makePlan(op, kKind);
  plan.name = contractionName("winograd_f4", bodyOperations(op), conv, config.tile);
  plan.config = toAttribute(config, context);
  plan.packing[*inputIndex(op, root.weights)] = packing.toAttribute(context, kKind);
  AffineExpr images = dimExprs(tensorType(conv.getOutput())).front();
  plan.tasks = simplifyDim(images * shape.blocks(config) * config.columnBlocks);
  plan.scratchBytes = FilteringScratch(shape, config).total();
  return plan;
}

LogicalResult emitIntegerWinograd(EmitContext &context) {
  FilteringEmission(context, IntegerRoot::of(regionOperations(context))).run();
  return success();
}

} // namespace lathe::x86
