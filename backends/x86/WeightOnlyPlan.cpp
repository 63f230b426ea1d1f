#include "backends/x86/WeightOnlyPlan.h"
#include "backends/x86/WeightOnlyKernel.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr StringLiteral kKind = "gemm_weight_only";

/// The number that all entries are, if they are a constant of the region.
std::optional<double> numberOf(Value value) {
  auto constant = value.getDefiningOp<nn::ConstantOp>();
  auto values = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
  if (!values || !values.isSplat())
    return std::nullopt;
  if (values.getElementType().isF32())
    return values.getSplatValue<float>();
  APInt number = values.getSplatValue<APInt>();
  return isUnsigned(values.getElementType()) ? double(number.getZExtValue()) : double(number.getSExtValue());
}

/// Sizes of `entries` along the depth and the columns of a [depth, columns] or [columns, depth] matrix; absent axes are 1.
std::pair<int64_t, int64_t> sizesOf(Value entries, bool isTransposed) {
  SmallVector<int64_t> sizes(tensorType(entries).getShape());
  sizes.insert(sizes.begin(), 2 - std::min<size_t>(sizes.size(), 2), 1);
  return isTransposed ? std::pair(sizes[1], sizes[0]) : std::pair(sizes[0], sizes[1]);
}

/// Fills in the strides of entries of `groups` rows; false if they lie in another way.
bool setEntries(WeightGrid &grid, Value value, bool isTransposed, const WeightWords &words, int64_t groups) {
  if (!tensorType(value).hasStaticShape() || tensorType(value).getRank() > 2)
    return false;
  auto [rows, columns] = sizesOf(value, isTransposed);
  if (rows != groups || (columns != 1 && columns != words.columns))
    return false;
  grid.number = numberOf(value);
  grid.entries.rows = rows;
  grid.entries.columns = words.columns;
  grid.entries.rowStride = isTransposed ? 1 : columns;
  grid.entries.columnStride = columns == 1 ? 0 : isTransposed ? rows : 1;
  return grid.number || isa<BlockArgument>(value);
}

/// Columns of one scale are cut into groups of about this length.
constexpr int64_t kColumnGroup = 256;

int64_t columnGroup(const WeightWords &words) {
  int64_t parts = llvm::divideCeil(words.depth, kColumnGroup);
  return llvm::alignTo(llvm::divideCeil(words.depth, parts), words.slots());
}
} // namespace

WeightOnlyRoot WeightOnlyRoot::of(ArrayRef<Operation *> operations) {
  auto matmul = contractionRoot<nn::MatmulOp>(operations);
  auto dequantize = matmul ? matmul.getRhs().getDefiningOp<nn::DequantizeOp>() : nn::DequantizeOp();
  if (!dequantize || dequantize.getBits() == 0 || !isFloat32(matmul))
    return {};
  WeightOnlyRoot root{
      matmul, dequantize, matmul.getLhs(), dequantize.getInput(), dequantize.getScale(), dequantize.getZero()};
  auto rows = matmul.getLhs().getDefiningOp<nn::DequantizeOp>();
  if (rows && rows.getBits() == 8 && !rows.getZero()) {
    root.lhsDequantize = rows;
    root.lhs = rows.getInput();
    root.lhsScale = rows.getScale();
  }
  return root;
}

/// Do integer rows have the groups of the weights, which are made of whole words?
static bool haveSameGroups(const WeightOnlyRoot &root, const WeightOnlyShape &shape) {
  nn::DequantizeOp rows = root.lhsDequantize;
  const WeightWords &words = shape.words;
  return words.bits == 4 && !shape.isPerColumn && rows.getBlock() == words.group && words.depth % words.group == 0 &&
         words.group % kLeastByteGroup == 0 && rows.getAxis() + 1 == tensorType(root.lhs).getRank() &&
         !isUnsigned(elementType(root.lhs));
}

