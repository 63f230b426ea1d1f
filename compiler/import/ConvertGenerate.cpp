// Tensors made from sizes and positions: constants, ranges, masks, one-hot.
#include "compiler/import/Node.h"
#include <cmath>

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

Values constantNode(Node &n) {
  if (auto *value = n.attribute("value"))
    return {n.tensor(value->t())};
  if (auto *value = n.attribute("value_int"))
    return {n.constant(DenseIntElementsAttr::get(RankedTensorType::get({}, n.i64()), value->i()))};
  if (n.hasAttr("value_ints"))
    return {n.integers(n.integersOf("value_ints"))};
  if (n.hasAttr("value_float"))
    return {n.scalar(n.real("value_float", 0), n.f32())};
  if (n.hasAttr("value_floats")) {
    SmallVector<float> values;
    for (double value : n.realsOf("value_floats"))
      values.push_back(float(value));
    auto type = RankedTensorType::get({int64_t(values.size())}, n.f32());
    return {n.constant(DenseElementsAttr::get(type, ArrayRef<float>(values)))};
  }
  return {n.refuse("expects a dense tensor of numbers")};
}

Values constantOfShape(Node &n) {
  auto sizes = n.sizes(0);
  if (!sizes)
    return {};
  for (AffineExpr size : *sizes)
    if (auto number = constantDim(size); number && *number < 0)
      return {n.refuse("expects sizes not to be negative, got " + Twine(*number))};
  auto *value = n.attribute("value");
  Value scalar = value ? n.tensor(value->t()) : n.scalar(0, n.f32());
  return {n.broadcast(n.reshape(scalar, {}), *sizes)};
}

//===- Range -===//

/// Floating-point ranges need numbers; the elements are start + i * delta.
Values floatRange(Node &n) {
  auto start = n.knownNumbers(0), limit = n.knownNumbers(1), delta = n.knownNumbers(2);
  if (!start || !limit || !delta || delta->front() == 0)
    return {delta && delta->front() == 0 ? n.refuse("expects delta not to be 0") : Value()};
  double count = std::ceil((limit->front() - start->front()) / delta->front());
  if (!(count < 1e9))
    return {n.refuse("expects fewer than 10^9 elements")};
  Type type = elementOf(n.in(0));
  Value steps = n.iota(n.dim(std::max<int64_t>(int64_t(count), 0)), 0, type);
  return {n.add(n.binary(BinaryKind::mul, steps, delta->front()), n.in(0))};
}

Values range(Node &n) {
  Value first = n.in(0);
  if (!first || isFloat(first))
    return first ? floatRange(n) : Values();
  auto start = n.sizes(0), limit = n.sizes(1), delta = n.sizes(2);
  if (!start || !limit || !delta || start->size() != 1 || limit->size() != 1 || delta->size() != 1)
    return {delta ? n.refuse("expects scalars") : Value()};
  auto step = constantDim(delta->front());
  if (!step || *step == 0)
    return {n.refuse("expects delta to be known at compile time and not 0")};
  AffineExpr distance = simplifyDim(limit->front() - start->front());
  AffineExpr count = *step > 0 ? distance.ceilDiv(*step) : (-distance).ceilDiv(-*step);
  Type type = elementOf(first);
  Value result = n.iota(larger(simplifyDim(count), n.dim(0), n.symbols), 0, type);
  if (*step != 1)
    result = n.binary(BinaryKind::mul, result, double(*step));
  if (constantDim(start->front()) != 0)
    result = n.add(result, n.cast(n.dimValues(start->front(), /*isScalar=*/true), type));
  return {result};
}

//===- masks -===//

/// Column number - row number of the last two axes, as [rows, columns] by broadcasting.
Value diagonalOf(Node &n, AffineExpr rows, AffineExpr columns) {
  Value row = n.iota({rows, n.dim(1)}, 0, n.i64()), column = n.iota({n.dim(1), columns}, 1, n.i64());
  return n.sub(column, row);
}

