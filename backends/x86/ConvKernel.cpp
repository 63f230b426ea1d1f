// Channels-last convolution as an indirect batch-reduce GEMM: kind `conv`.
//
//   rows = output positions of an image, columns = output channels of a group, taps = kernel positions, depth = input channels
//   task (image, group, column block, row block), or rows before columns where the filter stays in L2:
//     table[tile][tap][row] = address of the input element that `tap` of this output position reads; zeros outside the picture
//     for panel in column block:                              filter panel [tap][depth][NR] read in order
//       for tile in row block:  acc = 0;  for tap: acc += A(table) * B;  epilogue(acc)
//
// Dukhan, The Indirect Convolution Algorithm, 2019. Pointwise convolutions need no table: rows are `depth` apart. With few
// channels (pictures), a row of the window is one tap of depth kernel width * channels, since its pixels are contiguous; where it
// reaches past the picture it reads a copy with zeros around.
#include "backends/x86/ConvKernel.h"
#include "backends/x86/Contraction.h"
#include "backends/x86/GemmKernel.h"
#include "backends/x86/Packing.h"
#include "backends/x86/Window.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr StringLiteral kKind = "conv";

struct ConvConfig {
  TileShape tile;
  int64_t rows, panels; // per task
  bool areTapsRows;     // of the window

  DictionaryAttr toAttribute(MLIRContext *context) const {
    Builder b(context);
    return b.getDictionaryAttr({tile.toAttribute(context),
                                b.getNamedAttr("blocking", b.getDenseI64ArrayAttr({rows, panels})),
                                b.getNamedAttr("row_taps", b.getBoolAttr(areTapsRows))});
  }
  static ConvConfig of(DictionaryAttr attrs) {
    auto blocking = attrs.getAs<DenseI64ArrayAttr>("blocking").asArrayRef();
    return {TileShape::of(attrs), blocking[0], blocking[1], attrs.getAs<BoolAttr>("row_taps").getValue()};
  }
};

/// The filter [M, C / group, kernel..] as panels of output channels.
PanelPacking packingOf(nn::ConvOp op, int64_t nr) {
  ArrayRef<int64_t> shape = tensorType(op.getFilter()).getShape();
  PanelPacking packing;
  packing.groups = op.getGroup();
  packing.columns = shape[0] / packing.groups;
  packing.depth = shape[1];
  for (int64_t size : shape.drop_front(2))
    packing.taps *= size;
  packing.nr = nr;
  packing.tapStride = 1;
  packing.depthStride = packing.taps;
  packing.columnStride = packing.taps * packing.depth;
  packing.groupStride = packing.columnStride * packing.columns;
  return packing;
}

/// Do all panels stay in L2 while rows change? Tasks then go through the picture from top to bottom, panels inside, as those of other
/// kernels do: a thread finds in its caches the rows that it has written. Larger filters are read once, for all rows.
bool staysInL2(const PanelPacking &packing, const Target &target) { return packing.sizeBytes() <= target.l2Bytes / 2; }

/// How the table sees a window: taps of contiguous elements.
struct TapShape {
  int64_t taps, depth;
  bool areRows; // of the window, all columns at once

  static bool canBeRows(const WindowShape &window, const PanelPacking &packing) {
    return packing.groups == 1 && window.kernel[1] > 1 && window.dilation[1] == 1;
  }
  static TapShape of(const WindowShape &window, const PanelPacking &packing, bool areRows) {
    int64_t columns = areRows ? window.kernel[1] : 1;
    return {window.taps() / columns, packing.depth * columns, areRows};
  }
  /// Zeros that a tap outside the picture reads, in elements.
  int64_t zeros() const { return llvm::alignTo(depth, 16); }
  /// Scratch memory: zeros, the table, and rows of windows that reach past the picture.
  int64_t scratchBytes(int64_t rows) const {
    return zeros() * 4 + rows * taps * 8 + (areRows ? rows * taps * depth * 4 : 0);
  }
};

/// Output positions of one image.
AffineExpr positionsOf(nn::ConvOp op) {
  DimExprs out = dimExprs(tensorType(op.getOutput()));
  return dimProduct(ArrayRef(out).drop_front().drop_back(), op.getContext());
}

