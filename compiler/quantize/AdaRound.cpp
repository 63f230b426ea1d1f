#include "compiler/quantize/AdaRound.h"
#include "llvm/Support/Parallel.h"
#include <algorithm>
#include <cmath>

namespace lathe {

int adaRoundSteps(double multiplications) {
  constexpr double budget = 1e12; // multiplications: a minute on two cores
  return int(std::clamp(budget / std::max(multiplications, 1.0), 60.0, 200.0));
}

namespace {
/// Rectified sigmoid: reaches 0 and 1 (equation 23 of the paper).
constexpr float kStretch = 1.2f, kBelow = -0.1f;

float shareOf(float variable) { return std::clamp(kStretch / (1 + std::exp(-variable)) + kBelow, 0.0f, 1.0f); }
float variableOf(float share) { return -std::log(kStretch / (share - kBelow) - 1); }
/// Of shareOf, by its value.
float slopeAt(float share) {
  const float sigmoid = (share - kBelow) / kStretch;
  return share > 0 && share < 1 ? sigmoid * (1 - sigmoid) * kStretch : 0;
}

float power(float x, int exponent) {
  float result = 1;
  for (; exponent > 0; exponent /= 2, x *= x)
    result = exponent % 2 ? result * x : result;
  return result;
}

/// Adam's rates, and the weight of the penalty 1 - |2 * share - 1|^exponent, whose exponent falls.
constexpr float kRate = 0.3f, kDecay = 0.9f, kDecayOfSquares = 0.99f, kTiny = 1e-8f;
constexpr float kWarmUp = 0.2f, kPenalty = 20;
constexpr int kSharpest = 20, kBluntest = 2;

struct Step {
  float correction, correctionOfSquares, penalty;
  int exponent;

  static Step of(int step, int steps) {
    const float progress = float(step) / float(steps), late = (progress - kWarmUp) / (1 - kWarmUp);
    return {1 - std::pow(kDecay, float(step + 1)), 1 - std::pow(kDecayOfSquares, float(step + 1)),
            late < 0 ? 0 : kPenalty, kSharpest - int(float(kSharpest - kBluntest) * std::max(late, 0.0f))};
  }
};

/// Some rows of a matrix: they don't depend on each other.
class RoundingRows {
public:
  RoundingRows(const nn::WeightMatrix &weights, const std::vector<float> &moments, nn::GroupedWeights &grouped,
               int64_t begin, int64_t rows)
      : moments(moments), grouped(grouped), values(weights.row(begin)), begin(begin), rows(rows), depth(weights.depth),
        shares(size_t(rows * depth)), variables(shares.size()), first(shares.size()), second(shares.size()),
        errors(shares.size()), gradients(shares.size()), weightOfRow(size_t(rows)) {
    each([&](int64_t row, int64_t k, size_t i) {
      const float exact = onGrid(row, k);
      shares[i] = std::clamp(exact - std::floor(exact), 0.01f, 0.99f);
      variables[i] = variableOf(shares[i]);
      errors[i] = values[i] - grid(row, k).value(std::nearbyint(exact));
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
      take(Step::of(step, steps));
    each([&](int64_t row, int64_t k, size_t i) {
      const float integer = std::floor(onGrid(row, k)) + (shares[i] >= 0.5f ? 1.0f : 0.0f);
      grouped.integers[size_t(begin * depth) + i] = uint8_t(std::min(integer, 15.0f));
    });
  }

private:
  template <class VisitFn> void each(VisitFn visit) {
    llvm::parallelFor(0, size_t(rows), [&](size_t row) {
      for (int64_t k = 0; k < depth; ++k)
        visit(int64_t(row), k, row * size_t(depth) + size_t(k));
    });
  }

  const nn::Grid &grid(int64_t row, int64_t k) const { return grouped.grid(begin + row, k); }
  /// The weight in steps of its grid, inside of it.
  float onGrid(int64_t row, int64_t k) const {
    const nn::Grid &own = grid(row, k);
    return std::clamp(values[row * depth + k] / own.scale + own.zero, 0.0f, 15.0f);
  }

  void multiplyErrors() {
    std::fill(gradients.begin(), gradients.end(), 0.0f);
    addProduct({gradients.data(), rows, depth, depth}, {errors.data(), rows, depth, depth},
               {moments.data(), depth, depth, depth}, 1);
  }

  void take(Step step) {
    each([&](int64_t row, int64_t k, size_t i) {
      const float integer = std::min(std::floor(onGrid(row, k)) + shares[i], 15.0f);
      errors[i] = values[i] - grid(row, k).value(integer);
    });
    multiplyErrors();
    each([&](int64_t row, int64_t k, size_t i) {
      const float distance = 2 * shares[i] - 1, sign = distance < 0 ? -1.0f : 1.0f;
      const float outer =
          -2 * gradients[i] * grid(row, k).scale * weightOfRow[size_t(row)] -
          step.penalty * 2 * float(step.exponent) * sign * power(std::fabs(distance), step.exponent - 1);
      const float gradient = outer * slopeAt(shares[i]);
      first[i] = kDecay * first[i] + (1 - kDecay) * gradient;
      second[i] = kDecayOfSquares * second[i] + (1 - kDecayOfSquares) * gradient * gradient;
      variables[i] -= kRate * (first[i] / step.correction) / (std::sqrt(second[i] / step.correctionOfSquares) + kTiny);
      shares[i] = shareOf(variables[i]);
    });
  }

  const std::vector<float> &moments;
  nn::GroupedWeights &grouped;
  const float *values; // of the weights
  int64_t begin, rows, depth;
  std::vector<float> shares, variables, first, second, errors, gradients, weightOfRow;
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
  constexpr int64_t most = 1 << 22; // weights at once: 24 bytes each
  nn::GroupedWeights grouped = start;
  const std::vector<float> moments = momentsOf(factor, weights.depth);
  const int64_t block = std::max<int64_t>(1, most / weights.depth);
  for (int64_t begin = 0; begin < weights.rows; begin += block)
    RoundingRows(weights, moments, grouped, begin, std::min(block, weights.rows - begin)).run(steps);
  return grouped;
}

} // namespace lathe
