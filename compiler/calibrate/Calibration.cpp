#include "compiler/calibrate/Calibration.h"
#include "dialects/support/Decisions.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;

namespace lathe {

namespace {
/// Of one point, over all samples.
struct Observed {
  Histogram histogram;
  std::vector<double> sums, squares; // of each channel
  double rows = 0;

  void add(const CalibrationPoint &point, const TapValue &value, bool isWeighted) {
    ArrayRef values(static_cast<const float *>(value.data), size_t(computeProduct(value.shape)));
    bool hasAxis = size_t(point.axis) < value.shape.size();
    size_t channels = hasAxis ? size_t(value.shape[size_t(point.axis)]) : 1;
    size_t inner = hasAxis ? size_t(computeProduct(value.shape.drop_front(size_t(point.axis) + 1))) : 1;
    histogram.add(values, isWeighted ? ArrayRef(point.weights) : ArrayRef<float>(), inner);
    sums.resize(channels), squares.resize(channels);
    rows += double(values.size()) / double(channels);
    for (size_t start = 0, channel = 0; start < values.size(); start += inner, channel = (channel + 1) % channels)
      for (float x : values.slice(start, inner)) {
        sums[channel] += x;
        squares[channel] += double(x) * x;
      }
  }

  Calibrated result(RangeMethod method) const {
    Calibrated result{histogram.range(method), sums, squares};
    for (auto [mean, square] : llvm::zip_equal(result.means, result.squares))
      mean /= rows, square /= rows;
    return result;
  }
};
} // namespace

llvm::Expected<std::vector<Calibrated>> calibrate(func::FuncOp function, ArrayRef<CalibrationPoint> points,
                                                  SampleSource &samples, Backend &backend, RangeMethod method,
                                                  const TapOptions &taps) {
  std::vector<Observed> observed(points.size());
  auto observe = [&](const TapValue &value) {
    if (computeProduct(value.shape) > 0)
      observed[value.point].add(points[value.point], value, method == RangeMethod::mse);
  };
  auto values = llvm::map_to_vector(points, [](const CalibrationPoint &point) { return point.value; });
  if (llvm::Error error = runTaps(function, values, samples, backend, taps, observe))
    return error;
  std::vector<Calibrated> results;
  for (auto [point, seen] : llvm::zip_equal(points, observed)) {
    if (seen.histogram.notFinite())
      return llvm::createStringError("node '" + nodeName(point.value.getLoc()) +
                                     "' gives numbers that are not finite for calibration data");
    results.push_back(seen.result(method));
  }
  return results;
}

} // namespace lathe
