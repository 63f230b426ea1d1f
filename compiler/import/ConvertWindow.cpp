// Convolutions and pooling.
#include "compiler/import/Products.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

bool allPositive(ArrayRef<int64_t> values) {
  return llvm::all_of(values, [](int64_t v) { return v > 0 && v < (1 << 30); });
}

/// Total padding of one axis under SAME: what makes the output ceil(in / stride).
AffineExpr samePadding(Node &n, AffineExpr in, int64_t extent, int64_t stride) {
  if (stride == 1)
    return n.dim(extent - 1);
  AffineExpr needed = (in.ceilDiv(stride) - 1) * stride + extent - in;
  return larger(simplifyDim(needed), n.dim(0), n.symbols);
}

/// SAME padding: static where the sizes are, else an nn.pad before the operation.
bool applySame(Node &n, Value &input, Window &window, bool isUpper, Value padWith) {
  size_t spatial = window.kernel.size();
  DimExprs dims = dimsOf(input), low(dims.size(), n.dim(0)), padded = dims;
  bool isStatic = true;
  for (size_t i = 0; i < spatial; ++i) {
    AffineExpr total = samePadding(n, dims[i + 2], (window.kernel[i] - 1) * window.dilations[i] + 1, window.strides[i]);
    AffineExpr begin = simplifyDim(isUpper ? total.floorDiv(2) : total.ceilDiv(2));
    low[i + 2] = begin;
    padded[i + 2] = simplifyDim(dims[i + 2] + total);
    auto size = constantDim(total), before = constantDim(begin);
    isStatic &= size.has_value();
    window.pads[i] = before.value_or(0);
    window.pads[i + spatial] = size ? *size - *before : 0;
  }
  if (isStatic)
    return true;
  window.pads.assign(spatial * 2, 0);
  input = n.pad(input, padWith, low, padded, PadMode::constant);
  return bool(input);
}

} // namespace

std::optional<Window> readWindow(Node &n, Value &input, ArrayRef<int64_t> kernel, double padValue, Value padWith) {
  size_t spatial = kernel.size();
  Window window{Ints(kernel.begin(), kernel.end()), n.integersOr("strides", spatial, 1),
                n.integersOr("dilations", spatial, 1), n.integersOr("pads", spatial * 2, 0)};
  auto refuse = [&](const Twine &reason) {
    n.refuse(reason);
    return std::nullopt;
  };
  if (!input || spatial == 0 || rankOf(input) != int64_t(spatial) + 2)
    return input ? refuse("expects one kernel size per spatial axis") : std::nullopt;
  if (window.strides.size() != spatial || window.dilations.size() != spatial || window.pads.size() != spatial * 2)
    return refuse("expects strides, dilations and pads for " + Twine(spatial) + " spatial axes");
  if (!allPositive(kernel) || !allPositive(window.strides) || !allPositive(window.dilations))
    return refuse("expects kernel sizes, strides and dilations to be positive");
  if (llvm::any_of(window.pads, [](int64_t pad) { return pad < 0 || pad > (1 << 30); }))
    return refuse("expects pads not to be negative");
  std::string mode = n.text("auto_pad", "NOTSET");
  if (mode == "VALID")
    window.pads.assign(spatial * 2, 0);
  else if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    Value outside = padWith ? n.reshape(padWith, {}) : n.scalar(padValue, elementOf(input));
    if (!applySame(n, input, window, mode == "SAME_UPPER", outside))
      return std::nullopt;
  } else if (mode != "NOTSET" && !mode.empty())
    return refuse("expects a known auto_pad, got '" + mode + "'");
  return window;
}

