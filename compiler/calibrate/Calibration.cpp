#include "compiler/calibrate/Calibration.h"
#include "dialects/support/Decisions.h"

using namespace mlir;

namespace lathe {

static size_t countOf(ArrayRef<int64_t> shape) {
  size_t count = 1;
  for (int64_t size : shape)
    count *= size_t(size);
  return count;
}

llvm::Expected<std::vector<Range>> calibrate(func::FuncOp function, ArrayRef<CalibrationPoint> points,
                                             SampleSource &samples, Backend &backend, RangeMethod method,
                                             const TapOptions &taps) {
  std::vector<Histogram> histograms(points.size());
  auto observe = [&](const TapValue &value) {
    const CalibrationPoint &point = points[value.point];
    ArrayRef<float> weights = method == RangeMethod::mse ? ArrayRef(point.weights) : ArrayRef<float>();
    histograms[value.point].add({static_cast<const float *>(value.data), countOf(value.shape)}, weights,
                                countOf(value.shape.drop_front(size_t(point.axis) + 1)));
  };
  auto values = llvm::map_to_vector(points, [](const CalibrationPoint &point) { return point.value; });
  if (llvm::Error error = runTaps(function, values, samples, backend, taps, observe))
    return error;
  std::vector<Range> ranges;
  for (auto [point, histogram] : llvm::zip_equal(points, histograms)) {
    if (histogram.notFinite())
      return llvm::createStringError("node '" + nodeName(point.value.getLoc()) +
                                     "' gives numbers that are not finite for calibration data");
    ranges.push_back(histogram.range(method));
  }
  return ranges;
}

} // namespace lathe
