// Reading and writing at computed positions.
#include "compiler/import/Node.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

Values gather(Node &n) {
  Value x = n.in(0), indices = n.in(1);
  auto axis = x ? n.axis(n.integer("axis", 0), rankOf(x)) : std::nullopt;
  return {axis ? n.gather(x, indices, *axis) : Value()};
}

Values gatherElements(Node &n) {
  Value x = n.in(0);
  auto axis = x ? n.axis(n.integer("axis", 0), rankOf(x)) : std::nullopt;
  return {axis ? n.infer("nn.gather_elements", {x, n.in(1)}, n.intAttr("axis", *axis)) : Value()};
}

Values gatherNd(Node &n) {
  return {n.infer("nn.gather_nd", {n.in(0), n.in(1)}, n.intAttr("batch_dims", n.integer("batch_dims", 0)))};
}

std::optional<NamedAttribute> reduction(Node &n) {
  std::string name = n.text("reduction", "none");
  for (ScatterReduction kind : {ScatterReduction::none, ScatterReduction::scatter_add, ScatterReduction::scatter_mul,
                                ScatterReduction::scatter_max, ScatterReduction::scatter_min}) {
    StringRef known = stringifyScatterReduction(kind);
    known.consume_front("scatter_");
    if (known == name)
      return n.kindAttr<ScatterReductionAttr>(kind, "reduction");
  }
  n.refuse("expects a known reduction, got '" + name + "'");
  return std::nullopt;
}

Values scatterElements(Node &n) {
  Value x = n.in(0), indices = n.in(1), updates = n.in(2);
  auto axis = x ? n.axis(n.integer("axis", 0), rankOf(x)) : std::nullopt;
  auto how = axis ? reduction(n) : std::nullopt;
  if (!how || !indices || !updates)
    return {};
  Value result = n.infer("nn.scatter_elements", {x, indices, updates}, {n.intAttr("axis", *axis), *how});
  for (int64_t i = 0; result && i < rankOf(indices); ++i)
    n.require(dimsOf(indices)[i], dimsOf(updates)[i]);
  return {result};
}

Values scatterNd(Node &n) {
  auto how = reduction(n);
  return {how ? n.infer("nn.scatter_nd", {n.in(0), n.in(1), n.in(2)}, *how) : Value()};
}

//===- counted results -===//

/// A symbol for the one element of `count` (i64), read when the program gets there.
AffineExpr lateSymbol(Node &n, Value count) {
  Symbol symbol;
  symbol.name = n.nodeName + ".count";
  symbol.kind = SymbolKind::tensorValue;
  symbol.index = int64_t(n.symbols.symbols.size());
  AffineExpr expr = n.symbols.add(std::move(symbol), n.context());
  n.sized("nn.late_symbol", count, TypeRange(),
          {n.intAttr("symbol", cast<AffineSymbolExpr>(expr).getPosition()), n.intAttr("element", 0)});
  return expr;
}

/// A symbol for the number of elements of `mask` (i1) that are set.
AffineExpr countSymbol(Node &n, Value mask) {
  Ints axes;
  for (int64_t i = 0; i < rankOf(mask); ++i)
    axes.push_back(i);
  Value count = n.reduce(ReduceKind::sum, n.cast(mask, n.i64()), axes, /*keepdims=*/false);
  return count ? lateSymbol(n, count) : AffineExpr();
}

Value positionsOf(Node &n, Value x) {
  Value mask = x ? n.cast(x, n.i1()) : Value();
  AffineExpr count = mask ? countSymbol(n, mask) : AffineExpr();
  if (!count)
    return {};
  return n.size("nn.non_zero", mask, makeTensorType({n.dim(rankOf(x)), count}, n.i64()));
}

Values nonZero(Node &n) {
  Value x = n.in(0);
  return {positionsOf(n, x && rankOf(x) == 0 ? n.unsqueeze(x, {0}) : x)};
}

/// The slices of an axis (or of the flattened input) whose condition holds.
Values compress(Node &n) {
  Value x = n.in(0), condition = n.in(1);
  if (!x || !condition)
    return {};
  Value source = n.hasAttr("axis") ? x : n.reshape(x, dimProduct(dimsOf(x), n.context()));
  auto axis = source ? n.axis(n.integer("axis", 0), rankOf(source)) : std::nullopt;
  Value positions = axis ? positionsOf(n, condition) : Value();
  if (!positions)
    return {};
  return {n.gather(source, n.reshape(positions, dimsOf(positions)[1]), *axis)};
}

/// Whether a value has one element; refused by name otherwise.
bool isOne(Node &n, Value value, StringRef name) {
  if (typeOf(value).hasStaticShape() && typeOf(value).getNumElements() == 1)
    return true;
  n.refuse("expects one " + name);
  return false;
}