static std::optional<Ints> staticKernel(Node &n, Value filter) {
  Ints kernel;
  for (int64_t size : typeOf(filter).getShape().drop_front(std::min<size_t>(2, rankOf(filter))))
    kernel.push_back(size);
  Ints given = n.integersOf("kernel_shape");
  if (llvm::is_contained(kernel, ShapedType::kDynamic)) {
    n.refuse("expects kernel sizes to be static");
    return std::nullopt;
  }
  if (!given.empty() && given != kernel) {
    n.refuse("expects kernel_shape to be the filter's sizes");
    return std::nullopt;
  }
  return kernel;
}

Value convolve(Node &n, Value input, Value filter, Value bias, Value inputZero, Value filterZero) {
  auto kernel = input && filter ? staticKernel(n, filter) : std::nullopt;
  auto window = kernel ? readWindow(n, input, *kernel, 0, inputZero) : std::nullopt;
  if (!window)
    return {};
  SmallVector<Value> operands{input, filter};
  SmallVector<int32_t> segments{1, 1};
  for (Value optional : {bias, inputZero, filterZero}) {
    segments.push_back(optional ? 1 : 0);
    if (optional)
      operands.push_back(optional);
  }
  Value result = n.infer("nn.conv", operands,
                         {n.intsAttr("strides", window->strides), n.intsAttr("pads", window->pads),
                          n.intsAttr("dilations", window->dilations), n.intAttr("group", n.integer("group", 1)),
                          n.segmentsAttr(segments)});
  if (result && !n.require(dimsOf(input)[1], dimsOf(filter)[1] * n.integer("group", 1)))
    return {};
  return result;
}

