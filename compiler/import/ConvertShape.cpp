// Operators that give the same elements another shape, or put tensors together.
#include "compiler/import/Node.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

Values identity(Node &n) {
  const Entry *entry = n.entry(0);
  if (entry && entry->isList) {
    n.listOutput = entry->list;
    return {};
  }
  return {n.in(0)};
}

Values shape(Node &n) {
  Value x = n.in(0);
  if (!x)
    return {};
  int64_t rank = rankOf(x), start = n.integer("start", 0), end = n.integer("end", rank);
  start = std::clamp<int64_t>(start < 0 ? start + rank : start, 0, rank);
  end = std::clamp<int64_t>(end < 0 ? end + rank : end, start, rank);
  DimExprs dims = dimsOf(x);
  return {n.dimValues(ArrayRef(dims).slice(start, end - start))};
}

Values elementCount(Node &n) {
  Value x = n.in(0);
  return {x ? n.dimValues(dimProduct(dimsOf(x), n.context()), /*isScalar=*/true) : Value()};
}

//===- Reshape -===//

/// Wanted sizes with 0 (copy the input's) resolved.
bool copyZeros(Node &n, DimExprs &wanted, ArrayRef<AffineExpr> from, bool allowZero) {
  for (auto [i, size] : llvm::enumerate(wanted)) {
    auto number = constantDim(size);
    if (number && (*number < -1))
      return n.refuse("expects sizes to be -1 or more, got " + Twine(*number)), false;
    // A size computed from dims is 0 only where a tensor is empty; then it is the size that was meant.
    bool isSize = !number && rangeOf(size, n.symbols).min != INT64_MIN;
    if (allowZero || isSize)
      continue;
    if (i < from.size())
      size = selectZero(size, from[i], size, n.symbols);
    else if (number == 0)
      return n.refuse("expects no size 0 beyond the input's rank"), false;
  }
  return true;
}

bool maybeNegative(AffineExpr size, Node &n) {
  DimRange range = rangeOf(size, n.symbols);
  // Sizes computed from dims alone are sizes; only values that a caller feeds, and -1 itself, mean "the rest".
  bool isFed = range.min == INT64_MIN;
  return range.max < 0 || isFed;
}

/// Replaces -1 by what is left of the elements.
bool inferRest(Node &n, DimExprs &wanted, AffineExpr total) {
  DimExprs resolved = wanted;
  unsigned certain = 0;
  for (auto [i, size] : llvm::enumerate(wanted)) {
    if (!maybeNegative(size, n))
      continue;
    certain += constantDim(size) == -1;
    DimExprs others(wanted);
    others.erase(others.begin() + i);
    AffineExpr rest = exactQuotient(total, dimProduct(others, n.context()));
    resolved[i] = selectNonNegative(size, size, rest, n.symbols);
  }
  if (certain > 1)
    return n.refuse("expects at most one size to be -1"), false;
  wanted = resolved;
  return true;
}

Value reshapeTo(Node &n, Value x, DimExprs wanted, bool allowZero) {
  AffineExpr total = dimProduct(dimsOf(x), n.context());
  if (!copyZeros(n, wanted, dimsOf(x), allowZero) || !inferRest(n, wanted, total))
    return {};
  auto have = constantDim(total), want = constantDim(dimProduct(wanted, n.context()));
  if (have && want && *have != *want)
    return n.refuse("expects " + Twine(*have) + " elements, got a shape of " + Twine(*want));
  return n.reshape(x, wanted);
}

Values reshape(Node &n) {
  Value x = n.in(0);
  auto wanted = x ? n.sizes(1) : std::nullopt;
  return {wanted ? reshapeTo(n, x, *wanted, n.integer("allowzero", 0) != 0) : Value()};
}

