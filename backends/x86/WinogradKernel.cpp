// Channels-last convolutions of stride 1 by minimal filtering (WinogradTransform.h): kind `winograd`.
//
//   tiles = my x mx blocks of output pixels of all images; points = (my + ry - 1) * (mx + rx - 1)
//   task (column group, tile block):
//     for tile in block:   V[point][tile][channel] = B^T d B            (d: patch of the picture, zeros outside)
//     for panel in group:
//       for point:         M[point][tile][NR] = V[point] * U[panel][point]     (register tiles, as in every contraction)
//       for tile in block: A^T M A -> epilogue, an output row of the tile at a time
//
// V of a block stays in L2; the transformed filters U are read in order, once per block.
#include "backends/x86/WinogradKernel.h"
#include "backends/x86/Contraction.h"
#include "backends/x86/Window.h"
#include "backends/x86/WinogradTransform.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr StringLiteral kKind = "winograd";

struct WinogradConfig {
  TileShape tile;        // of the products: rows are tiles of the picture
  int64_t outputs[2];    // of a tile of the picture, y and x
  int64_t tiles, panels; // of a block, of a group

  DictionaryAttr toAttribute(MLIRContext *context) const {
    Builder b(context);
    return b.getDictionaryAttr({tile.toAttribute(context),
                                b.getNamedAttr("outputs", b.getDenseI64ArrayAttr({outputs[0], outputs[1]})),
                                b.getNamedAttr("blocking", b.getDenseI64ArrayAttr({tiles, panels}))});
  }
  static WinogradConfig of(DictionaryAttr attrs) {
    auto outputs = attrs.getAs<DenseI64ArrayAttr>("outputs").asArrayRef();
    auto blocking = attrs.getAs<DenseI64ArrayAttr>("blocking").asArrayRef();
    return {TileShape::of(attrs), {outputs[0], outputs[1]}, blocking[0], blocking[1]};
  }
};

/// Bytes of the parts of a thread's scratch.
struct WinogradScratch {
  int64_t zeros, table, patches, products;

  WinogradScratch(const WinogradConfig &config, int64_t depth, int64_t points) {
    zeros = llvm::alignTo(depth * 4, 64);
    table = llvm::alignTo(config.tiles * points * 8, 64);
    patches = points * config.tiles * depth * 4;
    products = points * llvm::alignTo(config.tiles, config.tile.rows) * config.tile.columns() * 4;
  }
  int64_t total() const { return zeros + table + patches + products; }
};

class WinogradEmission {
public:
  WinogradEmission(EmitContext &context, nn::ConvOp op)
      : s(context), op(op), config(WinogradConfig::of(context.kernel.getConfig())),
        packing(WinogradPacking::of(
            cast<DictionaryAttr>(context.kernel.getPacking()[cast<BlockArgument>(op.getFilter()).getArgNumber()]))),
        transformY(packing.transform(0)), transformX(packing.transform(1)), window(*windowOf(op)),
        epilogue(context, op, op.getBias(), outputTile()), in(PictureSize::of(context, op.getInput())),
        out(PictureSize::of(context, op.getOutput())) {
    WinogradScratch sizes(config, packing.depth, points());
    zeros = s.scratch;
    table = s.address(zeros, s.i8(), s.index(sizes.zeros));
    patches = s.address(table, s.i8(), s.index(sizes.table));
    products = s.address(patches, s.i8(), s.index(sizes.patches));
    workspace = stackVectors(points());
    results = stackVectors(config.outputs[0] * config.outputs[1] * config.tile.vectors);
    tilesX = s.ceilDiv(out.width, s.index(config.outputs[1]));
    tilesY = s.ceilDiv(out.height, s.index(config.outputs[0]));
    tiles = s.mul(out.images, s.mul(tilesY, tilesX));
  }

