// nn.resize: interpolation is separable, so each axis is resized by itself with a list of taps per output
// coordinate.
#include "dialects/reference/Kernels.h"

using namespace mlir;
using lathe::nn::CoordinateMode;
using lathe::nn::NearestMode;
using lathe::nn::ResizeMode;

namespace lathe::reference {

namespace {

/// Inputs and weights that make one output coordinate; no taps: the extrapolation value.
struct Taps {
  SmallVector<int64_t, 4> index;
  SmallVector<double, 4> weight;
};

struct Axis {
  int64_t in, out;
  double scale, roiStart, roiEnd;
};

Axis axisOf(nn::ResizeOp op, const Args &args, size_t axis) {
  int64_t in = args[0].dim(int64_t(axis)), out = args.types[0].getDimSize(axis);
  double scale = op.getScales()[axis];
  bool hasRoi = !op.getRoi().empty();
  return {in, out, scale != 0 ? scale : double(out) / double(std::max<int64_t>(in, 1)), hasRoi ? op.getRoi()[axis] : 0,
          hasRoi ? op.getRoi()[axis + size_t(args[0].rank())] : 1};
}

/// Input coordinate of output coordinate `x`.
double originOf(CoordinateMode mode, const Axis &axis, int64_t x) {
  double length = axis.scale * double(axis.in), last = double(axis.in - 1);
  switch (mode) {
  case CoordinateMode::asymmetric:
    return double(x) / axis.scale;
  case CoordinateMode::align_corners:
    return length == 1 ? 0 : double(x) * last / (length - 1);
  case CoordinateMode::pytorch_half_pixel:
    return length > 1 ? (double(x) + 0.5) / axis.scale - 0.5 : -0.5;
  case CoordinateMode::half_pixel_symmetric: {
    double center = double(axis.in) / 2, offset = center * (1 - double(axis.out) / length);
    return offset + (double(x) + 0.5) / axis.scale - 0.5;
  }
  case CoordinateMode::tf_crop_and_resize:
    return axis.out > 1 ? axis.roiStart * last + double(x) * (axis.roiEnd - axis.roiStart) * last / double(axis.out - 1)
                        : 0.5 * (axis.roiStart + axis.roiEnd) * last;
  case CoordinateMode::tf_half_pixel_for_nn:
    return (double(x) + 0.5) / axis.scale;
  case CoordinateMode::half_pixel:
    break;
  }
  return (double(x) + 0.5) / axis.scale - 0.5;
}

double cubicWeight(double x, double a) {
  x = std::fabs(x);
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? a * (((x - 5) * x + 8) * x - 4) : 0;
}

/// Weight of the right one of the two neighbours, `ratio` in (0, 1] from the left one.
double nearestRight(NearestMode mode, double ratio) {
  switch (mode) {
  case NearestMode::round_prefer_floor:
    return ratio > 0.5;
  case NearestMode::round_prefer_ceil:
    return ratio >= 0.5;
  case NearestMode::nearest_floor:
    return ratio == 1;
  case NearestMode::nearest_ceil:
    return 1;
  }
  return 0;
}

/// Weights of neighbours first .. first + n - 1, counted from the one left of the coordinate.
SmallVector<double, 4> weightsOf(nn::ResizeOp op, double ratio, double scale, int64_t &first) {
  if (op.getMode() == ResizeMode::nearest) {
    double right = nearestRight(op.getNearest(), ratio);
    first = 0;
    return {1 - right, right};
  }
  bool isCubic = op.getMode() == ResizeMode::cubic;
  double shrink = op.getAntialias() ? std::min(scale, 1.0) : 1.0, reach = isCubic ? 2 : 1;
  first = int64_t(std::floor(-reach / shrink)) + 1;
  SmallVector<double, 4> weights;
  double sum = 0;
  for (int64_t i = first; i < 2 - first; ++i) {
    double x = (double(i) - ratio) * shrink;
    weights.push_back(isCubic ? cubicWeight(x, op.getCubicA().convertToDouble()) : std::max(0.0, 1 - std::fabs(x)));
    sum += weights.back();
  }
  for (double &weight : weights)
    weight /= sum;
  return weights;
}

Taps tapsOf(nn::ResizeOp op, const Axis &axis, int64_t x) {
  double origin = originOf(op.getCoordinates(), axis, x);
  if (op.getCoordinates() == CoordinateMode::tf_crop_and_resize && (origin < 0 || origin > double(axis.in - 1)))
    return {};
  int64_t left = int64_t(std::ceil(origin)) - 1, first;
  Taps taps;
  taps.weight = weightsOf(op, origin - double(left), axis.scale, first);
  double sum = 0;
  for (size_t i = 0; i < taps.weight.size(); ++i) {
    int64_t index = left + first + int64_t(i);
    if (op.getExcludeOutside() && (index < 0 || index >= axis.in))
      taps.weight[i] = 0;
    taps.index.push_back(std::clamp<int64_t>(index, 0, axis.in - 1));
    sum += taps.weight[i];
  }
  for (double &weight : taps.weight)
    weight /= op.getExcludeOutside() ? sum : 1;
  return taps;
}

/// One axis of `in` ([outer, axis.in, inner]) resized.
std::vector<double> resizeAxis(nn::ResizeOp op, const Axis &axis, const std::vector<double> &in, int64_t outer,
                               int64_t inner) {
  std::vector<double> out(size_t(outer * axis.out * inner));
  double extrapolation = op.getExtrapolation().convertToDouble();
  for (int64_t x = 0; x < axis.out; ++x) {
    Taps taps = tapsOf(op, axis, x);
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t i = 0; i < inner; ++i) {
        double sum = taps.index.empty() ? extrapolation : 0;
        for (auto [index, weight] : llvm::zip(taps.index, taps.weight))
          if (weight != 0)
            sum += weight * in[size_t((o * axis.in + index) * inner + i)];
        out[size_t((o * axis.out + x) * inner + i)] = sum;
      }
  }
  return out;
}

} // namespace

Result evaluate(nn::ResizeOp op, const Args &args) {
  SmallVector<int64_t> shape(args[0].shape());
  if (args.types[0].getNumElements() != 0 && args[0].size() == 0)
    return error("expects an input that is not empty");
  std::vector<double> values = dispatchNumber(args[0].elementType(), [&](auto tag) {
    const auto *in = args[0].data<decltype(tag)>();
    std::vector<double> wide(size_t(args[0].size()));
    for (size_t i = 0; i < wide.size(); ++i)
      wide[i] = double(in[i]);
    return wide;
  });
  for (size_t i = 0; i < shape.size(); ++i) {
    Axis axis = axisOf(op, args, i);
    if (axis.in == axis.out && axis.scale == 1 && op.getCoordinates() != CoordinateMode::tf_crop_and_resize)
      continue;
    AxisView view(shape, int64_t(i));
    values = resizeAxis(op, axis, values, view.outer, view.inner);
    shape[i] = axis.out;
  }
  return one(dispatchNumber(args[0].elementType(), [&](auto tag) {
    using T = decltype(tag);
    Tensor output = args.allocate();
    for (size_t i = 0; i < values.size(); ++i)
      output.mutableData<T>()[i] = convert<T>(values[i]);
    return output;
  }));
}

} // namespace lathe::reference
