#include "backends/x86/IntegerPlan.h"
#include "backends/x86/IntegerKernel.h"
#include "backends/x86/MatrixUnit.h"
#include "backends/x86/Tasks.h"
#include "dialects/reference/Evaluate.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr StringLiteral kKind = "integer_product";

bool isByte(Value value) { return elementType(value).isInteger(8); }

bool hasOneElement(Value value) {
  return !value || llvm::all_of(dimExprs(tensorType(value)), [](AffineExpr dim) { return constantDim(dim) == 1; });
}

std::optional<IntegerShape> shapeOf(nn::MatmulOp op) {
  DimExprs lhs = dimExprs(tensorType(op.getLhs())), rhs = dimExprs(tensorType(op.getRhs())),
           out = dimExprs(tensorType(op.getOutput()));
  RankedTensorType weights = tensorType(op.getRhs());
  bool isShared = llvm::all_of(ArrayRef(rhs).drop_back(2), [](AffineExpr dim) { return constantDim(dim) == 1; });
  if (op.getTransLhs() || !isShared || lhs.size() != out.size() || !weights.hasStaticShape())
    return std::nullopt;
  IntegerShape shape;
  shape.rows = dimProduct(ArrayRef(out).drop_back(), op.getContext());
  int64_t rows = weights.getDimSize(weights.getRank() - 2), columns = weights.getDimSize(weights.getRank() - 1);
  bool isTransposed = op.getTransRhs();
  shape.packing.columns = isTransposed ? rows : columns;
  shape.packing.elements = isTransposed ? columns : rows;
  shape.packing.columnStride = isTransposed ? columns : 1;
  shape.packing.elementStride = isTransposed ? 1 : columns;
  return shape;
}

/// Are the windows of one axis seen as a picture of width 1? Where elements of neighbouring positions are summed in the same steps, they
/// stay lines.
bool isUpright(nn::ConvOp op, const WindowShape &window) {
  constexpr int64_t wholeSteps = 16;
  bool isWhole = tensorType(op.getFilter()).getDimSize(1) % wholeSteps == 0;
  return tensorType(op.getOutput()).getRank() == 3 && (isWhole || window.dilation[1] != 1);
}

std::optional<IntegerShape> shapeOf(nn::ConvOp op) {
  RankedTensorType filter = tensorType(op.getFilter());
  auto window = windowOf(op);
  bool hasNegativePads = llvm::any_of(op.getPads(), [](int64_t pad) { return pad < 0; });
  if (!op.getChannelsLast() || !window || !filter.hasStaticShape() || hasNegativePads)
    return std::nullopt;
  IntegerShape shape;
  DimExprs out = dimExprs(tensorType(op.getOutput()));
  shape.isUpright = isUpright(op, *window);
  if (shape.isUpright)
    for (auto *axes : {window->kernel, window->stride, window->padBegin, window->padEnd, window->dilation})
      std::swap(axes[0], axes[1]);
  shape.window = {*window, filter.getDimSize(1), 1};
  shape.isFlat = window->isPointwise() && op.getGroup() == 1;
  shape.rows = dimProduct(ArrayRef(out).drop_back(), op.getContext());
  shape.images = out.front();
  shape.width = out[out.size() - 2];
  shape.height = out.size() == 4 ? out[1] : dimConstant(op.getContext(), 1);
  if (shape.isUpright)
    std::swap(shape.height, shape.width);
  IntegerPacking &packing = shape.packing;
  packing.groups = op.getGroup();
  packing.columns = filter.getDimSize(0) / packing.groups;
  packing.elements = filter.getDimSize(1);
  packing.elementStride = window->taps();
  packing.columnStride = window->taps() * packing.elements;
  packing.groupStride = packing.columnStride * packing.columns;
  bool areRowTaps = shape.window.areRowTaps();
  packing.taps = areRowTaps ? window->kernel[0] : window->taps();
  packing.tapStride = areRowTaps ? window->kernel[1] : 1;
  packing.runs = areRowTaps ? window->kernel[1] : 1;
  packing.runStride = 1;
  return shape;
}

std::optional<int64_t> knownRowsOf(const IntegerShape &shape) {
  return shape.isFlat ? constantDim(shape.rows) : std::nullopt;
}