class ConvEmission {
public:
  ConvEmission(EmitContext &context, nn::ConvOp op)
      : s(context), op(op), config(ConvConfig::of(context.kernel.getConfig())), window(*windowOf(op)),
        packing(packingOf(op, config.tile.columns())), shape(TapShape::of(window, packing, config.areTapsRows)),
        epilogue(context, op, op.getBias(), config.tile, packing.columns), in(PictureSize::of(context, op.getInput())),
        out(PictureSize::of(context, op.getOutput())), rows(s.mul(out.height, out.width)) {
    zeros = s.scratch;
    table = s.address(s.scratch, s.f32(), s.index(shape.zeros()));
    copies = s.address(table, s.ptr(), s.index(config.rows * shape.taps));
  }

  void run() {
    Value rowBlocks = s.ceilDiv(rows, s.index(config.rows));
    int64_t columnBlocks = llvm::divideCeil(packing.panels(), config.panels);
    if (!window.isPointwise())
      s.loop(s.index(0), s.index(shape.depth), [&](Value i) { s.storeRaw(s.real(0, s.f32()), zeros, i); });
    s.loop(s.taskBegin, s.taskEnd, [&](Value task) {
      Values sizes{out.images, s.index(packing.groups), s.index(columnBlocks), rowBlocks};
      bool areRowsOuter = staysInL2(packing, s.target);
      if (areRowsOuter)
        std::swap(sizes[2], sizes[3]);
      Indices position = s.delinearize(task, sizes);
      if (areRowsOuter)
        std::swap(position[2], position[3]);
      Value rowBegin = s.mul(position[3], s.index(config.rows));
      Value rowEnd = s.minS(rows, s.add(rowBegin, s.index(config.rows)));
      Value panelBegin = s.mul(position[2], s.index(config.panels));
      Value panelEnd = s.minS(s.index(packing.panels()), s.add(panelBegin, s.index(config.panels)));
      block(position[0], position[1], rowBegin, rowEnd, panelBegin, panelEnd);
    });
  }

private:
  Value input(Value operand) { return s.inputs[cast<BlockArgument>(operand).getArgNumber()]; }

  void block(Value image, Value group, Value rowBegin, Value rowEnd, Value panelBegin, Value panelEnd) {
    Value firstElement =
        s.add(s.mul(image, s.mul(s.mul(in.height, in.width), in.channels)), s.mul(group, s.index(packing.depth)));
    Value picture = s.address(input(op.getInput()), s.f32(), firstElement);
    Value filter =
        s.address(input(op.getFilter()), s.f32(), s.mul(group, s.index(packing.panels() * packing.panelElements())));
    if (!window.isPointwise())
      fillTable(picture, rowBegin, rowEnd);
    s.loop(panelBegin, panelEnd, [&](Value panel) {
      Value packed = s.address(filter, s.f32(), s.mul(panel, s.index(packing.panelElements())));
      PanelPrefetch next(s, s.address(packed, s.f32(), s.index(packing.panelElements())),
                         s.index(packing.panelElements() * 4), s.sub(rowEnd, rowBegin));
      forRowTiles(s, config.tile, rowBegin, rowEnd, [&](TileShape tile, Value row) {
        tileAt(tile, picture, packed, image, group, panel, row, rowBegin, next.of(tile, s.sub(row, rowBegin)));
      });
    });
  }

  void tileAt(TileShape tile, Value picture, Value packed, Value image, Value group, Value panel, Value row,
              Value rowBegin, TilePrefetch prefetch) {
    Value depth = s.index(shape.depth);
    Accumulators acc = zeroTile(s, tile);
    if (window.isPointwise()) {
      Values pointers;
      for (int r = 0; r < tile.rows; ++r)
        pointers.push_back(s.address(picture, s.f32(), s.mul(lastInside(s.add(row, s.index(r))), in.channels)));
      acc = tileProduct(s, tile, acc, pointers, packed, depth, {}, prefetch);
    } else {
      Value first = s.mul(s.sub(row, rowBegin), s.index(shape.taps));
      acc = tapProduct(s, tile, acc, s.address(table, s.ptr(), first), s.index(shape.taps), packed, depth, prefetch,
                       skipsZeros() ? zeros : Value());
    }
    Value column = s.mul(panel, s.index(tile.columns()));
    epilogue.store(acc, s.add(s.mul(image, rows), row), s.add(s.mul(group, s.index(packing.columns)), column),
                   s.minS(s.index(tile.rows), s.sub(rows, row)),
                   s.minS(s.index(tile.columns()), s.sub(s.index(packing.columns), column)));
  }