std::optional<WeightOnlyShape> WeightOnlyShape::of(const WeightOnlyRoot &root) {
  nn::MatmulOp matmul = root.matmul;
  nn::DequantizeOp dequantize = root.dequantize;
  RankedTensorType weights = tensorType(root.integers);
  DimExprs out = dimExprs(tensorType(matmul.getOutput()));
  if (!weights.hasStaticShape() || weights.getRank() != 2 || weights.getNumElements() == 0 || matmul.getTransLhs() ||
      tensorType(matmul.getLhs()).getRank() != int64_t(out.size()))
    return std::nullopt;
  bool isTransposed = matmul.getTransRhs(), isBlocked = dequantize.getBlock() > 0;
  if (isBlocked && dequantize.getAxis() != (isTransposed ? 1 : 0))
    return std::nullopt;
  WeightOnlyShape shape;
  shape.rows = dimProduct(ArrayRef(out).drop_back(), matmul.getContext());
  shape.isPerColumn = !isBlocked;
  WeightWords &words = shape.words;
  words.bits = dequantize.getBits();
  words.isSigned = !isUnsigned(weights.getElementType());
  words.depth = weights.getDimSize(isTransposed ? 1 : 0);
  words.columns = weights.getDimSize(isTransposed ? 0 : 1);
  words.depthStride = isTransposed ? 1 : words.columns;
  words.columnStride = isTransposed ? words.depth : 1;
  words.group = isBlocked ? std::min<int64_t>(dequantize.getBlock(), words.depth) : columnGroup(words);
  int64_t scales = isBlocked ? words.groups() : 1, shift = words.isSigned ? words.half() : 0;
  if (!setEntries(shape.scale, root.scale, isTransposed, words, scales))
    return std::nullopt;
  if (!root.zero)
    shape.zero.number = shift;
  else if (!setEntries(shape.zero, root.zero, isTransposed, words, scales))
    return std::nullopt;
  else if (shape.zero.number)
    *shape.zero.number += double(shift);
  shape.zero.entries.isScale = 0;
  shape.zero.entries.shift = shift;
  words.inBytes = bool(root.lhsDequantize);
  if (root.lhsDequantize && !haveSameGroups(root, shape))
    return std::nullopt;
  return shape;
}

WeightOnlyShape WeightOnlyShape::withPanels(int64_t nr) const {
  WeightOnlyShape shape = *this;
  shape.words.nr = shape.scale.entries.nr = shape.zero.entries.nr = nr;
  return shape;
}

DictionaryAttr WeightOnlyConfig::toAttribute(MLIRContext *context) const {
  Builder b(context);
  return b.getDictionaryAttr(
      {tile.toAttribute(context), b.getNamedAttr("blocking", b.getDenseI64ArrayAttr({blockRows, panels, groups})),
       b.getNamedAttr("columns", b.getI64IntegerAttr(nr)), b.getNamedAttr("few", b.getBoolAttr(hasFew)),
       b.getNamedAttr("many", b.getBoolAttr(hasMany))});
}

WeightOnlyConfig WeightOnlyConfig::of(DictionaryAttr attrs) {
  auto blocking = attrs.getAs<DenseI64ArrayAttr>("blocking").asArrayRef();
  return {TileShape::of(attrs),
          attrs.getAs<IntegerAttr>("columns").getInt(),
          blocking[0],
          blocking[1],
          blocking[2],
          attrs.getAs<BoolAttr>("few").getValue(),
          attrs.getAs<BoolAttr>("many").getValue()};
}

/// Leaves the product and its epilogue.
static void eraseDequantized(SmallVector<Operation *> &operations, const WeightOnlyRoot &root) {
  llvm::erase_if(operations, [&](Operation *op) { return op == root.dequantize || op == root.lhsDequantize; });
}

namespace {
/// Plans of one product.
class WeightOnlyPlanner {
public:
  WeightOnlyPlanner(Operation *op, WeightOnlyRoot root, WeightOnlyShape shape, const Target &target)
      : op(op), root(root), shape(shape), target(target), rows(constantDim(shape.rows)) {}

