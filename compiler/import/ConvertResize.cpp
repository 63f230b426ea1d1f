// Resize and Upsample.
#include "compiler/import/Node.h"
#include <cmath>

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

/// What a resize node says, whatever its opset.
struct Resize {
  Value input;
  Ints axes;                  // those that scales or sizes speak of
  SmallVector<double> scales; // 0: from the sizes
  DimExprs dims;              // of the output
  SmallVector<double> roi;    // starts, then ends
  ResizeMode mode = ResizeMode::nearest;
  CoordinateMode coordinates = CoordinateMode::asymmetric;
  NearestMode nearest = NearestMode::nearest_floor;
};

/// floor(size * scale) in single precision, as models are trained to expect.
AffineExpr scaledDim(Node &n, AffineExpr size, double scale) {
  if (auto number = constantDim(size))
    return n.dim(int64_t(std::floor(float(*number) * float(scale))));
  return scaledFloor(size, scale, n.symbols);
}

bool readMode(Node &n, Resize &resize) {
  std::string mode = n.text("mode", "nearest");
  if (mode == "bilinear" || mode == "trilinear")
    mode = "linear";
  for (ResizeMode known : {ResizeMode::nearest, ResizeMode::linear, ResizeMode::cubic})
    if (stringifyResizeMode(known) == mode)
      return resize.mode = known, true;
  return n.refuse("expects a known mode, got '" + mode + "'"), false;
}

bool readScales(Node &n, Resize &resize, ArrayRef<double> scales) {
  if (scales.size() != resize.axes.size())
    return n.refuse("expects one scale per axis, got " + Twine(scales.size())), false;
  for (auto [axis, scale] : llvm::zip_equal(resize.axes, scales)) {
    if (!(scale > 0) || scale > 1e6)
      return n.refuse("expects scales to be positive"), false;
    resize.scales[axis] = scale;
    double covered = resize.coordinates == CoordinateMode::tf_crop_and_resize
                         ? resize.roi[axis + resize.dims.size()] - resize.roi[axis]
                         : 1.0;
    resize.dims[axis] = scaledDim(n, resize.dims[axis], scale * covered);
  }
  return true;
}

/// One scale for all axes, so that the result fits into (not_larger) or covers (not_smaller) the sizes.
bool keepAspectRatio(Node &n, Resize &resize, ArrayRef<AffineExpr> sizes, bool isLarger) {
  double scale = isLarger ? 0 : INFINITY;
  for (auto [axis, size] : llvm::zip_equal(resize.axes, sizes)) {
    auto wanted = constantDim(size), have = constantDim(resize.dims[axis]);
    if (!wanted || !have || *have == 0)
      return n.refuse("expects static sizes with keep_aspect_ratio_policy"), false;
    double ratio = double(*wanted) / double(*have);
    scale = isLarger ? std::max(scale, ratio) : std::min(scale, ratio);
  }
  for (int64_t axis : resize.axes) {
    resize.scales[axis] = scale;
    resize.dims[axis] = n.dim(int64_t(std::floor(scale * double(*constantDim(resize.dims[axis])) + 0.5)));
  }
  return true;
}

bool readSizes(Node &n, Resize &resize, unsigned input) {
  auto sizes = n.sizes(input);
  if (!sizes || sizes->size() != resize.axes.size())
    return sizes ? (n.refuse("expects one size per axis, got " + Twine(sizes->size())), false) : false;
  std::string policy = n.text("keep_aspect_ratio_policy", "stretch");
  if (policy != "stretch")
    return keepAspectRatio(n, resize, *sizes, policy == "not_smaller");
  for (auto [axis, size] : llvm::zip_equal(resize.axes, *sizes))
    resize.dims[axis] = size;
  return true;
}

bool readRoi(Node &n, Resize &resize) {
  size_t rank = resize.dims.size(), count = resize.axes.size();
  resize.roi.assign(rank * 2, 0);
  std::fill(resize.roi.begin() + rank, resize.roi.end(), 1.0);
  if (resize.coordinates != CoordinateMode::tf_crop_and_resize)
    return true;
  auto roi = n.knownNumbers(1);
  if (!roi || roi->size() != count * 2)
    return roi ? (n.refuse("expects roi to have two entries per axis"), false) : false;
  for (size_t i = 0; i < count; ++i) {
    resize.roi[resize.axes[i]] = (*roi)[i];
    resize.roi[resize.axes[i] + rank] = (*roi)[i + count];
  }
  return true;
}

