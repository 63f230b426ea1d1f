#include "compiler/quantize/ChannelImportance.h"
#include "dialects/reference/Evaluate.h"
#include "passes/quantize/ValueRange.h"
#include "passes/quantize/WeightedOperation.h"
#include <cmath>

using namespace mlir;

namespace lathe {

namespace {
using nn::WeightedProduct;

void addSquares(const WeightedProduct &product, std::vector<double> &sums) {
  auto values = reference::constantTensor(product.weights->get());
  if (!values)
    return;
  nn::WeightPlaces places(product);
  const float *data = values->data<float>();
  for (int64_t i = 0; i < values->size(); ++i)
    sums[size_t(places.channelOf(i))] += double(data[i]) * data[i];
}

std::vector<float> relative(ArrayRef<double> sums) {
  double total = 0;
  for (double sum : sums)
    total += sum;
  if (!std::isfinite(total) || total <= 0)
    return {};
  std::vector<float> result;
  for (double sum : sums)
    result.push_back(float(sum / total * double(sums.size())));
  return result;
}
} // namespace

std::vector<CalibrationPoint> weightedPoints(func::FuncOp function) {
  std::vector<CalibrationPoint> points;
  for (Value value : nn::calibratedInputs(function)) {
    CalibrationPoint point{value, 0, {}};
    std::vector<double> sums;
    for (Operation *user : llvm::SetVector<Operation *>(value.user_begin(), value.user_end())) {
      auto product = WeightedProduct::of(user);
      if (!product || product->input->get() != value)
        continue;
      int64_t axis = product->inputAxis(), channels = nn::tensorType(value).getShape()[size_t(axis)];
      if (ShapedType::isDynamic(channels) || (!sums.empty() && axis != point.axis))
        continue;
      point.axis = axis;
      sums.resize(size_t(channels));
      addSquares(*product, sums);
    }
    point.weights = relative(sums);
    points.push_back(std::move(point));
  }
  return points;
}

} // namespace lathe
