#include "passes/quantize/WeightScales.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace llvm;

namespace lathe::nn {

namespace {
/// Parts of the largest magnitude at which weights of few bits may be cut off.
constexpr double kCuts[] = {1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6};

/// Calls visit(weight, channel) for all weights.
void forWeights(const reference::Tensor &weights, int64_t axis, function_ref<void(double, size_t)> visit) {
  const float *data = weights.data<float>();
  const int64_t inner = mlir::computeProduct(weights.shape().drop_front(axis + 1));
  for (int64_t i = 0; i < weights.size(); ++i)
    visit(data[i], size_t(i / inner % weights.dim(axis)));
}

/// Largest magnitude of the weights of each channel; not finite where one isn't.
SmallVector<double> magnitudes(const reference::Tensor &weights, int64_t axis) {
  SmallVector<double> result(weights.dim(axis), 0);
  forWeights(weights, axis, [&](double weight, size_t channel) {
    double magnitude = std::abs(weight);
    if (!(magnitude <= result[channel]) && !std::isnan(result[channel]))
      result[channel] = magnitude;
  });
  return result;
}

float scaleOf(double magnitude, double most) {
  return std::max(float(magnitude / most), std::numeric_limits<float>::min());
}

/// Squared errors of each channel's weights.
SmallVector<double> squaredErrors(const reference::Tensor &weights, int64_t axis, ArrayRef<float> scales, double most) {
  SmallVector<double> errors(scales.size(), 0);
  forWeights(weights, axis, [&](double weight, size_t channel) {
    double error = std::clamp(std::nearbyint(weight / scales[channel]), -most, most) * scales[channel] - weight;
    errors[channel] += error * error;
  });
  return errors;
}
} // namespace

double mostInteger(unsigned bits) { return std::ldexp(1, int(bits) - 1) - 1; }

std::optional<SmallVector<float>> weightScales(const reference::Tensor &weights, int64_t axis, unsigned bits) {
  const double most = mostInteger(bits);
  SmallVector<double> largest = magnitudes(weights, axis);
  if (!all_of(largest, [](double magnitude) { return std::isfinite(magnitude); }))
    return std::nullopt;
  auto scalesAt = [&](double cut) {
    return map_to_vector(largest, [&](double magnitude) { return scaleOf(magnitude * cut, most); });
  };
  SmallVector<float> chosen(scalesAt(1));
  if (bits >= 8)
    return chosen;
  SmallVector<double> least(largest.size(), std::numeric_limits<double>::infinity());
  for (double cut : kCuts) {
    auto scales = scalesAt(cut);
    for (auto [channel, error] : enumerate(squaredErrors(weights, axis, scales, most)))
      if (error < least[channel])
        least[channel] = error, chosen[channel] = scales[channel];
  }
  return chosen;
}

double weightSqnr(const reference::Tensor &weights, int64_t axis, unsigned bits) {
  auto scales = weightScales(weights, axis, bits);
  if (!scales)
    return 0;
  double signal = 0, noise = std::numeric_limits<double>::min();
  forWeights(weights, axis, [&](double weight, size_t) { signal += weight * weight; });
  for (double error : squaredErrors(weights, axis, *scales, mostInteger(bits)))
    noise += error;
  return 10 * std::log10(std::max(signal, std::numeric_limits<double>::min()) / noise);
}

} // namespace lathe::nn
