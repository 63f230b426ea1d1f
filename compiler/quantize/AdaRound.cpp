#include "compiler/quantize/AdaRound.h"
#include "llvm/Support/Parallel.h"
#include <algorithm>
#include <cmath>

namespace lathe {

int adaRoundSteps(double multiplications) {
  constexpr double budget = 1e13; // multiplications: minutes
  return int(std::clamp(budget / std::max(multiplications, 1.0), 100.0, 400.0));
}

namespace {
/// Rectified sigmoid: reaches 0 and 1 (equation 23 of the paper).
constexpr float kStretch = 1.2f, kBelow = -0.1f;

struct Share {
  float value, slope;

  static Share of(float v) {
    const float sigmoid = 1 / (1 + std::exp(-v)), stretched = sigmoid * kStretch + kBelow;
    const bool isInside = stretched > 0 && stretched < 1;
    return {std::clamp(stretched, 0.0f, 1.0f), isInside ? sigmoid * (1 - sigmoid) * kStretch : 0.0f};
  }
  /// The v whose share is `value`.
  static float inverse(float value) { return -std::log(kStretch / (value - kBelow) - 1); }
};

/// Some rows of a matrix: they don't depend on each other.
class RoundingRows {
public:
  RoundingRows(const nn::WeightMatrix &weights, const std::vector<float> &moments, nn::GroupedWeights &grouped,
               int64_t begin, int64_t rows)
      : weights(weights), moments(moments), grouped(grouped), begin(begin), rows(rows), depth(weights.depth),
        variables(size_t(rows * depth)), first(variables.size()), second(variables.size()), errors(variables.size()),
        gradients(variables.size()), weightOfRow(size_t(rows)) {
    each([&](int64_t row, int64_t k, size_t i) {
      const float exact = onGrid(row, k);
      variables[i] = Share::inverse(std::clamp(exact - std::floor(exact), 0.01f, 0.99f));
      errors[i] = weights.row(begin + row)[k] - grid(row, k).value(nearest(exact));
    });
    // A row's error counts in terms of what the nearest numbers give it.
    multiplyErrors();
    for (int64_t row = 0; row < rows; ++row) {
      double error = 0;
      for (int64_t k = 0; k < depth; ++k)
        error += double(errors[size_t(row * depth + k)]) * gradients[size_t(row * depth + k)];
      weightOfRow[size_t(row)] = error > 0 ? float(double(depth) / error) : 0;
    }
  }

  void run(int steps) {
    for (int step = 0; step < steps; ++step)
      take(step, steps);
    each([&](int64_t row, int64_t k, size_t i) {
      const float integer = std::floor(onGrid(row, k)) + (Share::of(variables[i]).value >= 0.5f ? 1.0f : 0.0f);
      grouped.integers[size_t((begin + row) * depth + k)] = uint8_t(std::clamp(integer, 0.0f, 15.0f));
    });
  }

private:
  void each(llvm::function_ref<void(int64_t row, int64_t k, size_t i)> visit) {
    llvm::parallelFor(0, size_t(rows), [&](size_t row) {
      for (int64_t k = 0; k < depth; ++k)
        visit(int64_t(row), k, row * size_t(depth) + size_t(k));
    });
  }

  const nn::Grid &grid(int64_t row, int64_t k) const { return grouped.grid(begin + row, k); }
  /// The weight in steps of its grid, which it may exceed.
  float onGrid(int64_t row, int64_t k) const {
    const nn::Grid &own = grid(row, k);
    return std::clamp(weights.row(begin + row)[k] / own.scale + own.zero, 0.0f, 15.0f);
  }
  static float nearest(float exact) { return std::nearbyint(exact); }

  void multiplyErrors() {
    std::fill(gradients.begin(), gradients.end(), 0.0f);
    addProduct({gradients.data(), rows, depth, depth}, {errors.data(), rows, depth, depth},
               {moments.data(), depth, depth, depth}, 1);
  }

  void take(int step, int steps) {
    constexpr float rate = 0.03f, decay = 0.9f, decayOfSquares = 0.99f, tiny = 1e-8f;
    constexpr float warmUp = 0.2f, sharpest = 20, bluntest = 2, penalty = 0.5f;
    each([&](int64_t row, int64_t k, size_t i) {
      const float low = std::floor(onGrid(row, k));
      const float integer = std::min(low + Share::of(variables[i]).value, 15.0f);
      errors[i] = weights.row(begin + row)[k] - grid(row, k).value(integer);
    });
    multiplyErrors();
    const float progress = float(step) / float(steps);
    const bool isFree = progress < warmUp;
    const float power = bluntest + (sharpest - bluntest) * (1 - (progress - warmUp) / (1 - warmUp));
    const float correction = 1 - std::pow(decay, float(step + 1));
    const float correctionOfSquares = 1 - std::pow(decayOfSquares, float(step + 1));
    each([&](int64_t row, int64_t k, size_t i) {
      const Share share = Share::of(variables[i]);
      float slope = -2 * gradients[i] * grid(row, k).scale * weightOfRow[size_t(row)];
      const float distance = 2 * share.value - 1; // the penalty is 1 - |distance|^power
      if (!isFree)
        slope -= penalty * 2 * power * std::pow(std::fabs(distance), power - 1) * (distance < 0 ? -1.0f : 1.0f);
      const float gradient = slope * share.slope;
      first[i] = decay * first[i] + (1 - decay) * gradient;
      second[i] = decayOfSquares * second[i] + (1 - decayOfSquares) * gradient * gradient;
      variables[i] -= rate * (first[i] / correction) / (std::sqrt(second[i] / correctionOfSquares) + tiny);
    });
  }

  const nn::WeightMatrix &weights;
  const std::vector<float> &moments;
  nn::GroupedWeights &grouped;
  int64_t begin, rows, depth;
  std::vector<float> variables, first, second, errors, gradients, weightOfRow;
};

/// R * transposed(R).
std::vector<float> momentsOf(const MomentsFactor &factor, int64_t depth) {
  std::vector<float> moments(size_t(depth * depth));
  const MatrixView r{factor.values.data(), depth, depth, depth};
  addProduct({moments.data(), depth, depth, depth}, r, r.transposed(), 1);
  return moments;
}
} // namespace

nn::GroupedWeights adaRound(const nn::WeightMatrix &weights, const MomentsFactor &factor,
                            const nn::GroupedWeights &start, int steps) {
  constexpr int64_t most = 1 << 22; // weights at once: 20 bytes each
  nn::GroupedWeights grouped = start;
  const std::vector<float> moments = momentsOf(factor, weights.depth);
  const int64_t block = std::max<int64_t>(1, most / weights.depth);
  for (int64_t begin = 0; begin < weights.rows; begin += block)
    RoundingRows(weights, moments, grouped, begin, std::min(block, weights.rows - begin)).run(steps);
  return grouped;
}

} // namespace lathe