Values build(Node &n, const Resize &resize) {
  SmallVector<NamedAttribute> attributes{n.kindAttr<ResizeModeAttr>(resize.mode, "mode"),
                                         n.kindAttr<CoordinateModeAttr>(resize.coordinates, "coordinates"),
                                         n.kindAttr<NearestModeAttr>(resize.nearest, "nearest"),
                                         n.floatsAttr("scales", resize.scales),
                                         n.floatsAttr("roi", resize.roi),
                                         n.floatAttr("cubic_a", n.real("cubic_coeff_a", -0.75)),
                                         n.floatAttr("extrapolation", n.real("extrapolation_value", 0))};
  if (n.integer("exclude_outside", 0) != 0)
    attributes.push_back(n.unitAttr("exclude_outside"));
  if (n.integer("antialias", 0) != 0)
    attributes.push_back(n.unitAttr("antialias"));
  return {n.size("nn.resize", resize.input, makeTensorType(resize.dims, elementOf(resize.input)), attributes)};
}

std::optional<Resize> begin(Node &n) {
  Resize resize;
  resize.input = n.in(0);
  if (!resize.input || !readMode(n, resize))
    return std::nullopt;
  resize.dims = dimsOf(resize.input);
  resize.scales.assign(resize.dims.size(), 0);
  auto axes = n.axes(n.integersOf("axes"), int64_t(resize.dims.size()));
  if (!axes)
    return std::nullopt;
  resize.axes = *axes;
  for (size_t i = 0; !n.hasAttr("axes") && i < resize.dims.size(); ++i)
    resize.axes.push_back(int64_t(i));
  // Axes that are not spoken of keep their size.
  for (size_t i = 0; i < resize.dims.size(); ++i)
    if (!llvm::is_contained(resize.axes, int64_t(i)))
      resize.scales[i] = 1.0;
  return resize;
}

/// Upsample and Resize-10: scales only, asymmetric coordinates.
Values resize7(Node &n) {
  auto resize = begin(n);
  if (!resize || !readRoi(n, *resize))
    return {};
  auto scales = n.hasAttr("scales") ? std::optional(n.realsOf("scales")) : n.knownNumbers(1);
  return scales && readScales(n, *resize, *scales) ? build(n, *resize) : Values();
}

/// The value of an enum attribute by its name.
template <typename Kind>
bool readKind(Node &n, StringRef attribute, StringRef otherwise, std::optional<Kind> (*parse)(StringRef), Kind &out) {
  std::string name = n.text(attribute, otherwise);
  if (name == "floor" || name == "ceil")
    name = "nearest_" + name;
  auto kind = parse(name);
  if (!kind)
    return n.refuse("expects a known " + attribute + ", got '" + name + "'"), false;
  out = *kind;
  return true;
}

bool isGiven(Node &n, unsigned input) {
  Value value = n.optional(input);
  return value && !(typeOf(value).hasStaticShape() && typeOf(value).getNumElements() == 0);
}

Values resize11(Node &n) {
  auto resize = begin(n);
  if (!resize ||
      !readKind<CoordinateMode>(n, "coordinate_transformation_mode", "half_pixel", symbolizeCoordinateMode,
                                resize->coordinates) ||
      !readKind<NearestMode>(n, "nearest_mode", "round_prefer_floor", symbolizeNearestMode, resize->nearest) ||
      !readRoi(n, *resize))
    return {};
  if (isGiven(n, 3))
    return readSizes(n, *resize, 3) ? build(n, *resize) : Values();
  auto scales = n.knownNumbers(2);
  return scales && readScales(n, *resize, *scales) ? build(n, *resize) : Values();
}

constexpr ConverterEntry kTable[] = {
    {"Upsample", 7, kNewest, resize7},
    {"Resize", 10, 10, resize7},
    {"Resize", 11, kNewest, resize11},
};

} // namespace

llvm::ArrayRef<ConverterEntry> resizeConverters() { return kTable; }

} // namespace lathe::importer
