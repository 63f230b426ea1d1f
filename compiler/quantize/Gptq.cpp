#include "compiler/quantize/Gptq.h"
#include "llvm/Support/Parallel.h"
#include <cmath>

namespace lathe {

std::vector<float> Moments::diagonal() const {
  std::vector<float> result;
  for (int64_t k = 0; k < depth; ++k)
    result.push_back(diagonal(k));
  return result;
}

MomentsFactor MomentsFactor::of(const Moments &moments) {
  constexpr double firstShare = 0.01, lastShare = 1; // of the mean: 1 % as in the paper, more only if f32 is not enough
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

double productError(const nn::WeightMatrix &weights, const nn::GroupedWeights &grouped, const MomentsFactor &factor) {
  std::vector<float> errors(weights.values.size());
  for (int64_t row = 0; row < weights.rows; ++row)
    for (int64_t k = 0; k < weights.depth; ++k)
      errors[size_t(row * weights.depth + k)] = weights.row(row)[k] - grouped.value(row, k);
  return squaredNormOfProduct(errors, factor.values, weights.rows, weights.depth);
}

namespace {
class GptqRounding {
public:
  GptqRounding(const nn::WeightMatrix &weights, const MomentsFactor &factor, nn::GroupedWeights &grouped)
      : weights(weights), r(factor.values.data()), depth(weights.depth), grouped(grouped),
        errors(weights.values.size()) {
    for (int64_t k = 0; k < depth; ++k)
      importance.push_back(r[k * depth + k] * r[k * depth + k]);
  }

  void run() {
    constexpr int64_t usual = 128;
    const int64_t block = std::max(usual, grouped.group); // a whole number of groups
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
    for (int64_t first = begin; first < begin + width; first += grouped.group) {
      const int64_t count = std::min(grouped.group, depth - first);
      nn::Grid &grid = grouped.grids[size_t(row * grouped.groups() + first / grouped.group)];
      grid = gridOf(row, first, count, sums + (first - begin));
      for (int64_t j = first; j < first + count; ++j)
        roundOne(row, j, grid, sums + (j - begin), begin + width - j);
    }
  }

  /// Fitted to the best weights of a group, were it not rounded: those that make up for all errors before.
  nn::Grid gridOf(int64_t row, int64_t first, int64_t count, const float *sums) const {
    llvm::SmallVector<float> left(sums, sums + count), moved(count);
    for (int64_t i = 0; i < count; ++i) {
      const float *line = r + (first + i) * depth + first;
      const float error = -left[i] / line[i];
      moved[i] = weights.row(row)[first + i] - error;
      for (int64_t j = i + 1; j < count; ++j)
        left[j] += error * line[j];
    }
    return nn::fitGrid(moved.data(), importance.data() + first, count, grouped.isSymmetric);
  }

  /// `sums` from this column on.
  void roundOne(int64_t row, int64_t k, const nn::Grid &grid, float *sums, int64_t count) {
    const float weight = weights.row(row)[k];
    const float *line = r + k * depth + k;
    const float integer = grid.nearest(weight + sums[0] / line[0]);
    const float error = weight - grid.value(integer);
    grouped.integers[size_t(row * depth + k)] = uint8_t(integer);
    errors[size_t(row * depth + k)] = error;
    for (int64_t j = 1; j < count; ++j)
      sums[j] += error * line[j];
  }

  const nn::WeightMatrix &weights;
  const float *r;
  int64_t depth;
  nn::GroupedWeights &grouped;
  std::vector<float> errors, importance;
};
} // namespace

nn::GroupedWeights gptq(const nn::WeightMatrix &weights, const MomentsFactor &factor, int64_t group, bool isSymmetric) {
  nn::GroupedWeights grouped(weights.rows, weights.depth, group, isSymmetric);
  GptqRounding(weights, factor, grouped).run();
  return grouped;
}

} // namespace lathe