/// Can it be that there are no more than kMemoryBoundRows?
bool haveFewRows(const IntegerShape &shape) {
  return shape.isFlat && shape.rows.getLargestKnownDivisor() <= kMemoryBoundRows;
}

/// Plans of one product.
class IntegerPlanner {
public:
  IntegerPlanner(Operation *op, IntegerRoot root, IntegerShape shape, const Target &target)
      : op(op), root(root), shape(shape), target(target) {}

  KernelPlan chosen() {
    IntegerConfig config;
    config.hasWeightsZero = hasNonZero(root.weightsZero);
    config.form = chooseForm(config);
    config.tile = chooseIntegerTile(target, shape.packing.columns, knownRows(), config.form);
    shape.isFlat ? blockRows(config) : blockLines(config);
    shape = configured(shape, config);
    config.columnBlocks = columnBlocks(config);
    // Few rows don't pay for widening all of the weights first.
    constexpr int64_t fewTiles = 3;
    bool hasFewRows = rowsOfBlock(config) < fewTiles * config.tile.rows;
    if (config.form == PanelForm::words && hasFewRows && !config.hasWeightsZero)
      config.form = root.hasUnsignedWeights() ? PanelForm::unsignedBytes : PanelForm::signedBytes;
    return plan(config);
  }

private:
  static constexpr int64_t kUnknownRows = 256, kUnknownWidth = 56, kEnoughTasks = 16;

  PanelForm chooseForm(const IntegerConfig &config) {
    if (config.hasWeightsZero || root.hasUnsignedWeights())
      return PanelForm::words;
    if (isForMatrixUnit())
      return PanelForm::matrix;
    if (hasDotProducts(target))
      return PanelForm::quads;
    // Few rows take the time of reading the weights, extra steps among them.
    constexpr double mostOfFewRows = 0.8;
    auto chained = ChainedTime::of(op, root, shape, target);
    if (!chained || chained->part > (haveFewRows(shape) ? mostOfFewRows : 1))
      return PanelForm::words;
    shape.packing.extraSteps = chained->extraSteps;
    return PanelForm::chains;
  }

  /// By Intel's figures, in cycles: a register of A meets 16 columns in one per row, two vpdpbusd take one. Not measured.
  bool isForMatrixUnit() {
    constexpr int64_t fewestRows = 8;
    constexpr double resultCycles = 3, gatherCycles = 2, worthwhile = 0.8;
    int64_t rows = shape.isFlat ? knownRows().value_or(kUnknownRows) : width() * kUnknownWidth;
    if (!hasMatrixUnit(target) || rows < fewestRows)
      return false;
    int64_t vectors = llvm::divideCeil(shape.packing.columns, target.vectorBits() / 32);
    int64_t steps = llvm::divideCeil(shape.packing.depth(), 4), products = llvm::divideCeil(steps, kUnitRows);
    double dots = double(shape.packing.taps * steps * vectors) / 2;
    double gathers =
        shape.isFlat ? 0 : gatherCycles * double(shape.packing.taps * products * llvm::divideCeil(vectors, 2));
    return double(shape.packing.taps * products * vectors) + gathers + resultCycles * double(vectors) <
           worthwhile * dots;
  }

  std::optional<int64_t> knownRows() { return knownRowsOf(shape); }
  int64_t width() { return std::max<int64_t>(constantDim(shape.width).value_or(kUnknownWidth), 1); }
  int64_t images() { return std::max<int64_t>(constantDim(shape.images).value_or(1), 1); }
  int64_t rowsOfBlock(const IntegerConfig &config) { return shape.isFlat ? config.block : config.block * width(); }

  /// Panels are cut, too, after rows: an even number of blocks is enough if there are several.
  int64_t otherParts(const IntegerConfig &config) { return shape.packing.columns > config.tile.columns() ? 2 : 1; }

