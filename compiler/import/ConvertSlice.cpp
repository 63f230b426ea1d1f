// Slice, Split, Pad: parts of tensors, and tensors in larger ones.
#include "compiler/import/Products.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

// Beyond it, a position means "the end": exporters write INT32_MAX, INT64_MAX. From kLarge on it is taken for that too, and
// checked at run time.
constexpr int64_t kFar = INT32_MAX, kLarge = 1 << 20;

/// min(value, size), taking for granted (and having checked at run time) what shape arithmetic implies.
AffineExpr atMost(Node &n, AffineExpr value, AffineExpr size) {
  AffineExpr result = smaller(value, size, n.symbols);
  if (result == value || result == size)
    return result;
  auto number = constantDim(value);
  bool isFed = rangeOf(value, n.symbols).min == INT64_MIN;
  if (number && *number >= kLarge) {
    n.require(result, size);
    return size;
  }
  // A literal beyond 1 is often meant to cut; a computed position, or the first element, is meant to be there.
  if (isFed || (number && *number > 1))
    return result;
  n.require(result, value);
  return value;
}

AffineExpr atLeastZero(Node &n, AffineExpr value, bool isAssumed) {
  AffineExpr zero = n.dim(0), result = larger(value, zero, n.symbols);
  if (!isAssumed || result == value || result == zero)
    return result;
  n.require(result, value);
  return value;
}

/// A start or end in [0, size], negative ones counted from the end.
AffineExpr position(Node &n, AffineExpr value, AffineExpr size) {
  if (auto number = constantDim(value)) {
    if (*number >= kFar)
      return size;
    if (*number <= -kFar)
      return n.dim(0);
    if (*number < 0)
      return atLeastZero(n, simplifyDim(size + *number), /*isAssumed=*/*number == -1);
    return atMost(n, value, size);
  }
  DimRange range = rangeOf(value, n.symbols);
  if (range.min == INT64_MIN) { // fed by the caller: any integer
    AffineExpr counted = selectNonNegative(value, value, simplifyDim(value + size), n.symbols);
    return larger(smaller(counted, size, n.symbols), n.dim(0), n.symbols);
  }
  if (range.max < 0)
    return atLeastZero(n, simplifyDim(size + value), /*isAssumed=*/true);
  return atMost(n, range.min >= 0 ? value : atLeastZero(n, value, /*isAssumed=*/true), size);
}

/// One axis of a slice: where it starts and how many elements it has.
struct Cut {
  AffineExpr start, size;
};

Cut forwardCut(Node &n, AffineExpr start, AffineExpr end, AffineExpr size, int64_t step) {
  AffineExpr first = position(n, start, size), last = position(n, end, size);
  AffineExpr length = simplifyDim((last - first).ceilDiv(step));
  return {first, larger(length, n.dim(0), n.symbols)};
}

/// With a negative step positions count down: starts in [-1, size - 1], ends in [-1, size - 1].
std::optional<Cut> backwardCut(Node &n, AffineExpr start, AffineExpr end, AffineExpr size, int64_t step) {
  auto from = constantDim(start), to = constantDim(end);
  if (!from || !to || step == INT64_MIN) {
    n.refuse("expects constant starts and ends with a negative step");
    return std::nullopt;
  }
  auto clamp = [&](int64_t value) {
    AffineExpr last = simplifyDim(size - 1);
    if (value >= kFar)
      return last;
    if (value <= -kFar)
      return n.dim(-1);
    AffineExpr at = value < 0 ? simplifyDim(size + value) : n.dim(value);
    return larger(smaller(at, last, n.symbols), n.dim(-1), n.symbols);
  };
  AffineExpr first = clamp(*from), last = clamp(*to);
  AffineExpr length = simplifyDim((first - last).ceilDiv(-step));
  return Cut{larger(first, n.dim(0), n.symbols), larger(length, n.dim(0), n.symbols)};
}

struct SliceArguments {
  DimExprs starts, ends;
  Ints axes, steps;
};

std::optional<SliceArguments> sliceArguments(Node &n, int64_t rank) {
  SliceArguments result;
  if (n.version < 10) {
    for (int64_t value : n.integersOf("starts"))
      result.starts.push_back(n.dim(value));
    for (int64_t value : n.integersOf("ends"))
      result.ends.push_back(n.dim(value));
    result.axes = n.integersOf("axes");
  } else {
    auto starts = n.sizes(1), ends = starts ? n.sizes(2) : std::nullopt;
    auto axes = n.has(3) ? n.knownIntegers(3) : std::optional(Ints());
    auto steps = n.has(4) ? n.knownIntegers(4) : std::optional(Ints());
    if (!ends || !axes || !steps)
      return std::nullopt;
    result = {*starts, *ends, *axes, *steps};
  }
  size_t count = result.starts.size();
  bool hasAxes = n.version < 10 ? n.hasAttr("axes") : n.has(3);
  for (size_t i = 0; !hasAxes && i < count; ++i)
    result.axes.push_back(int64_t(i));
  if (result.steps.empty())
    result.steps.assign(count, 1);
  if (result.ends.size() != count || result.axes.size() != count || result.steps.size() != count) {
    n.refuse("expects as many starts as ends, axes and steps");
    return std::nullopt;
  }
  auto axes = n.axes(result.axes, rank);
  if (!axes)
    return std::nullopt;
  result.axes = *axes;
  return result;
}

