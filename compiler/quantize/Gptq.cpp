#include "compiler/quantize/Gptq.h"
#include "llvm/Support/Parallel.h"
#include <algorithm>
#include <cmath>

namespace lathe {

std::vector<float> Moments::diagonal() const {
  std::vector<float> result;
  for (int64_t k = 0; k < depth; ++k)
    result.push_back(diagonal(k));
  return result;
}

Moments Moments::shrunk() const {
  Moments result = *this;
  const float share = float(rows) / float(rows + depth);
  for (int64_t i = 0; i < depth; ++i)
    for (int64_t j = i + 1; j < depth; ++j)
      result.values[size_t(i * depth + j)] *= share;
  return result;
}

MomentsFactor MomentsFactor::of(const Moments &moments, double firstShare) {
  constexpr double lastShare = 1; // of the mean
  double mean = 0;
  for (int64_t k = 0; k < moments.depth; ++k)
    mean += double(moments.diagonal(k)) / double(moments.depth);
  if (!std::isfinite(mean) || !(mean > 0))
    return {};
  for (double share = firstShare; share <= lastShare; share *= 10) {
    MomentsFactor factor{moments.values};
    for (int64_t k = 0; k < moments.depth; ++k)
      factor.values[size_t(k * moments.depth + k)] += float(share * mean);
    if (factorUpper(factor.values, moments.depth))
      return factor;
  }
  return {};
}

namespace {
/// `valueOf(row, k)`: the rounded weight.
template <class ValueOf> double errorOf(const nn::WeightMatrix &weights, const MomentsFactor &factor, ValueOf valueOf) {
  std::vector<float> errors(weights.values.size());
  for (int64_t row = 0; row < weights.rows; ++row)
    for (int64_t k = 0; k < weights.depth; ++k)
      errors[size_t(row * weights.depth + k)] = weights.row(row)[k] - valueOf(row, k);
  return squaredNormOfProduct(errors, factor.values, weights.rows, weights.depth);
}

/// Groups of 4-bit integers with grids that are fitted on the way.
class OntoGrids {
public:
  OntoGrids(const nn::WeightMatrix &weights, const MomentsFactor &factor, nn::GroupedWeights &grouped)
      : weights(weights), r(factor.values.data()), depth(weights.depth), grouped(grouped) {
    for (int64_t k = 0; k < depth; ++k)
      importance.push_back(r[k * depth + k] * r[k * depth + k]);
  }

  int64_t group() const { return grouped.group; }

  /// Fitted to the best weights of a group, were it not rounded: those that make up for all errors before.
  void begin(int64_t row, int64_t first, int64_t count, const float *sums) {
    llvm::SmallVector<float> left(sums, sums + count), moved(count);
    for (int64_t i = 0; i < count; ++i) {
      const float *line = r + (first + i) * depth + first;
      const float error = -left[i] / line[i];
      moved[i] = weights.row(row)[first + i] - error;
      for (int64_t j = i + 1; j < count; ++j)
        left[j] += error * line[j];
    }
    grouped.grids[size_t(row * grouped.groups() + first / grouped.group)] =
        nn::fitGrid(moved.data(), importance.data() + first, count, grouped.isSymmetric);
  }

  float round(int64_t row, int64_t k, float weight) {
    const nn::Grid &grid = grouped.grid(row, k);
    const float integer = grid.nearest(weight);
    grouped.integers[size_t(row * depth + k)] = uint8_t(integer);
    return grid.value(integer);
  }

private:
  const nn::WeightMatrix &weights;
  const float *r;
  int64_t depth;
  nn::GroupedWeights &grouped;
  std::vector<float> importance;
};

/// Integers whose scales are known.
class OntoIntegers {
public:
  OntoIntegers(ScaledIntegers &result, int64_t depth, float most) : result(result), depth(depth), most(most) {}