  void run() {
    s.loop(s.index(0), s.index(packing.depth), [&](Value i) { s.storeRaw(s.real(0, s.f32()), zeros, i); });
    Value blocks = s.ceilDiv(tiles, s.index(config.tiles));
    int64_t groups = llvm::divideCeil(packing.panels(), config.panels);
    s.loop(s.taskBegin, s.taskEnd, [&](Value task) {
      Indices position = s.delinearize(task, {s.index(groups), blocks});
      Value first = s.mul(position[1], s.index(config.tiles));
      Value count = s.minS(s.index(config.tiles), s.sub(tiles, first));
      Value panelBegin = s.mul(position[0], s.index(config.panels));
      Value panelEnd = s.minS(s.index(packing.panels()), s.add(panelBegin, s.index(config.panels)));
      fillTable(first, count);
      transformPatches(count);
      s.loop(panelBegin, panelEnd, [&](Value panel) {
        multiplyPanel(panel, count);
        transformProducts(panel, first, count);
      });
    });
  }

private:
  Value input(Value operand) { return s.inputs[cast<BlockArgument>(operand).getArgNumber()]; }
  int64_t points() const { return packing.products(); }
  VectorType vectorType() { return config.tile.vectorType(s.b.getContext()); }
  TileShape outputTile() const { return {int(config.outputs[1]), config.tile.vectors, config.tile.lanes}; }
  Value stackVectors(int64_t count) {
    return s.b.create<LLVM::AllocaOp>(s.loc, s.ptr(), s.f32(), s.index(count * config.tile.lanes), 64);
  }
  Value loadVector(Value base, Value offset) {
    return s.b.create<LLVM::LoadOp>(s.loc, vectorType(), s.address(base, s.f32(), offset), 4);
  }
  void storeVector(Value vector, Value base, Value offset) {
    s.b.create<LLVM::StoreOp>(s.loc, vector, s.address(base, s.f32(), offset), 4);
  }
  /// Element `number` of an array of vectors on the stack.
  Value slot(int64_t number) { return s.index(number * config.tile.lanes); }

  /// Image, row and column of tile number `tile`, the latter two in output pixels.
  Indices placeOf(Value tile) {
    Indices position = s.delinearize(tile, {out.images, tilesY, tilesX});
    return {position[0], s.mul(position[1], s.index(config.outputs[0])),
            s.mul(position[2], s.index(config.outputs[1]))};
  }

  /// table[tile][point] = address of the pixel's channels, or of zeros.
  void fillTable(Value first, Value count) {
    Value pointsY = s.index(packing.points(0)), pointsX = s.index(packing.points(1));
    s.loop(s.index(0), count, [&](Value t) {
      Indices place = placeOf(s.add(first, t));
      Value imageElements = s.mul(s.mul(in.height, in.width), in.channels);
      Value picture = s.address(input(op.getInput()), s.f32(), s.mul(place[0], imageElements));
      s.loop(s.index(0), pointsY, [&](Value py) {
        Value y = s.sub(s.add(place[1], py), s.index(window.padBegin[0])), isInsideY = isInside(y, in.height);
        s.loop(s.index(0), pointsX, [&](Value px) {
          Value x = s.sub(s.add(place[2], px), s.index(window.padBegin[1]));
          Value pixel = s.address(picture, s.f32(), s.mul(s.add(s.mul(y, in.width), x), in.channels));
          Value number = s.add(s.mul(t, s.index(points())), s.add(s.mul(py, pointsX), px));
          s.storeRaw(s.select(s.andI(isInsideY, isInside(x, in.width)), pixel, zeros), table, number);
        });
      });
    });
  }
  Value isInside(Value position, Value size) { return s.cmp(arith::CmpIPredicate::ult, position, size); }

  void transformPatches(Value count) {
    Value depth = s.index(packing.depth);
    Value pointStride = s.mul(count, depth);
    s.loop(s.index(0), count, [&](Value t) {
      Value pixels = s.address(table, s.ptr(), s.mul(t, s.index(points())));
      s.loop(s.index(0), depth, s.index(config.tile.lanes), [&](Value channel) {
        Value to = s.add(s.mul(t, depth), channel);
        twoSided(
            transformY.input, transformX.input,
            [&](int y, int x) { return loadVector(pixelAt(pixels, y, x), channel); },
            [&](int y, int x, Value value) {
              storeVector(value, patches, s.add(s.mul(s.index(y * transformX.points + x), pointStride), to));
            });
      });
    });
  }
  Value pixelAt(Value pixels, int y, int x) {
    return s.loadRaw(pixels, s.ptr(), s.index(y * transformX.points + x), 8);
  }

  /// left * X * right^T for vectors X: columns first, through memory, since they are more than registers.
  void twoSided(const Matrix &left, const Matrix &right, llvm::function_ref<Value(int, int)> load,
                llvm::function_ref<void(int, int, Value)> store) {
    for (int x = 0; x < right.columns; ++x) {
      Values column;
      for (int y = 0; y < left.columns; ++y)
        column.push_back(load(y, x));
      for (auto [y, value] : llvm::enumerate(multiply(s, left, column)))
        storeVector(value, workspace, slot(int64_t(y) * right.columns + x));
    }
    for (int y = 0; y < left.rows; ++y) {
      Values row;
      for (int x = 0; x < right.columns; ++x)
        row.push_back(loadVector(workspace, slot(int64_t(y) * right.columns + x)));
      for (auto [x, value] : llvm::enumerate(multiply(s, right, row)))
        store(y, int(x), value);
    }
  }