Values slice(Node &n) {
  Value x = n.in(0);
  auto arguments = x ? sliceArguments(n, rankOf(x)) : std::nullopt;
  if (!arguments)
    return {};
  DimExprs sizes = dimsOf(x), starts(sizes.size(), n.dim(0));
  Ints steps(sizes.size(), 1);
  for (auto [i, axis] : llvm::enumerate(arguments->axes)) {
    int64_t step = arguments->steps[i];
    if (step == 0)
      return {n.refuse("expects steps not to be 0")};
    std::optional<Cut> cut = step > 0 ? forwardCut(n, arguments->starts[i], arguments->ends[i], sizes[axis], step)
                                      : backwardCut(n, arguments->starts[i], arguments->ends[i], sizes[axis], step);
    if (!cut)
      return {};
    starts[axis] = constantDim(cut->size) == 0 ? n.dim(0) : cut->start;
    sizes[axis] = cut->size;
    steps[axis] = step;
  }
  return {n.slice(x, starts, sizes, steps)};
}

//===- Split -===//

/// Sizes of the parts: given, or equal ones (the last smaller since opset 18).
std::optional<DimExprs> splitSizes(Node &n, AffineExpr total) {
  if (n.has(1))
    return n.sizes(1);
  DimExprs sizes;
  for (int64_t size : n.integersOf("split"))
    sizes.push_back(n.dim(size));
  if (!sizes.empty())
    return sizes;
  int64_t count = n.integer("num_outputs", n.numOutputs());
  if (count < 1 || count > 65536) {
    n.refuse("expects num_outputs to be positive");
    return std::nullopt;
  }
  AffineExpr part = simplifyDim(total.ceilDiv(count));
  if (auto known = constantDim(total); !known || *known % count == 0 || n.version < 18)
    part = exactQuotient(total, n.dim(count));
  sizes.assign(count - 1, part);
  sizes.push_back(simplifyDim(total - part * (count - 1)));
  return sizes;
}

} // namespace

Values splitAlong(Node &n, Value x, int64_t axis, ArrayRef<AffineExpr> sizes) {
  Values parts;
  AffineExpr start = n.dim(0), total = dimsOf(x)[axis];
  for (AffineExpr size : sizes) {
    if (auto number = constantDim(size); number && *number < 0) {
      n.refuse("expects sizes of parts not to be negative");
      return {};
    }
    parts.push_back(n.sliceAxis(x, axis, start, size));
    start = simplifyDim(start + size);
  }
  if (!n.require(start, total))
    return {};
  return parts;
}

namespace {

Values split(Node &n) {
  Value x = n.in(0);
  auto axis = x ? n.axis(n.integer("axis", 0), rankOf(x)) : std::nullopt;
  auto sizes = axis ? splitSizes(n, dimsOf(x)[*axis]) : std::nullopt;
  if (!sizes)
    return {};
  if (sizes->size() != n.numOutputs())
    return {n.refuse("expects one output per part, got " + Twine(n.numOutputs()) + " for " + Twine(sizes->size()))};
  return splitAlong(n, x, *axis, *sizes);
}

//===- Pad -===//

std::optional<PadMode> padMode(Node &n) {
  std::string mode = n.text("mode", "constant");
  for (PadMode known : {PadMode::constant, PadMode::reflect, PadMode::edge, PadMode::wrap})
    if (stringifyPadMode(known) == mode)
      return known;
  n.refuse("expects a known mode, got '" + mode + "'");
  return std::nullopt;
}

/// What is padded with; null for zero.
std::optional<Value> padValue(Node &n, Value x, PadMode mode) {
  if (mode != PadMode::constant)
    return Value();
  if (n.version < 11)
    return n.real("value", 0) != 0 ? n.scalar(n.real("value", 0), elementOf(x)) : Value();
  if (!n.has(2))
    return Value();
  Value value = n.in(2);
  if (value && typeOf(value).hasStaticShape() && typeOf(value).getNumElements() == 1)
    return n.reshape(value, {});
  n.refuse("expects constant_value to be a scalar");
  return std::nullopt;
}

Values pad(Node &n) {
  Value x = n.in(0);
  auto mode = x ? padMode(n) : std::nullopt;
  std::optional<DimExprs> pads;
  if (mode && n.version >= 11)
    pads = n.sizes(1);
  else if (mode) {
    pads.emplace();
    for (int64_t value : n.integersOf("pads"))
      pads->push_back(n.dim(value));
  }
  auto axes = pads && n.has(3) ? n.knownIntegers(3) : std::optional(Ints());
  if (!pads || !axes)
    return {};
  for (int64_t i = 0; !n.has(3) && i < rankOf(x); ++i)
    axes->push_back(i);
  auto normal = n.axes(*axes, rankOf(x));
  if (!normal || pads->size() != normal->size() * 2)
    return {normal ? n.refuse("expects two pads per axis, got " + Twine(pads->size())) : Value()};
  auto value = padValue(n, x, *mode);
  if (!value)
    return {};
  DimExprs dims = dimsOf(x), low(dims.size(), n.dim(0));
  for (auto [i, axis] : llvm::enumerate(*normal)) {
    low[axis] = (*pads)[i];
    dims[axis] = simplifyDim(dims[axis] + (*pads)[i] + (*pads)[i + normal->size()]);
    if (auto size = constantDim(dims[axis]); size && *size < 0)
      return {n.refuse("expects padded sizes not to be negative, got " + Twine(*size))};
  }
  return {n.pad(x, *value, low, dims, *mode)};
}

constexpr ConverterEntry kTable[] = {
    {"Slice", 1, kNewest, slice},
    {"Split", 2, kNewest, split},
    {"Pad", 2, kNewest, pad},
};

} // namespace

llvm::ArrayRef<ConverterEntry> sliceConverters() { return kTable; }

} // namespace lathe::importer