  /// Rows of A that stay in a quarter of L2; fewer where that gives enough tasks and weights stay in L2 too.
  void blockRows(IntegerConfig &config) {
    constexpr int64_t fewestTiles = 8;
    int64_t rows = std::max<int64_t>(knownRows().value_or(kUnknownRows), 1), tile = config.tile.rows;
    int64_t rowBytes = std::max<int64_t>(shape.packing.depth() * sourceBytes(config.form), 1);
    int64_t most = std::max<int64_t>(target.l2Bytes / 4 / rowBytes / tile, fewestTiles) * tile;
    int64_t blocks = llvm::divideCeil(rows, most);
    if (!areColumnsOutermost(shape, target))
      blocks = std::max(blocks, std::min<int64_t>(kEnoughTasks, llvm::divideCeil(rows, fewestTiles * tile)));
    int64_t tiles = llvm::divideCeil(rows, tile), fewest = llvm::divideCeil(rows, most);
    if (knownRows())
      config.rowBlocks = blocks = evenParts(tiles, blocks, {fewest, tiles / fewestTiles}, otherParts(config));
    config.block = llvm::divideCeil(tiles, blocks) * tile;
  }

  void blockLines(IntegerConfig &config) {
    constexpr int64_t fewestRows = 96;
    int64_t height = std::max<int64_t>(constantDim(shape.height).value_or(kUnknownWidth), 1);
    int64_t fewest = std::min<int64_t>(llvm::divideCeil(fewestRows, width()), height);
    const int64_t *stride = shape.window.window.stride;
    int64_t lineBytes = 2 * shape.packing.elements * width() * stride[0] * stride[1];
    int64_t most = std::clamp<int64_t>(target.l2Bytes / 4 / std::max<int64_t>(lineBytes, 1), fewest, height);
    int64_t wanted = llvm::divideCeil(height * images() * shape.packing.groups, kEnoughTasks);
    int64_t lines = areColumnsOutermost(shape, target) ? most : std::clamp<int64_t>(wanted, fewest, most);
    int64_t blocks = llvm::divideCeil(height, lines), fewestBlocks = llvm::divideCeil(height, most);
    if (constantDim(shape.height))
      config.rowBlocks = blocks =
          evenParts(height, blocks, {fewestBlocks, int64_t(height / llvm::divideCeil(fewest, 2))},
                    otherParts(config) * images() * shape.packing.groups);
    config.block = llvm::divideCeil(height, blocks);
  }

  /// So many that the parts are as large as makes copying the source cheap, and not more tasks than enough. Some tasks for several
  /// threads are worth a copy each.
  int64_t columnBlocks(const IntegerConfig &config) {
    int64_t panels = shape.packing.panels();
    int64_t copied = isInPlace(root, shape, config) ? 0
                     : shape.isFlat
                         ? shape.packing.depth()
                         : shape.packing.elements * shape.window.window.stride[0] * shape.window.window.stride[1] *
                               shape.window.inputLines() / shape.window.lines;
    constexpr int64_t copyLanes = 16, hundredthsOfWork = 50, fewestTasks = 4;
    int64_t steps = std::max<int64_t>(shape.packing.taps * shape.packing.steps(), 1);
    int64_t fewest = std::clamp<int64_t>(hundredthsOfWork * copied / copyLanes / steps, 1, panels);
    int64_t rows = rowBlocks(config);
    int64_t most = std::max(panels / fewest, std::min<int64_t>(panels, llvm::divideCeil(fewestTasks, rows)));
    // Of open sizes there may be one block of rows.
    return evenParts(panels, std::clamp<int64_t>(llvm::divideCeil(kEnoughTasks, rows), 1, most), {1, most},
                     config.rowBlocks ? rows : 1);
  }

  int64_t rowBlocks(const IntegerConfig &config) {
    int64_t all = shape.isFlat ? knownRows().value_or(kUnknownRows) : constantDim(shape.height).value_or(kUnknownWidth);
    int64_t blocks = config.rowBlocks ? config.rowBlocks : llvm::divideCeil(std::max<int64_t>(all, 1), config.block);
    return shape.isFlat ? blocks : images() * shape.packing.groups * blocks;
  }

  KernelPlan plan(const IntegerConfig &config) {
    MLIRContext *context = op->getContext();
    KernelPlan plan = makePlan(op, kKind);
    plan.name = contractionName(isa<nn::MatmulOp>(root.op) ? "gemm" : "conv", bodyOperations(op), root.op, config.tile);
    plan.config = config.toAttribute(context);
    plan.packing[*inputIndex(op, root.weights)] = shape.packing.toAttribute(context, kKind);
    AffineExpr blocks = shape.isFlat ? config.blocksOf(shape.rows)
                                     : shape.images * shape.packing.groups * config.blocksOf(shape.height);
    plan.tasks = simplifyDim(blocks * config.columnBlocks);
    plan.scratchBytes = IntegerScratch::of(root, shape, config, context).bytes;
    return plan;
  }