  /// products[point][tile][NR]; rows past the last tile repeat it.
  void multiplyPanel(Value panel, Value count) {
    Value depth = s.index(packing.depth), last = s.sub(count, s.index(1));
    Value filters = s.address(input(op.getFilter()), s.f32(), s.mul(panel, s.index(packing.panelElements())));
    s.loop(s.index(0), s.index(points()), [&](Value point) {
      Value slab = s.address(patches, s.f32(), s.mul(point, s.mul(count, depth)));
      Value packed = s.address(filters, s.f32(), s.mul(point, s.index(packing.depth * packing.nr)));
      Value to = s.address(products, s.f32(), s.mul(point, s.index(productRows() * packing.nr)));
      Value slabBytes = s.index(packing.depth * packing.nr * 4);
      PanelPrefetch next(s, s.address(packed, s.b.getI8Type(), slabBytes), slabBytes, count);
      forRowTiles(s, config.tile, s.index(0), count, [&](TileShape tile, Value row) {
        Values pointers;
        for (int r = 0; r < tile.rows; ++r)
          pointers.push_back(s.address(slab, s.f32(), s.mul(s.minS(s.add(row, s.index(r)), last), depth)));
        Accumulators acc = tileProduct(s, tile, zeroTile(s, tile), pointers, packed, depth, {}, next.of(tile, row));
        storeTile(s, tile, acc, s.address(to, s.f32(), s.mul(row, s.index(packing.nr))), s.index(packing.nr));
      });
    });
  }
  int64_t productRows() const { return llvm::alignTo(config.tiles, config.tile.rows); }

  void transformProducts(Value panel, Value first, Value count) {
    TileShape tile = outputTile();
    Value rowElements = s.index(config.outputs[1] * packing.nr);
    Value column = s.mul(panel, s.index(packing.nr));
    Value columns = s.minS(s.index(packing.nr), s.sub(s.index(packing.columns), column));
    s.loop(s.index(0), count, [&](Value t) {
      Indices place = placeOf(s.add(first, t));
      for (int v = 0; v < tile.vectors; ++v)
        twoSided(
            transformY.output, transformX.output,
            [&](int y, int x) { return loadVector(products, productAt(y, x, t, v)); },
            [&](int y, int x, Value value) {
              storeVector(value, results, slot((y * config.outputs[1] + x) * tile.vectors + v));
            });
      Value rows = s.minS(s.index(config.outputs[0]), s.sub(out.height, place[1]));
      Value pixels = s.minS(s.index(config.outputs[1]), s.sub(out.width, place[2]));
      s.loop(s.index(0), rows, [&](Value y) {
        Accumulators acc = loadTile(s, tile, s.address(results, s.f32(), s.mul(y, rowElements)), s.index(packing.nr));
        Value outRow = s.add(s.mul(place[0], out.height), s.add(place[1], y));
        epilogue.store(acc, s.add(s.mul(outRow, out.width), place[2]), column, pixels, columns);
      });
    });
  }
  Value productAt(int y, int x, Value tile, int v) {
    int64_t point = int64_t(y) * transformX.points + x;
    return s.add(s.mul(s.add(s.index(point * productRows()), tile), s.index(packing.nr)),
                 s.index(v * config.tile.lanes));
  }

  EmitContext &s;
  nn::ConvOp op;
  WinogradConfig config;
  WinogradPacking packing;
  WinogradTransform transformY, transformX;
  WindowShape window;
  TileEpilogue epilogue;
  PictureSize in, out;
  Value zeros, table, patches, products; // scratch
  Value workspace, results;              // stack
  Value tilesX, tilesY, tiles;
};

/// Costs, in vector FMAs, of computing a convolution directly and in this way.
class WinogradCost {
public:
  /// `symbols`: values of the function's symbols; empty: what is not known is guessed.
  WinogradCost(nn::ConvOp op, const Target &target, ArrayRef<int64_t> symbols = {})
      : window(*windowOf(op)), target(target) {
    ArrayRef<int64_t> filter = tensorType(op.getFilter()).getShape();
    columns = filter[0];
    depth = filter[1];
    DimExprs out = dimExprs(tensorType(op.getOutput()));
    constexpr int64_t guess = 64;
    images = evaluateDim(out[0], symbols).value_or(1);
    height = out.size() == 3 ? 1 : evaluateDim(out[1], symbols).value_or(guess);
    width = evaluateDim(out[out.size() - 2], symbols).value_or(guess);
  }

  double direct() const {
    double filters = double(window.taps() * depth * columns);
    return double(images * height * width) * filters / lanes() + reading(filters * 4);
  }