  /// Are taps left out that lie outside the picture for a whole tile? Dilated windows on small pictures have many of them.
  bool skipsZeros() const {
    constexpr int64_t worthTest = 32;
    return window.hasPadding && !shape.areRows && shape.depth >= worthTest;
  }

  Value lastInside(Value row) { return s.minS(row, s.sub(rows, s.index(1))); }

  /// A tile of R rows that begins at `row` has table[(row - rowBegin) * taps + tap * R + r]; the last tile is filled up.
  void fillTable(Value picture, Value rowBegin, Value rowEnd) {
    forRowTiles(s, config.tile, rowBegin, rowEnd, [&](TileShape tile, Value row) {
      s.loop(s.index(0), s.index(tile.rows), [&](Value r) {
        Value slot = s.add(s.mul(s.sub(row, rowBegin), s.index(shape.taps)), r);
        shape.areRows ? fillWindowRows(picture, lastInside(s.add(row, r)), slot, s.index(tile.rows))
                      : fillRow(picture, lastInside(s.add(row, r)), slot, s.index(tile.rows));
      });
    });
  }

  /// The addresses of the output position `row`, `tileRows` slots apart.
  void fillRow(Value picture, Value row, Value slot, Value tileRows) {
    Value y = s.divS(row, out.width), x = s.remS(row, out.width);
    s.loop(s.index(0), s.index(window.kernel[0]), [&](Value ky) {
      Value inY = source(y, ky, 0), isInsideY = isInside(inY, in.height);
      s.loop(s.index(0), s.index(window.kernel[1]), [&](Value kx) {
        Value inX = source(x, kx, 1);
        Value offset = s.mul(s.add(s.mul(inY, in.width), inX), in.channels);
        Value address =
            s.select(s.andI(isInsideY, isInside(inX, in.width)), s.address(picture, s.f32(), offset), zeros);
        Value tap = s.add(s.mul(ky, s.index(window.kernel[1])), kx);
        s.storeRaw(address, table, s.add(slot, s.mul(tap, tileRows)));
      });
    });
  }

  /// The same by rows of the window.
  void fillWindowRows(Value picture, Value row, Value slot, Value tileRows) {
    Value y = s.divS(row, out.width), x = s.remS(row, out.width);
    Value inX = source(x, s.index(0), 1), last = s.sub(in.width, s.index(window.kernel[1]));
    Value isWhole = s.andI(s.geS(inX, s.index(0)), s.geS(last, inX));
    s.loop(s.index(0), s.index(window.kernel[0]), [&](Value ky) {
      Value inY = source(y, ky, 0), isInsideY = isInside(inY, in.height);
      Value pixels = s.address(picture, s.f32(), s.mul(s.mul(inY, in.width), in.channels));
      Value entry = s.add(slot, s.mul(ky, tileRows));
      Value copy = s.address(copies, s.f32(), s.mul(entry, s.index(shape.depth)));
      Value inside = s.select(isWhole, s.address(pixels, s.f32(), s.mul(inX, in.channels)), copy);
      s.storeRaw(s.select(isInsideY, inside, zeros), table, entry);
      s.when(s.andI(isInsideY, s.notB(isWhole)), [&] { copyWindowRow(pixels, inX, copy); });
    });
  }

  /// Pixels from column inX on, zeros where there are none.
  void copyWindowRow(Value pixels, Value inX, Value copy) {
    s.loop(s.index(0), s.index(window.kernel[1]), [&](Value kx) {
      Value column = s.add(inX, kx);
      Value from = s.select(isInside(column, in.width), s.address(pixels, s.f32(), s.mul(column, in.channels)), zeros);
      s.loop(s.index(0), s.index(packing.depth), [&](Value c) {
        Value to = s.add(s.mul(kx, s.index(packing.depth)), c);
        s.storeRaw(s.loadRaw(from, s.f32(), c), copy, to);
      });
    });
  }

  Value source(Value position, Value tap, int axis) {
    Value begin = s.sub(s.mul(position, s.index(window.stride[axis])), s.index(window.padBegin[axis]));
    return s.add(begin, s.mul(tap, s.index(window.dilation[axis])));
  }
  Value isInside(Value position, Value size) { return s.cmp(arith::CmpIPredicate::ult, position, size); }