Values flatten(Node &n) {
  Value x = n.in(0);
  if (!x)
    return {};
  int64_t rank = rankOf(x), axis = n.integer("axis", 1);
  axis += axis < 0 ? rank : 0;
  if (axis < 0 || axis > rank)
    return {n.refuse("expects axis to be in [-rank, rank], got " + Twine(n.integer("axis", 1)))};
  DimExprs dims = dimsOf(x);
  return {n.reshape(x, {dimProduct(ArrayRef(dims).take_front(axis), n.context()),
                        dimProduct(ArrayRef(dims).drop_front(axis), n.context())})};
}

/// Axes in the attribute (up to opset 12) or the second input.
std::optional<Ints> givenAxes(Node &n, int64_t rank) {
  auto given = n.has(1) ? n.knownIntegers(1) : std::optional(n.integersOf("axes"));
  return given ? n.axes(*given, rank) : std::nullopt;
}

Values squeeze(Node &n) {
  Value x = n.in(0);
  auto axes = x ? givenAxes(n, rankOf(x)) : std::nullopt;
  if (!axes)
    return {};
  bool isAll = axes->empty() && !n.has(1) && !n.hasAttr("axes");
  DimExprs dims = dimsOf(x), kept;
  for (auto [i, dim] : llvm::enumerate(dims)) {
    bool isNamed = llvm::is_contained(*axes, int64_t(i));
    if (isNamed && !n.require(dim, n.dim(1)))
      return {};
    if (!isNamed && !(isAll && constantDim(dim) == 1))
      kept.push_back(dim);
  }
  return {n.reshape(x, kept)};
}

Values unsqueeze(Node &n) {
  Value x = n.in(0);
  auto given = !x ? std::nullopt : n.has(1) ? n.knownIntegers(1) : std::optional(n.integersOf("axes"));
  auto axes = given ? n.axes(*given, rankOf(x) + int64_t(given->size())) : std::nullopt;
  if (!axes)
    return {};
  llvm::sort(*axes);
  return {n.unsqueeze(x, *axes)};
}

Values transpose(Node &n) {
  Value x = n.in(0);
  if (!x)
    return {};
  Ints permutation = n.integersOf("perm");
  if (!n.hasAttr("perm"))
    for (int64_t i = rankOf(x); i-- > 0;)
      permutation.push_back(i);
  return {n.transpose(x, permutation)};
}

Values concat(Node &n) {
  SmallVector<Value> inputs;
  for (unsigned i = 0; i < n.numInputs(); ++i)
    inputs.push_back(n.in(i));
  if (inputs.empty() || llvm::is_contained(inputs, Value()))
    return {inputs.empty() ? n.refuse("expects at least one input") : Value()};
  auto axis = n.axis(n.integer("axis", 0), rankOf(inputs.front()));
  return {axis ? n.concat(inputs, *axis) : Value()};
}

//===- Expand, Tile -===//

/// The size that two sizes broadcast to, when one is a wish that may be 1.
AffineExpr expandedDim(Node &n, AffineExpr have, AffineExpr wish) {
  if (constantDim(have) == 1 || have == wish)
    return wish;
  if (constantDim(wish) == 1)
    return have;
  // A wish that is fed may be 1, which stands for the size that is there.
  if (!constantDim(wish))
    n.require(selectZero(simplifyDim(wish - 1), have, wish, n.symbols), have);
  return constantDim(have) ? have : wish;
}

Values expand(Node &n) {
  Value x = n.in(0);
  auto wanted = x ? n.sizes(1) : std::nullopt;
  if (!wanted)
    return {};
  DimExprs dims = dimsOf(x), out = *wanted;
  if (dims.size() > out.size())
    out.insert(out.begin(), dims.size() - out.size(), n.dim(1));
  for (size_t i = 1; i <= dims.size(); ++i) {
    auto have = constantDim(dims[dims.size() - i]), wish = constantDim(out[out.size() - i]);
    if (have && wish && *have != *wish && *have != 1 && *wish != 1)
      return {n.refuse("expects sizes to broadcast, got " + Twine(*have) + " and " + Twine(*wish))};
    out[out.size() - i] = expandedDim(n, dims[dims.size() - i], out[out.size() - i]);
  }
  return {n.broadcast(x, out)};
}