  double winograd(const WinogradConfig &config) const {
    constexpr double transformed = 12, transformedBack = 8; // per vector and point, loads and stores included
    double points = double(pointsOf(config)), vectors = 1.0 / lanes(), count = double(tiles(config));
    double rows = double(llvm::alignTo(config.tiles, config.tile.rows)) / config.tiles;
    double blocks = std::ceil(count / config.tiles);
    double groups = std::ceil(std::ceil(double(columns) / config.tile.columns()) / config.panels);
    double perTile =
        points * vectors * (rows * depth * columns + groups * transformed * depth + transformedBack * columns);
    double filters = points * depth * columns * 4, growth = filters - double(window.taps() * depth * columns * 4);
    return perTile * count + blocks * reading(filters) + growth / bytesWorthAnFma;
  }

  int64_t tiles(const WinogradConfig &config) const {
    return images * llvm::divideCeil(height, config.outputs[0]) * llvm::divideCeil(width, config.outputs[1]);
  }
  int64_t pointsOf(const WinogradConfig &config) const {
    return (config.outputs[0] + window.kernel[0] - 1) * (config.outputs[1] + window.kernel[1] - 1);
  }

  WindowShape window;
  int64_t columns, depth;

private:
  int lanes() const { return target.vectorBits() / 32; }
  /// FMAs that could be done while `bytes` are read, beyond what the second-level cache delivers on the side.
  double reading(double bytes) const {
    if (bytes <= target.l2Bytes)
      return 0;
    return bytes <= target.l3Bytes ? bytes / 16 : bytes / 8;
  }
  /// A larger file has to be worth it.
  static constexpr double bytesWorthAnFma = 4;

  const Target &target;
  int64_t images, height, width;
};

/// Blocks whose patches fill half of L2 at most and whose tiles fill the rows of products; enough tasks to share.
/// `tile`: of the products, if not the one that suits them best.
WinogradConfig chooseConfig(const WinogradCost &cost, int64_t outputs, const Target &target,
                            std::optional<TileShape> tile = std::nullopt) {
  WinogradConfig config;
  for (int axis : {0, 1})
    config.outputs[axis] = cost.window.kernel[axis] == 1 ? 1 : outputs;
  int64_t tiles = std::max<int64_t>(cost.tiles(config), 1), points = cost.pointsOf(config);
  config.tile = tile.value_or(chooseTile(target, cost.columns, tiles));
  int64_t most = std::clamp<int64_t>(target.l2Bytes / 2 / (points * cost.depth * 4), config.tile.rows, 64);
  int64_t fewest = llvm::divideCeil(tiles, most), leastRows = INT64_MAX;
  for (int64_t blocks = fewest; blocks <= fewest + 3; ++blocks) {
    int64_t size = llvm::divideCeil(tiles, blocks);
    int64_t rows = int64_t(llvm::alignTo(size, config.tile.rows)) * int64_t(llvm::divideCeil(tiles, size));
    if (rows < leastRows) {
      leastRows = rows;
      config.tiles = size;
    }
  }
  constexpr int64_t enoughTasks = 4;
  int64_t panels = llvm::divideCeil(cost.columns, config.tile.columns());
  int64_t groups = std::min<int64_t>(llvm::divideCeil(enoughTasks, llvm::divideCeil(tiles, config.tiles)), panels);
  config.panels = llvm::divideCeil(panels, groups);
  return config;
}

/// The tile sizes (along axes of more than one tap) that keep errors small: errors along two axes multiply.
SmallVector<int64_t> eligibleOutputs(nn::ConvOp op, const Target &target) {
  auto window = windowOf(op);
  if (!window || op.getGroup() != 1 || window->taps() == 1 ||
      tensorType(op.getFilter()).getDimSize(1) % (target.vectorBits() / 32) != 0)
    return {};
  for (int axis : {0, 1})
    if (window->stride[axis] != 1 || window->dilation[axis] != 1 || window->kernel[axis] % 2 == 0)
      return {};
  int64_t most = std::max(window->kernel[0], window->kernel[1]), least = std::min(window->kernel[0], window->kernel[1]);
  if (most > 5 || (least != 1 && least != most))
    return {};
  return most == 5 && least == 5 ? SmallVector<int64_t>{2} : SmallVector<int64_t>{2, 4};
}

constexpr double kWorthwhile = 0.9; // of the direct way's costs

WinogradConfig cheapestConfig(const WinogradCost &cost, ArrayRef<int64_t> outputs, const Target &target) {
  WinogradConfig config = chooseConfig(cost, outputs.front(), target);
  for (int64_t larger : outputs.drop_front())
    if (WinogradConfig other = chooseConfig(cost, larger, target); cost.winograd(other) < cost.winograd(config))
      config = other;
  return config;
}