  Operation *op;
  IntegerRoot root;
  IntegerShape shape;
  const Target &target;
};
} // namespace

bool hasNonZero(Value zero) {
  if (!zero)
    return false;
  auto constant = zero.getDefiningOp<nn::ConstantOp>();
  auto values = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
  return !values || !values.isSplat() || !values.getSplatValue<APInt>().isZero();
}

IntegerRoot integerRootOf(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  SmallVector<Operation *> operations = bodyOperations(op);
  IntegerRoot root = IntegerRoot::of(operations);
  if (!root.op || target.vectorBits() < 256 || !isByte(root.weights) || !isEpilogue(operations, root.op) ||
      !inputIndex(op, root.source) || !isConstantInput(op, root.weights, isConstant) ||
      (root.bias && !inputIndex(op, root.bias)) || !hasOneElement(root.sourceZero))
    return {};
  return root;
}

IntegerRoot IntegerRoot::of(ArrayRef<Operation *> operations) {
  if (auto matmul = contractionRoot<nn::MatmulOp>(operations); matmul && isByte(matmul.getLhs()))
    return {matmul, matmul.getLhs(), matmul.getRhs(), {}, matmul.getLhsZero(), matmul.getRhsZero()};
  if (auto conv = contractionRoot<nn::ConvOp>(operations); conv && isByte(conv.getInput()))
    return {conv, conv.getInput(), conv.getFilter(), conv.getBias(), conv.getInputZero(), conv.getFilterZero()};
  return {};
}

std::optional<IntegerShape> IntegerShape::of(const IntegerRoot &root) {
  auto matmul = dyn_cast<nn::MatmulOp>(root.op);
  auto shape = matmul ? shapeOf(matmul) : shapeOf(cast<nn::ConvOp>(root.op));
  if (!shape || shape->packing.depth() == 0 || shape->packing.columns == 0)
    return std::nullopt;
  return shape;
}

std::optional<ChainedTime> ChainedTime::of(Operation *op, const IntegerRoot &root, IntegerShape shape,
                                           const Target &target) {
  if (hasDotProducts(target) || hasNonZero(root.weightsZero) || root.hasUnsignedWeights())
    return std::nullopt;
  auto weights = constantWeights(op, root);
  TileShape tile = chooseIntegerTile(target, shape.packing.columns, knownRowsOf(shape), PanelForm::chains);
  shape = configured(shape, {tile, shape.window.lines, 0, 1, PanelForm::chains, false});
  auto extras = weights ? shape.packing.countExtraSteps(weights->data<int8_t>()) : std::nullopt;
  if (!extras)
    return std::nullopt;
  const IntegerPacking &packing = shape.packing;
  int64_t chains = packing.groups * packing.panels() * packing.taps * packing.steps() / packing.chain;
  constexpr double ofChain = 0.67, ofExtra = 0.4; // measured on Zen 4
  return ChainedTime{ofChain + ofExtra * double(*extras) / double(chains), *extras};
}

bool mayHaveFewRows(const IntegerShape &shape, const IntegerConfig &config) {
  bool hasForm = config.form == PanelForm::words ? !config.hasWeightsZero
                                                 : config.form == PanelForm::chains || config.form == PanelForm::quads;
  return hasForm && !knownRowsOf(shape) && haveFewRows(shape);
}

bool isInPlace(const IntegerRoot &root, const IntegerShape &shape, const IntegerConfig &config) {
  const IntegerPacking packing = configured(shape, config).packing;
  bool isWhole = packing.steps() * packing.stepElements == packing.depth();
  return shape.isFlat && readsBytes(config.form) && root.hasUnsignedSource() && isWhole;
}

std::optional<reference::Tensor> constantWeights(Operation *op, const IntegerRoot &root) {
  return reference::constantTensor(op->getOperand(*inputIndex(op, root.weights)));
}