Values tile(Node &n) {
  Value x = n.in(0);
  auto repeats = x ? n.sizes(1) : std::nullopt;
  if (!repeats)
    return {};
  DimExprs dims = dimsOf(x);
  if (repeats->size() != dims.size())
    return {n.refuse("expects one repeat per axis")};
  for (auto [dim, repeat] : llvm::zip_equal(dims, *repeats))
    dim = simplifyDim(dim * repeat);
  RankedTensorType type = makeTensorType(dims, elementOf(x));
  return {type == x.getType() ? x : n.size("nn.tile", x, type)};
}

//===- blocks of pixels -===//

/// [N, C, H, W] with channels split in three and spatial axes in two, permuted and put together again.
Values depthToSpace(Node &n) {
  Value x = n.in(0);
  int64_t block = n.integer("blocksize", 0);
  if (!x || rankOf(x) != 4 || block < 1 || block > 65536)
    return {x ? n.refuse("expects rank 4 and a positive blocksize") : Value()};
  DimExprs d = dimsOf(x);
  AffineExpr depth = exactQuotient(d[1], n.dim(block * block)), b = n.dim(block);
  if (!n.require(simplifyDim(depth * (block * block)), d[1]))
    return {};
  bool isColumnFirst = n.text("mode", "DCR") == "CRD";
  Value split =
      n.reshape(x, isColumnFirst ? DimExprs{d[0], depth, b, b, d[2], d[3]} : DimExprs{d[0], b, b, depth, d[2], d[3]});
  Value moved =
      n.transpose(split, isColumnFirst ? ArrayRef<int64_t>{0, 1, 4, 2, 5, 3} : ArrayRef<int64_t>{0, 3, 4, 1, 5, 2});
  return {n.reshape(moved, {d[0], depth, simplifyDim(d[2] * block), simplifyDim(d[3] * block)})};
}

Values spaceToDepth(Node &n) {
  Value x = n.in(0);
  int64_t block = n.integer("blocksize", 0);
  if (!x || rankOf(x) != 4 || block < 1 || block > 65536)
    return {x ? n.refuse("expects rank 4 and a positive blocksize") : Value()};
  DimExprs d = dimsOf(x);
  AffineExpr b = n.dim(block), h = exactQuotient(d[2], b), w = exactQuotient(d[3], b);
  bool isColumnFirst = n.text("mode", "DCR") == "CRD";
  Value moved = n.transpose(n.reshape(x, {d[0], d[1], h, b, w, b}),
                            isColumnFirst ? ArrayRef<int64_t>{0, 1, 3, 5, 2, 4} : ArrayRef<int64_t>{0, 3, 5, 1, 2, 4});
  return {n.reshape(moved, {d[0], simplifyDim(d[1] * (block * block)), h, w})};
}

constexpr ConverterEntry kTable[] = {
    {"Identity", 1, kNewest, identity},
    {"Shape", 1, kNewest, shape},
    {"Size", 1, kNewest, elementCount},
    {"Reshape", 5, kNewest, reshape},
    {"Flatten", 1, kNewest, flatten},
    {"Squeeze", 1, kNewest, squeeze},
    {"Unsqueeze", 1, kNewest, unsqueeze},
    {"Transpose", 1, kNewest, transpose},
    {"Concat", 4, kNewest, concat},
    {"Expand", 8, kNewest, expand},
    {"Tile", 6, kNewest, tile},
    {"DepthToSpace", 1, kNewest, depthToSpace},
    {"SpaceToDepth", 1, kNewest, spaceToDepth},
};

} // namespace

llvm::ArrayRef<ConverterEntry> shapeConverters() { return kTable; }

} // namespace lathe::importer