  KernelPlan chosen() {
    constexpr int64_t packedVectors = 4;
    WeightOnlyConfig config;
    config.hasMany = !root.lhsDequantize && (!rows || *rows > kFewRows);
    config.hasFew = !rows || !config.hasMany;
    int lanes = target.vectorBits() / 32;
    int64_t needed = llvm::divideCeil(shape.words.columns, lanes); // vectors
    if (config.hasMany)
      config.tile = chooseTile(target, shape.words.columns, rows);
    else
      config.tile = {int(std::clamp<int64_t>(rows.value_or(kFewRows), 1, kFewRows)),
                     int(std::min(packedVectors, needed)), lanes};
    int64_t tiles =
        std::clamp<int64_t>(packedVectors / config.tile.vectors, 1, llvm::divideCeil(needed, config.tile.vectors));
    config.nr = tiles * config.tile.columns();
    shape = shape.withPanels(config.nr);
    GemmBlocking blocking = chooseBlocking(target, config.tile, config.hasMany ? rows : config.tile.rows,
                                           shape.words.columns, shape.words.depth);
    config.groups = std::clamp<int64_t>(blocking.depth / shape.words.group, 1, shape.words.groups());
    config.blockRows = blocking.rows;
    config.panels = llvm::divideCeil(blocking.panels * config.tile.columns(), config.nr);
    if (root.lhsDequantize)
      config.blockRows = rowsWorthATask(shape.words.depth * config.panels * config.nr, kFewRows);
    return plan(config);
  }

private:
  AffineExpr scratchBytes(const WeightOnlyConfig &config) {
    const WeightWords &words = shape.words;
    int64_t manyFloats = 0, fewFloats = 0, tileColumns = config.tile.columns();
    if (config.hasMany) {
      bool hasPartials = config.groups < words.groups();
      manyFloats =
          config.panelDepth(shape) * tileColumns + (hasPartials ? config.blockRows * config.panels * config.nr : 0);
    }
    if (config.hasFew)
      fewFloats = (rows ? config.tile.rows : kFewRows) * words.groups() * (shape.paddedGroup() + 2);
    return dimConstant(op->getContext(), 4 * std::max(manyFloats, fewFloats));
  }

  std::string name(const WeightOnlyConfig &config) {
    SmallVector<Operation *> operations = bodyOperations(op);
    eraseDequantized(operations, root);
    std::string letters = (shape.words.isSigned ? "s" : "u") + std::to_string(shape.words.bits);
    return (root.lhsDequantize ? "s8" : "f32") + letters +
           contractionName("gemm", operations, root.matmul, config.tile).substr(3);
  }

  KernelPlan plan(const WeightOnlyConfig &config) {
    MLIRContext *context = op->getContext();
    KernelPlan plan = makePlan(op, kKind);
    plan.name = name(config);
    plan.config = config.toAttribute(context);
    plan.packing[*inputIndex(op, root.integers)] = toAttribute(shape.words, context, kKind);
    if (!shape.scale.number)
      plan.packing[*inputIndex(op, root.scale)] = toAttribute(shape.scale.entries, context, kKind);
    if (!shape.zero.number)
      plan.packing[*inputIndex(op, root.zero)] = toAttribute(shape.zero.entries, context, kKind);
    int64_t columnBlocks = llvm::divideCeil(shape.words.panels(), config.panels);
    plan.tasks = config.hasMany || root.lhsDequantize ? simplifyDim(shape.rows.ceilDiv(config.blockRows) * columnBlocks)
                                                      : dimConstant(context, columnBlocks);
    plan.scratchBytes = scratchBytes(config);
    return plan;
  }

  Operation *op;
  WeightOnlyRoot root;
  WeightOnlyShape shape;
  const Target &target;
  std::optional<int64_t> rows;
};

bool areConstant(Operation *op, nn::DequantizeOp dequantize, ArrayRef<bool> isConstant) {
  return llvm::all_of(dequantize->getOperands(), [&](Value value) {
    return value.getDefiningOp<nn::ConstantOp>() || isConstantInput(op, value, isConstant);
  });
}
} // namespace

std::optional<KernelPlan> planWeightOnly(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  SmallVector<Operation *> operations = bodyOperations(op);
  WeightOnlyRoot root = WeightOnlyRoot::of(operations);
  if (!root || target.vectorBits() < 256 || !inputIndex(op, root.lhs) || !inputIndex(op, root.integers) ||
      (root.lhsScale && !inputIndex(op, root.lhsScale)) || !areConstant(op, root.dequantize, isConstant))
    return std::nullopt;
  eraseDequantized(operations, root);
  auto shape = WeightOnlyShape::of(root);
  if (!shape || !isEpilogue(operations, root.matmul))
    return std::nullopt;
  return WeightOnlyPlanner(op, root, *shape, target).chosen();
}

int64_t packedWeightOnlyBytes(RankedTensorType, DictionaryAttr packing) { return packedWeightBytes(packing); }

void packWeightOnly(const reference::Tensor &value, DictionaryAttr packing, char *out) {
  packWeight(value.data<char>(), packing, out);
}

} // namespace lathe::x86