/// The operator gives as many rows as boxes are kept: those of nn.non_max_suppression up to its count.
Values nonMaxSuppression(Node &n) {
  Value boxes = n.in(0), scores = n.in(1);
  Value most = n.has(2) ? n.in(2) : n.scalar(0, n.i64()), overlap = n.has(3) ? n.in(3) : n.scalar(0, n.f32());
  if (!boxes || !scores || !most || !overlap || !isOne(n, most, "max_output_boxes_per_class"))
    return {};
  if (rankOf(boxes) != 3 || rankOf(scores) != 3)
    return {n.refuse("expects boxes and scores of rank 3")};
  DimExprs dims = dimsOf(scores);
  if (!n.require(dimsOf(boxes)[0], dims[0]) || !n.require(dimsOf(boxes)[1], dims[2]))
    return {};
  AffineExpr perClass = dims[2];
  if (auto known = n.contents.integers(most))
    perClass = larger(smaller(perClass, known->front(), n.symbols), n.dim(0), n.symbols);
  DimExprs rows{simplifyDim(dims[0] * dims[1] * perClass), n.dim(3)};
  SmallVector<Value> operands{boxes, scores, most, overlap};
  if (n.has(4))
    operands.push_back(n.in(4));
  SmallVector<NamedAttribute> attributes;
  if (n.integer("center_point_box", 0) != 0)
    attributes.push_back(n.unitAttr("center"));
  Operation *op = n.sized("nn.non_max_suppression", operands,
                          {makeTensorType(rows, n.i64()), RankedTensorType::get({1}, n.i64())}, attributes);
  if (!op)
    return {};
  DimExprs kept{lateSymbol(n, op->getResult(1)), n.dim(3)};
  return {n.slice(op->getResult(0), {n.dim(0), n.dim(0)}, kept, {1, 1})};
}

/// Each batch entry's first `length` time steps in reverse order.
Values reverseSequence(Node &n) {
  Value x = n.in(0), lengths = n.in(1);
  int64_t time = n.integer("time_axis", 0), batch = n.integer("batch_axis", 1);
  if (!x || !lengths || rankOf(x) < 2 || time + batch != 1 || time < 0 || batch < 0)
    return {x && lengths ? n.refuse("expects rank 2 or more, and time_axis and batch_axis to be 0 and 1") : Value()};
  DimExprs dims = dimsOf(x), perBatch(dims.size(), n.dim(1)), perStep(dims.size(), n.dim(1));
  perBatch[batch] = dims[batch];
  perStep[time] = dims[time];
  Value length = n.reshape(n.cast(lengths, n.i64()), perBatch);
  Value step = n.iota(perStep, time, n.i64());
  Value mirrored = n.binary(BinaryKind::sub, n.sub(length, step), 1);
  Value source = n.select(n.binary(BinaryKind::less, step, length), mirrored, step);
  return {n.infer("nn.gather_elements", {x, n.broadcast(source, dims)}, n.intAttr("axis", time))};
}

/// past_cache with `update` written from write_indices[batch] on along an axis; circular: modulo the axis' size.
Values tensorScatter(Node &n) {
  Value cache = n.in(0), update = n.in(1);
  auto axis = cache && update ? n.axis(n.integer("axis", -2), rankOf(cache)) : std::nullopt;
  if (!axis || *axis == 0 || rankOf(update) != rankOf(cache))
    return {axis ? n.refuse("expects cache and update of one rank, and an axis other than the batch") : Value()};
  DimExprs dims = dimsOf(update), perStep(dims.size(), n.dim(1)), perBatch(dims.size(), n.dim(1));
  perStep[*axis] = dims[*axis];
  perBatch[0] = dims[0];
  Value position = n.iota(perStep, *axis, n.i64());
  if (n.has(2))
    position = n.add(position, n.reshape(n.cast(n.in(2), n.i64()), perBatch));
  if (n.text("mode", "linear") == "circular")
    position = n.binary(BinaryKind::mod, position, n.dimValues(dimsOf(cache)[*axis], /*isScalar=*/true));
  return {n.infer("nn.scatter_elements", {cache, n.broadcast(position, dims), update},
                  {n.intAttr("axis", *axis), n.kindAttr<ScatterReductionAttr>(ScatterReduction::none, "reduction")})};
}

constexpr ConverterEntry kTable[] = {
    {"Gather", 1, kNewest, gather},
    {"GatherElements", 11, kNewest, gatherElements},
    {"GatherND", 11, kNewest, gatherNd},
    {"ScatterElements", 11, kNewest, scatterElements},
    {"Scatter", 9, kNewest, scatterElements},
    {"ScatterND", 11, kNewest, scatterNd},
    {"NonZero", 9, kNewest, nonZero},
    {"Compress", 9, kNewest, compress},
    {"NonMaxSuppression", 10, kNewest, nonMaxSuppression},
    {"ReverseSequence", 10, kNewest, reverseSequence},
    {"TensorScatter", 24, kNewest, tensorScatter},
};

} // namespace

llvm::ArrayRef<ConverterEntry> indexConverters() { return kTable; }

} // namespace lathe::importer