Values trilu(Node &n) {
  Value x = n.in(0);
  if (!x || rankOf(x) < 2)
    return {x ? n.refuse("expects rank 2 or more") : Value()};
  DimExprs dims = dimsOf(x);
  Value diagonal = diagonalOf(n, dims[dims.size() - 2], dims.back());
  Value k = n.has(1) ? n.reshape(n.cast(n.in(1), n.i64()), {}) : n.scalar(0, n.i64());
  auto kind = n.integer("upper", 1) != 0 ? BinaryKind::greater_equal : BinaryKind::less_equal;
  return {n.select(n.binary(kind, diagonal, k), x, n.scalar(0, elementOf(x)))};
}

Values eyeLike(Node &n) {
  Value x = n.in(0);
  if (!x || rankOf(x) != 2)
    return {x ? n.refuse("expects rank 2") : Value()};
  Type type = n.hasAttr("dtype") ? n.elementType(n.integer("dtype", 0)) : elementOf(x);
  if (!type)
    return {};
  Value diagonal = diagonalOf(n, dimsOf(x)[0], dimsOf(x)[1]);
  return {n.cast(n.binary(BinaryKind::equal, diagonal, double(n.integer("k", 0))), type)};
}

/// values[1] where the index (negative ones counted from depth) is the position on the new axis, else values[0].
Values oneHot(Node &n) {
  Value indices = n.in(0), values = n.in(2);
  auto depth = indices && values ? n.sizes(1) : std::nullopt;
  if (!depth || depth->size() != 1 || typeOf(values).getShape() != ArrayRef<int64_t>{2})
    return {depth ? n.refuse("expects one depth and two values") : Value()};
  auto axis = n.axis(n.integer("axis", -1), rankOf(indices) + 1);
  if (!axis)
    return {};
  Value index = n.cast(indices, n.i64());
  Value wrapped = n.add(index, n.dimValues(depth->front(), /*isScalar=*/true));
  Value positive = n.select(n.binary(BinaryKind::less, index, 0), wrapped, index);
  DimExprs line(rankOf(indices) + 1, n.dim(1));
  line[*axis] = depth->front();
  Value isHot = n.binary(BinaryKind::equal, n.unsqueeze(positive, *axis), n.iota(line, *axis, n.i64()));
  auto value = [&](int64_t at) { return n.reshape(n.sliceAxis(values, 0, n.dim(at), n.dim(1)), {}); };
  return {n.select(isHot, value(1), value(0))};
}

//===- what inference leaves of training -===//

Values dropout(Node &n) {
  Value x = n.in(0);
  if (n.has(2)) {
    auto training = n.knownIntegers(2);
    if (!training)
      return {};
    if (training->size() == 1 && training->front() != 0) {
      auto ratio = n.has(1) ? n.knownNumbers(1) : std::optional(SmallVector<double>{0.5});
      if (!ratio || ratio->size() != 1 || ratio->front() != 0)
        return {n.refuse("training_mode is not supported: results are random")};
    }
  }
  if (!x || !n.wants(1))
    return {x};
  Type type = n.version < 10 ? elementOf(x) : n.i1();
  return {x, n.broadcast(n.scalar(1, type), dimsOf(x))};
}

Values random(Node &n) { return {n.refuse("results are random")}; }

constexpr ConverterEntry kTable[] = {
    {"Constant", 1, kNewest, constantNode}, {"ConstantOfShape", 9, kNewest, constantOfShape},
    {"Range", 11, kNewest, range},          {"Trilu", 14, kNewest, trilu},
    {"EyeLike", 9, kNewest, eyeLike},       {"OneHot", 9, kNewest, oneHot},
    {"Dropout", 7, kNewest, dropout},       {"Bernoulli", 15, kNewest, random},
    {"RandomNormal", 1, kNewest, random},   {"RandomNormalLike", 1, kNewest, random},
    {"RandomUniform", 1, kNewest, random},  {"RandomUniformLike", 1, kNewest, random},
    {"Multinomial", 7, kNewest, random},
};

} // namespace

llvm::ArrayRef<ConverterEntry> generateConverters() { return kTable; }

} // namespace lathe::importer