  int64_t group() const { return 128; } // as many as are rounded at a time
  void begin(int64_t, int64_t, int64_t, const float *) {}
  float round(int64_t row, int64_t k, float weight) {
    const float scale = result.scales[size_t(row)], integer = std::clamp(std::nearbyint(weight / scale), -most, most);
    result.integers[size_t(row * depth + k)] = int8_t(integer);
    return integer * scale;
  }

private:
  ScaledIntegers &result;
  int64_t depth;
  float most;
};

template <class Target> class GptqRounding {
public:
  GptqRounding(const nn::WeightMatrix &weights, const MomentsFactor &factor, Target &target)
      : weights(weights), r(factor.values.data()), depth(weights.depth), target(target), errors(weights.values.size()) {
  }

  void run() {
    constexpr int64_t usual = 128;
    const int64_t block = std::max(usual, target.group()); // a whole number of groups
    std::vector<float> sums;
    for (int64_t begin = 0; begin < depth; begin += block) {
      const int64_t width = std::min(block, depth - begin);
      sums.assign(size_t(weights.rows * width), 0);
      if (begin > 0)
        addProduct({sums.data(), weights.rows, width, width}, {errors.data(), weights.rows, begin, depth},
                   {r + begin, begin, width, depth}, 1);
      llvm::parallelFor(0, size_t(weights.rows), [&](size_t row) {
        roundBlock(int64_t(row), begin, width, sums.data() + int64_t(row) * width);
      });
    }
  }

private:
  /// `sums`: of E_i * R_ij over the columns before the block, for each of its columns j.
  void roundBlock(int64_t row, int64_t begin, int64_t width, float *sums) {
    for (int64_t first = begin; first < begin + width; first += target.group()) {
      const int64_t count = std::min(target.group(), depth - first);
      target.begin(row, first, count, sums + (first - begin));
      for (int64_t j = first; j < first + count; ++j)
        roundOne(row, j, sums + (j - begin), begin + width - j);
    }
  }

  /// `sums` from this column on.
  void roundOne(int64_t row, int64_t k, float *sums, int64_t count) {
    const float weight = weights.row(row)[k];
    const float *line = r + k * depth + k;
    const float error = weight - target.round(row, k, weight + sums[0] / line[0]);
    errors[size_t(row * depth + k)] = error;
    for (int64_t j = 1; j < count; ++j)
      sums[j] += error * line[j];
  }

  const nn::WeightMatrix &weights;
  const float *r;
  int64_t depth;
  Target &target;
  std::vector<float> errors;
};
} // namespace

double productError(const nn::WeightMatrix &weights, const nn::GroupedWeights &grouped, const MomentsFactor &factor) {
  return errorOf(weights, factor, [&](int64_t row, int64_t k) { return grouped.value(row, k); });
}

double productError(const nn::WeightMatrix &weights, const ScaledIntegers &integers, const MomentsFactor &factor) {
  return errorOf(weights, factor, [&](int64_t row, int64_t k) {
    return float(integers.integers[size_t(row * weights.depth + k)]) * integers.scales[size_t(row)];
  });
}

ScaledIntegers nearestIntegers(const nn::WeightMatrix &weights, std::vector<float> scales, float most) {
  ScaledIntegers result{std::vector<int8_t>(weights.values.size()), std::move(scales)};
  OntoIntegers target(result, weights.depth, most);
  for (int64_t row = 0; row < weights.rows; ++row)
    for (int64_t k = 0; k < weights.depth; ++k)
      target.round(row, k, weights.row(row)[k]);
  return result;
}

ScaledIntegers gptqIntegers(const nn::WeightMatrix &weights, const MomentsFactor &factor, std::vector<float> scales,
                            float most) {
  ScaledIntegers result{std::vector<int8_t>(weights.values.size()), std::move(scales)};
  OntoIntegers target(result, weights.depth, most);
  GptqRounding(weights, factor, target).run();
  return result;
}

nn::GroupedWeights gptq(const nn::WeightMatrix &weights, const MomentsFactor &factor, int64_t group, bool isSymmetric) {
  nn::GroupedWeights grouped(weights.rows, weights.depth, group, isSymmetric);
  OntoGrids target(weights, factor, grouped);
  GptqRounding(weights, factor, target).run();
  return grouped;
}

} // namespace lathe
