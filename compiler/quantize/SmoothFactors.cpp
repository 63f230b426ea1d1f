#include "compiler/quantize/SmoothFactors.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace lathe {

namespace {
constexpr float kInputSteps = 255;
constexpr double kExponents[] = {0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};

/// Of |x| below 2^22; vectorized everywhere, unlike nearbyint.
float rounded(float x) {
  constexpr float magic = 12582912; // 1.5 * 2^23
  return x + magic - magic;
}

std::vector<double> meanSquaresOf(const ChannelStatistics &input) {
  std::vector<double> result(input.channels());
  for (size_t row = 0; row < input.rowCount(); ++row)
    for (size_t k = 0; k < result.size(); ++k) {
      double x = input.rows()[row * result.size() + k];
      result[k] += x * x / double(input.rowCount());
    }
  return result;
}

class ErrorModel {
public:
  ErrorModel(const ChannelStatistics &input, llvm::ArrayRef<double> meanSquares,
             llvm::ArrayRef<ChannelWeights> products, int weightSteps)
      : input(input), meanSquares(meanSquares), products(products), weightSteps(float(weightSteps)) {}

  double error(llvm::ArrayRef<float> factors) const {
    std::vector<double> squares(input.channels());
    double sum = 0;
    for (const ChannelWeights &weights : products)
      sum += weightError(weights, factors, squares);
    return sum + inputError(factors, squares);
  }

private:
  float at(size_t row, size_t k) const { return input.rows()[row * input.channels() + k]; }

  /// Of the weights' rounding; adds the scaled weights' squares to those of their channels.
  double weightError(const ChannelWeights &weights, llvm::ArrayRef<float> factors, std::vector<double> &squares) const {
    std::vector<float> scale(weights.outputs);
    for (size_t k = 0; k < factors.size(); ++k)
      for (auto [n, w] : weights.channels[k])
        scale[n] = std::max(scale[n], std::abs(w * factors[k]));
    for (float &s : scale)
      s = std::max(s / weightSteps, std::numeric_limits<float>::min());
    double sum = 0;
    for (size_t k = 0; k < factors.size(); ++k) {
      float error = 0, square = 0;
      for (auto [n, value] : weights.channels[k]) {
        float w = value * factors[k], off = rounded(w / scale[n]) * scale[n] - w;
        error += off * off;
        square += w * w;
      }
      squares[k] += square;
      sum += double(error) * meanSquares[k] / (double(factors[k]) * factors[k]);
    }
    return sum;
  }

  double inputError(llvm::ArrayRef<float> factors, llvm::ArrayRef<double> squares) const {
    float low = 0, high = 0;
    for (size_t k = 0; k < factors.size(); ++k) {
      low = std::min(low, input.least()[k] / factors[k]);
      high = std::max(high, input.most()[k] / factors[k]);
    }
    float step = (high - low) / kInputSteps, perStep = step > 0 ? 1 / step : 0;
    std::vector<double> sums(factors.size());
    for (size_t row = 0; row < input.rowCount(); ++row)
      for (size_t k = 0; k < factors.size(); ++k) {
        float x = at(row, k) / factors[k], off = rounded(x * perStep) * step - x;
        sums[k] += off * off;
      }
    double sum = 0;
    for (size_t k = 0; k < factors.size(); ++k)
      sum += sums[k] * squares[k] / double(std::max<size_t>(input.rowCount(), 1));
    return sum;
  }

  const ChannelStatistics &input;
  llvm::ArrayRef<double> meanSquares;
  llvm::ArrayRef<ChannelWeights> products;
  float weightSteps;
};

/// Largest magnitude of each channel's weights.
std::vector<float> weightMagnitudes(llvm::ArrayRef<ChannelWeights> products, size_t channels) {
  std::vector<float> result(channels);
  for (const ChannelWeights &weights : products)
    for (size_t k = 0; k < channels; ++k)
      for (auto [n, w] : weights.channels[k])
        result[k] = std::max(result[k], std::abs(w));
  return result;
}

/// Largest magnitude of each channel; where few rows were seen, what others may well reach. Without it, each channel would be scaled by
/// the largest of its few values, and most of those to come would be out of range.
std::vector<double> inputMagnitudes(const ChannelStatistics &input, llvm::ArrayRef<double> meanSquares) {
  constexpr double deviations = 4;
  std::vector<double> result(input.channels());
  for (size_t k = 0; k < result.size(); ++k)
    result[k] = std::max<double>(deviations * std::sqrt(meanSquares[k]), std::max(-input.least()[k], input.most()[k]));
  return result;
}

/// Their geometric mean is 1; so are those of channels that are 0 or not finite.
std::vector<float> factorsFor(double exponent, llvm::ArrayRef<double> inputs, llvm::ArrayRef<float> weights) {
  std::vector<float> factors(inputs.size());
  double sum = 0, count = 0;
  for (size_t k = 0; k < factors.size(); ++k) {
    double factor = std::pow(inputs[k], exponent) / std::pow(weights[k], 1 - exponent);
    if (!std::isfinite(factor) || factor < 1e-9 || factor > 1e9)
      continue;
    factors[k] = float(factor);
    sum += std::log(factor), ++count;
  }
  auto mean = float(std::exp(sum / std::max(count, 1.0)));
  for (float &factor : factors)
    factor = factor > 0 ? factor / mean : 1;
  return factors;
}
} // namespace

SmoothFactors chooseSmoothFactors(const ChannelStatistics &input, llvm::ArrayRef<ChannelWeights> products,
                                  double worthwhile, int weightSteps) {
  const std::vector<double> meanSquares = meanSquaresOf(input);
  ErrorModel model(input, meanSquares, products, weightSteps);
  SmoothFactors best;
  best.before = best.after = model.error(std::vector<float>(input.channels(), 1));
  std::vector<float> weights = weightMagnitudes(products, input.channels());
  std::vector<double> inputs = inputMagnitudes(input, meanSquares);
  for (double exponent : kExponents) {
    std::vector<float> factors = factorsFor(exponent, inputs, weights);
    double error = model.error(factors);
    if (error < best.after && error < worthwhile * best.before)
      best.after = error, best.factors = std::move(factors);
  }
  return best;
}

} // namespace lathe