/// Plans of one convolution.
class WinogradPlanner {
public:
  /// nullopt: it can't be computed in this way.
  static std::optional<WinogradPlanner> of(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
    auto root = convRootOf(op, isConstant, target);
    if (!root || eligibleOutputs(root->op, target).empty())
      return std::nullopt;
    return WinogradPlanner(op, *root, target);
  }

  /// nullopt: the direct way is expected to be faster.
  std::optional<KernelPlan> chosen() {
    SmallVector<int64_t> outputs = eligibleOutputs(conv, target);
    WinogradConfig config = cheapestConfig(cost, outputs, target);
    return cost.winograd(config) > kWorthwhile * cost.direct() ? std::nullopt : std::optional(plan(config));
  }

  PlanList alternatives() {
    PlanList plans;
    for (int64_t outputs : eligibleOutputs(conv, target)) {
      WinogradConfig model = chooseConfig(cost, outputs, target);
      int64_t tiles = std::max<int64_t>(cost.tiles(model), 1);
      for (TileShape tile : tileChoices(target, cost.columns, tiles))
        plans.push_back(plan(chooseConfig(cost, outputs, target, tile)));
      for (GemmBlocking blocking : blockingChoices({model.tiles, model.panels, 0}, model.tile, tiles, cost.columns)) {
        WinogradConfig other = model;
        other.tiles = std::min(blocking.rows, tiles);
        other.panels = blocking.panels;
        plans.push_back(plan(other));
      }
    }
    return plans;
  }

private:
  WinogradPlanner(Operation *op, ConvRoot root, const Target &target)
      : op(op), conv(root.op), filter(root.filter), target(target), cost(root.op, target) {}

  KernelPlan plan(const WinogradConfig &config) {
    MLIRContext *context = op->getContext();
    WinogradPacking packing{cost.columns,
                            cost.depth,
                            config.tile.columns(),
                            {config.outputs[0], config.outputs[1]},
                            {cost.window.kernel[0], cost.window.kernel[1]}};
    KernelPlan plan = makePlan(op, kKind);
    plan.name = contractionName((kKind + "_f" + Twine(std::max(config.outputs[0], config.outputs[1]))).str(),
                                bodyOperations(op), conv, config.tile);
    plan.config = config.toAttribute(context);
    plan.packing[filter] = packing.toAttribute(context);
    DimExprs out = dimExprs(tensorType(conv.getOutput()));
    AffineExpr tiles = out[0] * out[out.size() - 2].ceilDiv(config.outputs[1]);
    if (out.size() == 4)
      tiles = tiles * out[1].ceilDiv(config.outputs[0]);
    plan.tasks = simplifyDim(tiles.ceilDiv(config.tiles) * int64_t(llvm::divideCeil(packing.panels(), config.panels)));
    plan.scratchBytes = dimConstant(context, WinogradScratch(config, packing.depth, packing.products()).total());
    return plan;
  }

  Operation *op;
  nn::ConvOp conv;
  unsigned filter;
  const Target &target;
  WinogradCost cost;
};
} // namespace

std::optional<double> winogradFmas(nn::ConvOp op, ArrayRef<int64_t> symbols, const Target &target) {
  SmallVector<int64_t> outputs = eligibleOutputs(op, target);
  if (outputs.empty())
    return std::nullopt;
  WinogradCost cost(op, target);
  WinogradConfig config = cheapestConfig(cost, outputs, target);
  if (cost.winograd(config) > kWorthwhile * cost.direct())
    return std::nullopt;
  return WinogradCost(op, target, symbols).winograd(config);
}

std::optional<KernelPlan> planWinograd(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto planner = WinogradPlanner::of(op, isConstant, target);
  return planner ? planner->chosen() : std::nullopt;
}

PlanList winogradAlternatives(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto planner = WinogradPlanner::of(op, isConstant, target);
  return planner ? planner->alternatives() : PlanList();
}

LogicalResult emitWinograd(EmitContext &context) {
  WinogradEmission(context, contractionRoot<nn::ConvOp>(regionOperations(context))).run();
  return success();
}

int64_t winogradPackedBytes(RankedTensorType, DictionaryAttr packing) {
  return WinogradPacking::of(packing).sizeBytes();
}

void packWinograd(const reference::Tensor &value, DictionaryAttr packing, char *out) {
  WinogradPacking::of(packing).pack(value.data<float>(), reinterpret_cast<float *>(out));
}

} // namespace lathe::x86
