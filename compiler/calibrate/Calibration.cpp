#include "compiler/calibrate/Calibration.h"
#include "dialects/support/Decisions.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;

namespace lathe {

static void add(const CalibrationPoint &point, const TapValue &value, bool isWeighted, Histogram &histogram) {
  ArrayRef values(static_cast<const float *>(value.data), size_t(computeProduct(value.shape)));
  bool hasAxis = size_t(point.axis) < value.shape.size();
  size_t inner = hasAxis ? size_t(computeProduct(value.shape.drop_front(size_t(point.axis) + 1))) : 1;
  histogram.add(values, isWeighted ? ArrayRef(point.weights) : ArrayRef<float>(), inner);
}

llvm::Expected<std::vector<Range>> calibrate(func::FuncOp function, ArrayRef<CalibrationPoint> points,
                                             SampleSource &samples, Backend &backend, RangeMethod method,
                                             const TapOptions &taps) {
  std::vector<Histogram> histograms(points.size());
  auto observe = [&](const TapValue &value) {
    if (computeProduct(value.shape) > 0)
      add(points[value.point], value, method == RangeMethod::mse, histograms[value.point]);
  };
  auto values = llvm::map_to_vector(points, [](const CalibrationPoint &point) { return point.value; });
  if (llvm::Error error = runTaps(function, values, samples, backend, taps, observe))
    return error;
  std::vector<Range> results;
  for (auto [point, seen] : llvm::zip_equal(points, histograms)) {
    if (seen.notFinite())
      return llvm::createStringError("node '" + nodeName(point.value.getLoc()) +
                                     "' gives numbers that are not finite for calibration data");
    results.push_back(seen.range(method));
  }
  return results;
}

} // namespace lathe
