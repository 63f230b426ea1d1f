#include "compiler/quantize/Awq.h"
#include <algorithm>
#include <cmath>

namespace lathe {

MomentsFactor ChannelScales::divided(const MomentsFactor &factor) const {
  MomentsFactor result = factor;
  const size_t depth = factors.size();
  for (size_t k = 0; k < depth; ++k)
    for (size_t j = k; j < depth; ++j)
      result.values[k * depth + j] /= factors[k];
  return result;
}

std::vector<float> ChannelScales::divided(std::vector<float> diagonal) const {
  for (size_t k = 0; k < factors.size(); ++k)
    diagonal[k] /= factors[k] * factors[k];
  return diagonal;
}

nn::WeightMatrix ChannelScales::multiplied(const nn::WeightMatrix &weights) const {
  nn::WeightMatrix result = weights;
  for (size_t i = 0; i < result.values.size(); ++i)
    result.values[i] *= factors[i % factors.size()];
  return result;
}

namespace {
/// Rows of the matrix at equal distances.
nn::WeightMatrix someRows(const nn::WeightMatrix &weights) {
  constexpr int64_t most = 256;
  nn::WeightMatrix result{std::min(weights.rows, most), weights.depth, {}};
  for (int64_t i = 0; i < result.rows; ++i) {
    const float *row = weights.row(i * weights.rows / result.rows);
    result.values.insert(result.values.end(), row, row + weights.depth);
  }
  return result;
}

class ScaleSearch {
public:
  ScaleSearch(llvm::ArrayRef<nn::WeightMatrix> products, const Moments &moments, const MomentsFactor &factor,
              int64_t group)
      : factor(factor), diagonal(moments.diagonal()), group(group) {
    for (const nn::WeightMatrix &weights : products)
      samples.push_back(someRows(weights));
    const float most = *std::max_element(diagonal.begin(), diagonal.end());
    for (float square : diagonal)
      magnitudes.push_back(std::sqrt(std::max(square, 1e-8f * most) / float(moments.rows)));
  }

  ChannelScales run() {
    constexpr int steps = 10;
    ChannelScales best = of(0);
    const double plain = errorOf(best);
    double least = plain;
    for (int step = 1; step <= steps; ++step) {
      ChannelScales scales = of(float(step) / steps);
      const double error = errorOf(scales);
      if (error < least) {
        least = error;
        best = std::move(scales);
      }
    }
    best.errorShare = plain > 0 ? least / plain : 1;
    return best;
  }

private:
  ChannelScales of(float alpha) const {
    ChannelScales scales;
    for (float magnitude : magnitudes)
      scales.factors.push_back(std::pow(magnitude, alpha));
    auto [low, high] = std::minmax_element(scales.factors.begin(), scales.factors.end());
    const float middle = std::sqrt(*low * *high);
    for (float &scale : scales.factors)
      scale /= middle;
    return scales;
  }

  double errorOf(const ChannelScales &scales) const {
    const std::vector<float> importance = scales.divided(diagonal);
    double sum = 0;
    for (const nn::WeightMatrix &weights : samples) {
      const nn::WeightMatrix scaled = scales.multiplied(weights);
      const auto grouped = nn::roundToNearest(scaled, importance.data(), group, /*isSymmetric=*/false);
      std::vector<float> errors(weights.values.size());
      for (int64_t row = 0; row < weights.rows; ++row)
        for (int64_t k = 0; k < weights.depth; ++k)
          errors[size_t(row * weights.depth + k)] =
              weights.row(row)[k] - grouped.value(row, k) / scales.factors[size_t(k)];
      sum += squaredNormOfProduct(errors, factor.values, weights.rows, weights.depth);
    }
    return sum;
  }

  const MomentsFactor &factor;
  std::vector<float> diagonal, magnitudes;
  int64_t group;
  std::vector<nn::WeightMatrix> samples;
};
} // namespace

ChannelScales awqScales(llvm::ArrayRef<nn::WeightMatrix> products, const Moments &moments, const MomentsFactor &factor,
                        int64_t group) {
  return ScaleSearch(products, moments, factor, group).run();
}

} // namespace lathe