namespace {

Values conv(Node &n) { return {convolve(n, n.in(0), n.in(1), n.optional(2))}; }

/// Pads that give `output_shape`, or the sizes of SAME; fills `sizes` with the output's spatial sizes.
bool transposedSizes(Node &n, ArrayRef<AffineExpr> in, Window &window, DimExprs &sizes) {
  size_t spatial = window.kernel.size();
  auto isOutside = [](int64_t value) { return value < 0 || value > (1 << 30); };
  Ints extra = n.integersOr("output_padding", spatial, 0), wanted = n.integersOf("output_shape");
  std::string mode = n.text("auto_pad", "NOTSET");
  bool isSame = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  if (extra.size() != spatial || (!wanted.empty() && wanted.size() != spatial))
    return n.refuse("expects output_padding and output_shape for " + Twine(spatial) + " spatial axes"), false;
  if (llvm::any_of(extra, isOutside) || llvm::any_of(window.pads, isOutside) || llvm::any_of(wanted, isOutside))
    return n.refuse("expects pads, output_padding and output_shape not to be negative"), false;
  for (size_t i = 0; i < spatial; ++i) {
    AffineExpr full =
        simplifyDim((in[i] - 1) * window.strides[i] + extra[i] + (window.kernel[i] - 1) * window.dilations[i] + 1);
    sizes.push_back(simplifyDim(full - window.pads[i] - window.pads[i + spatial]));
    if (wanted.empty() && !isSame)
      continue;
    sizes[i] = wanted.empty() ? simplifyDim(in[i] * window.strides[i]) : n.dim(wanted[i]);
    auto total = constantDim(simplifyDim(full - sizes[i]));
    if (!total)
      return n.refuse("expects static sizes with output_shape"), false;
    int64_t padding = std::max<int64_t>(*total, 0), half = padding / 2;
    window.pads[i] = mode == "SAME_UPPER" ? half : padding - half;
    window.pads[i + spatial] = padding - window.pads[i];
  }
  return true;
}

Values convTranspose(Node &n) {
  Value input = n.in(0), filter = n.in(1);
  auto kernel = input && filter ? staticKernel(n, filter) : std::nullopt;
  if (!kernel || kernel->empty() || rankOf(input) != int64_t(kernel->size()) + 2)
    return {kernel ? n.refuse("expects input and filter of one rank, 3 or more") : Value()};
  size_t spatial = kernel->size();
  Window window{*kernel, n.integersOr("strides", spatial, 1), n.integersOr("dilations", spatial, 1),
                n.integersOr("pads", spatial * 2, 0)};
  if (window.strides.size() != spatial || window.dilations.size() != spatial || window.pads.size() != spatial * 2 ||
      !allPositive(*kernel) || !allPositive(window.strides) || !allPositive(window.dilations))
    return {n.refuse("expects positive strides and dilations, and pads, for " + Twine(spatial) + " spatial axes")};
  DimExprs dims = dimsOf(input), sizes;
  if (n.text("auto_pad", "NOTSET") == "VALID")
    window.pads.assign(spatial * 2, 0);
  if (!transposedSizes(n, ArrayRef(dims).drop_front(2), window, sizes))
    return {};
  int64_t group = n.integer("group", 1);
  if (group < 1 || group > (1 << 30))
    return {n.refuse("expects group to be positive, got " + Twine(group))};
  DimExprs out{dims[0], simplifyDim(dimsOf(filter)[1] * group)};
  out.append(sizes);
  SmallVector<Value> operands{input, filter};
  if (n.has(2))
    operands.push_back(n.in(2));
  return {n.size("nn.conv_transpose", operands, makeTensorType(out, elementOf(input)),
                 {n.intsAttr("strides", window.strides), n.intsAttr("pads", window.pads),
                  n.intsAttr("dilations", window.dilations), n.intAttr("group", group)})};
}

//===- pooling -===//

/// Output sizes. In ceil mode a window that would begin in the end padding is dropped.
DimExprs pooledDims(Node &n, Value input, const Window &window) {
  DimExprs dims = dimsOf(input);
  bool isCeil = n.integer("ceil_mode", 0) != 0;
  for (size_t i = 0, spatial = window.kernel.size(); i < spatial; ++i) {
    AffineExpr &size = dims[i + 2];
    AffineExpr room =
        size + window.pads[i] + window.pads[i + spatial] - (window.kernel[i] - 1) * window.dilations[i] - 1;
    AffineExpr starts = simplifyDim(size + window.pads[i]).ceilDiv(window.strides[i]);
    if (isCeil)
      size = smaller(simplifyDim(room.ceilDiv(window.strides[i]) + 1), simplifyDim(starts), n.symbols);
    else
      size = simplifyDim(room.floorDiv(window.strides[i]) + 1);
  }
  return dims;
}

bool fits(Node &n, ArrayRef<AffineExpr> dims) {
  for (AffineExpr dim : dims)
    if (auto size = constantDim(dim); size && *size < 0)
      return n.refuse("expects the window to fit into the padded input"), false;
  return true;
}

double lowestOf(Type type) {
  if (auto floating = dyn_cast<FloatType>(type))
    return -std::numeric_limits<double>::infinity();
  return isUnsigned(type) ? 0 : -std::ldexp(1.0, int(type.getIntOrFloatBitWidth()) - 1);
}

Value pool(Node &n, PoolKind kind, Value &input, std::optional<Window> &window, DimExprs &dims) {
  input = n.in(0);
  if (!input)
    return {};
  std::string mode = n.text("auto_pad", "NOTSET");
  window =
      readWindow(n, input, n.integersOf("kernel_shape"), kind == PoolKind::pool_max ? lowestOf(elementOf(input)) : 0);
  if (!window)
    return {};
  bool paddedBefore = input != n.in(0);
  if (paddedBefore && kind == PoolKind::pool_average && n.integer("count_include_pad", 0) == 0)
    return n.refuse("auto_pad " + mode + " needs static sizes in average pooling");
  dims = pooledDims(n, input, *window);
  if (!fits(n, dims))
    return {};
  SmallVector<NamedAttribute> attributes{n.kindAttr<PoolKindAttr>(kind),
                                         n.intsAttr("kernel", window->kernel),
                                         n.intsAttr("strides", window->strides),
                                         n.intsAttr("pads", window->pads),
                                         n.intsAttr("dilations", window->dilations),
                                         n.intAttr("p", n.integer("p", 2))};
  if (n.integer("count_include_pad", 0) != 0)
    attributes.push_back(n.unitAttr("count_include_pad"));
  return n.size("nn.pool", input, makeTensorType(dims, elementOf(input)), attributes);
}

template <PoolKind kind> Values plainPool(Node &n) {
  Value input;
  std::optional<Window> window;
  DimExprs dims;
  return {pool(n, kind, input, window, dims)};
}

Values maxPool(Node &n) {
  Value input;
  std::optional<Window> window;
  DimExprs dims;
  Value result = pool(n, PoolKind::pool_max, input, window, dims);
  if (!result || !n.wants(1))
    return {result};
  if (input != n.in(0))
    return {n.refuse("indices with auto_pad need static sizes")};
  SmallVector<NamedAttribute> attributes{n.intsAttr("kernel", window->kernel), n.intsAttr("strides", window->strides),
                                         n.intsAttr("pads", window->pads), n.intsAttr("dilations", window->dilations)};
  if (n.integer("storage_order", 0) != 0)
    attributes.push_back(n.unitAttr("column_major"));
  return {result, n.size("nn.max_pool_indices", input, makeTensorType(dims, n.i64()), attributes)};
}

template <ReduceKind kind> Values globalPool(Node &n) {
  Value x = n.in(0);
  Ints axes;
  for (int64_t i = 2; x && i < rankOf(x); ++i)
    axes.push_back(i);
  return {n.reduce(kind, x, axes, /*keepdims=*/true)};
}

Values globalLpPool(Node &n) {
  int64_t p = n.integer("p", 2);
  if (p != 1 && p != 2)
    return {n.refuse("expects p to be 1 or 2, got " + Twine(p))};
  return p == 1 ? globalPool<ReduceKind::l1>(n) : globalPool<ReduceKind::l2>(n);
}

/// Writes each value to the place that max-pooling took it from.
Values maxUnpool(Node &n) {
  Value x = n.in(0), indices = n.in(1);
  if (!x || !indices)
    return {};
  if (n.has(2))
    return {n.refuse("output_shape is not supported")};
  Ints kernel = n.integersOf("kernel_shape");
  auto window = readWindow(n, x, kernel, 0);
  if (!window)
    return {};
  DimExprs dims = dimsOf(x);
  AffineExpr count = dimProduct(dims, n.context());
  for (size_t i = 0; i < kernel.size(); ++i)
    dims[i + 2] = simplifyDim((dims[i + 2] - 1) * window->strides[i] + kernel[i] - window->pads[i] -
                              window->pads[i + kernel.size()]);
  Value zeros = n.broadcast(n.scalar(0, elementOf(x)), dimProduct(dims, n.context()));
  Value written =
      n.infer("nn.scatter_elements", {zeros, n.reshape(indices, count), n.reshape(x, count)},
              {n.intAttr("axis", 0), n.kindAttr<ScatterReductionAttr>(ScatterReduction::none, "reduction")});
  return {n.reshape(written, dims)};
}

constexpr ConverterEntry kTable[] = {
    {"Conv", 1, kNewest, conv},
    {"ConvTranspose", 1, kNewest, convTranspose},
    {"MaxPool", 1, kNewest, maxPool},
    {"AveragePool", 7, kNewest, plainPool<PoolKind::pool_average>},
    {"LpPool", 2, kNewest, plainPool<PoolKind::pool_lp>},
    {"GlobalAveragePool", 1, kNewest, globalPool<ReduceKind::mean>},
    {"GlobalMaxPool", 1, kNewest, globalPool<ReduceKind::max>},
    {"GlobalLpPool", 2, kNewest, globalLpPool},
    {"MaxUnpool", 9, kNewest, maxUnpool},
};

} // namespace

llvm::ArrayRef<ConverterEntry> windowConverters() { return kTable; }

} // namespace lathe::importer