  EmitContext &s;
  nn::ConvOp op;
  ConvConfig config;
  WindowShape window;
  PanelPacking packing;
  TapShape shape;
  TileEpilogue epilogue;
  PictureSize in, out;
  Value rows, zeros, table, copies;
};

/// Plans of one convolution.
class ConvPlanner {
public:
  ConvPlanner(Operation *op, ConvRoot root, const Target &target)
      : op(op), conv(root.op), filter(root.filter), target(target), window(*windowOf(conv)),
        positions(positionsOf(conv)), rows(constantDim(positions)), columns(packingOf(conv, 1).columns) {}

  KernelPlan chosen() { return plan(blocked(chooseTile(target, columns, rows), areTapsRows())); }

  PlanList alternatives() {
    PlanList plans;
    for (TileShape tile : tileChoices(target, columns, rows))
      plans.push_back(plan(blocked(tile, areTapsRows())));
    ConvConfig model = blocked(chooseTile(target, columns, rows), areTapsRows());
    for (GemmBlocking blocking : blockingChoices({model.rows, model.panels, 0}, model.tile, *rows, columns))
      plans.push_back(plan({model.tile, blocking.rows, blocking.panels, model.areTapsRows}));
    if (TapShape::canBeRows(window, packingOf(conv, 1)))
      plans.push_back(plan(blocked(model.tile, !areTapsRows())));
    return plans;
  }

private:
  bool areTapsRows() {
    constexpr int64_t fewChannels = 16;
    PanelPacking packing = packingOf(conv, 1);
    return packing.depth < fewChannels && TapShape::canBeRows(window, packing);
  }

  /// What the cost model takes with this tile.
  ConvConfig blocked(TileShape tile, bool areTapsRows) {
    PanelPacking packing = packingOf(conv, tile.columns());
    // A row block's input pixels are shared by its taps: what must stay in L2 is the picture, not the taps' copies of it.
    GemmBlocking blocking = chooseBlocking(target, tile, rows, packing.columns, packing.depth * 2);
    constexpr int64_t mostTableRows = 240;
    int64_t blockRows = std::min(blocking.rows, std::max<int64_t>(mostTableRows / tile.rows, 1) * tile.rows);
    int64_t panels = rows.value_or(INT64_MAX) > 16 * blockRows ? packing.panels() : blocking.panels;
    return {tile, blockRows, panels, areTapsRows};
  }

  KernelPlan plan(const ConvConfig &config) {
    MLIRContext *context = op->getContext();
    PanelPacking packing = packingOf(conv, config.tile.columns());
    KernelPlan plan = makePlan(op, kKind);
    plan.name = contractionName(kKind, bodyOperations(op), conv, config.tile);
    plan.config = config.toAttribute(context);
    plan.packing[filter] = packing.toAttribute(context, kKind);
    AffineExpr images = dimExprs(tensorType(conv.getOutput())).front();
    int64_t columnBlocks = llvm::divideCeil(packing.panels(), config.panels);
    plan.tasks = simplifyDim(images * (packing.groups * columnBlocks) * positions.ceilDiv(config.rows));
    TapShape taps = TapShape::of(window, packing, config.areTapsRows);
    plan.scratchBytes = dimConstant(context, window.isPointwise() ? 0 : taps.scratchBytes(config.rows));
    return plan;
  }

  Operation *op;
  nn::ConvOp conv;
  unsigned filter;
  const Target &target;
  WindowShape window;
  AffineExpr positions;
  std::optional<int64_t> rows;
  int64_t columns;
};
} // namespace

std::optional<KernelPlan> planConv(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto conv = convRootOf(op, isConstant, target);
  return conv ? std::optional(ConvPlanner(op, *conv, target).chosen()) : std::nullopt;
}

PlanList convAlternatives(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto conv = convRootOf(op, isConstant, target);
  if (!conv || isDepthwise(conv->op))
    return {};
  return ConvPlanner(op, *conv, target).alternatives();
}

LogicalResult emitConv(EmitContext &context) {
  ConvEmission(context, contractionRoot<nn::ConvOp>(regionOperations(context))).run();
  return success();
}

} // namespace lathe::x86