IntegerShape configured(IntegerShape shape, const IntegerConfig &config) {
  shape.packing.nr = config.tile.columns();
  shape.packing.stepElements = stepElements(config.form);
  shape.packing.hasSums = readsBytes(config.form);
  shape.packing.chain = config.form == PanelForm::chains ? stepsPerChain(config.form) : 0;
  shape.packing.stepMultiple =
      config.form == PanelForm::matrix ? MatrixUnit::stepsFor(shape.packing.depth()) : stepsPerChain(config.form);
  shape.window.lines = config.block;
  return shape;
}

DictionaryAttr IntegerConfig::toAttribute(MLIRContext *context) const {
  Builder b(context);
  return b.getDictionaryAttr({tile.toAttribute(context),
                              b.getNamedAttr("blocking", b.getDenseI64ArrayAttr({block, rowBlocks, columnBlocks})),
                              b.getNamedAttr("form", b.getI64IntegerAttr(int64_t(form))),
                              b.getNamedAttr("weights_zero", b.getBoolAttr(hasWeightsZero))});
}

IntegerConfig IntegerConfig::of(DictionaryAttr attrs) {
  auto blocking = attrs.getAs<DenseI64ArrayAttr>("blocking").asArrayRef();
  return {TileShape::of(attrs),
          blocking[0],
          blocking[1],
          blocking[2],
          PanelForm(attrs.getAs<IntegerAttr>("form").getInt()),
          attrs.getAs<BoolAttr>("weights_zero").getValue()};
}

AffineExpr IntegerConfig::blocksOf(AffineExpr rows) const {
  if (rowBlocks)
    return dimConstant(rows.getContext(), rowBlocks);
  return simplifyDim(evenCount(rows.ceilDiv(block)));
}

IntegerScratch IntegerScratch::of(const IntegerRoot &root, const IntegerShape &shape, const IntegerConfig &config,
                                  MLIRContext *context) {
  constexpr int64_t align = 64;
  bool hasWords = config.form == PanelForm::words;
  int64_t zeros = config.hasWeightsZero ? llvm::alignTo(4 * shape.packing.nr, align) : 0;
  int64_t words = hasWords ? llvm::alignTo(2 * shape.packing.weightBytes(), align) : 0;
  bool hasUnit = config.form == PanelForm::matrix;
  IntegerScratch scratch{0, zeros, zeros + words};
  scratch.offsets = scratch.unit + (hasUnit ? MatrixUnit::kSettingBytes : 0);
  scratch.rows = scratch.offsets + (hasUnit ? int64_t(llvm::alignTo(8 * config.tile.rows, align)) : 0);
  scratch.sums = scratch.rows + (hasUnit ? kUnitBytes * config.tile.rows : 0);
  scratch.source = scratch.sums + (hasUnit ? 4 * config.tile.rows * config.tile.columns() : 0);
  AffineExpr elements =
      isInPlace(root, shape, config) ? dimConstant(context, 0)
      : shape.isFlat                 ? dimConstant(context, config.block * shape.packing.depth())
                     : shape.window.lineWidth(shape.width) * (shape.window.inputLines() * shape.packing.elements);
  // Steps that are only partly inside read past the last element.
  scratch.bytes = simplifyDim(elements * sourceBytes(config.form) + (scratch.source + align));
  return scratch;
}

bool areColumnsOutermost(const IntegerShape &shape, const Target &target) {
  const IntegerPacking &packing = shape.packing;
  return packing.groups * packing.columns * packing.taps * packing.depth() > target.l2Bytes / 2;
}

std::optional<KernelPlan> planIntegerProduct(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  IntegerRoot root = integerRootOf(op, isConstant, target);
  if (!root.op)
    return std::nullopt;
  auto shape = IntegerShape::of(root);
  return shape ? std::optional(IntegerPlanner(op, root, *shape, target).chosen()) : std::nullopt;
}

int64_t packedIntegerBytes(RankedTensorType, DictionaryAttr packing) { return IntegerPacking::of(packing).sizeBytes(); }

void packIntegers(const reference::Tensor &value, DictionaryAttr packing, char *out) {
  IntegerPacking::of(packing).pack(value.data<int8_t>(), out);
}

} // namespace lathe::x86
