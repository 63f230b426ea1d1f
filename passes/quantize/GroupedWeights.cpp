#include "passes/quantize/GroupedWeights.h"
#include "dialects/reference/Evaluate.h"
#include "llvm/Support/Parallel.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

using namespace mlir;

// The search is most of the time that quantization takes; the same bits with and without AVX2's registers are not asked for.
#define LATHE_VECTORIZED __attribute__((target_clones("default", "arch=x86-64-v3")))

namespace lathe::nn {

namespace {
constexpr float kMost = 15, kMiddle = 8;

/// To nearest, ties to even, for |x| < 2^22: what the compiler makes vectors of without SSE4.1.
inline float rounded(float x) {
  constexpr float shift = 12582912; // 1.5 * 2^23
  return (x + shift) - shift;
}

inline float onGrid(float x, float inverse, float zero) {
  return rounded(std::min(std::max(x * inverse + zero, 0.0f), kMost));
}

LATHE_VECTORIZED float errorOf(const float *weights, const float *importance, int64_t count, float scale, float zero) {
#pragma clang fp reassociate(on)
  float inverse = 1 / scale, sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    float error = weights[i] - (onGrid(weights[i], inverse, zero) - zero) * scale;
    sum += error * error * importance[i];
  }
  return sum;
}

/// The best scale for the integers that `grid` gives.
LATHE_VECTORIZED float fittedScale(const float *weights, const float *importance, int64_t count, float scale,
                                   float zero) {
#pragma clang fp reassociate(on)
  float inverse = 1 / scale, products = 0, squares = 0;
  for (int64_t i = 0; i < count; ++i) {
    float integer = onGrid(weights[i], inverse, zero) - zero;
    products += weights[i] * integer * importance[i];
    squares += integer * integer * importance[i];
  }
  return squares > 0 ? products / squares : scale;
}

class GridSearch {
public:
  GridSearch(const float *weights, const float *importance, int64_t count)
      : weights(weights), importance(importance), count(count) {}

  Grid run(bool isSymmetric) {
    constexpr int steps = 16;
    constexpr float shrink = 0.028f; // of a step: to 0.55 of the range
    float low = std::min(0.0f, *std::min_element(weights, weights + count));
    float high = std::max(0.0f, *std::max_element(weights, weights + count));
    if (low == high)
      return {};
    float whole = isSymmetric ? std::max(high / (kMost - kMiddle), -low / kMiddle) : (high - low) / kMost;
    whole = std::max(whole, std::numeric_limits<float>::min());
    float zero = isSymmetric ? kMiddle : rounded(std::clamp(-low / whole, 0.0f, kMost));
    for (int step = 0; step < steps; ++step)
      consider(std::max(whole * (1 - shrink * float(step)), std::numeric_limits<float>::min()), zero);
    for (int round = 0; round < 2; ++round)
      consider(fittedScale(weights, importance, count, best.scale, best.zero), best.zero);
    return best;
  }

private:
  void consider(float scale, float zero) {
    if (!(scale >= std::numeric_limits<float>::min()))
      return;
    float error = errorOf(weights, importance, count, scale, zero);
    if (error < leastError) {
      leastError = error;
      best = {scale, zero};
    }
  }

  const float *weights, *importance;
  int64_t count;
  Grid best;
  float leastError = std::numeric_limits<float>::infinity();
};
} // namespace

float Grid::nearest(float x) const { return onGrid(x, 1 / scale, zero); }

Grid fitGrid(const float *weights, const float *importance, int64_t count, bool isSymmetric) {
  constexpr int64_t most = 64;
  static constexpr auto ones = [] {
    std::array<float, most> values{};
    values.fill(1);
    return values;
  }();
  if (importance)
    return GridSearch(weights, importance, count).run(isSymmetric);
  if (count <= most)
    return GridSearch(weights, ones.data(), count).run(isSymmetric);
  std::vector<float> more(count, 1);
  return GridSearch(weights, more.data(), count).run(isSymmetric);
}

std::optional<WeightMatrix> WeightMatrix::of(const WeightedProduct &product) {
  auto tensor = reference::constantTensor(product.weights->get());
  if (!tensor)
    return std::nullopt;
  WeightMatrix matrix{tensor->dim(product.outputAxis), tensor->dim(1 - product.outputAxis), {}};
  matrix.values.resize(tensor->size());
  const float *data = tensor->data<float>();
  for (int64_t k = 0; k < matrix.depth; ++k)
    for (int64_t row = 0; row < matrix.rows; ++row)
      matrix.values[row * matrix.depth + k] =
          product.outputAxis == 0 ? data[row * matrix.depth + k] : data[k * matrix.rows + row];
  if (!llvm::all_of(matrix.values, [](float value) { return std::isfinite(value); }))
    return std::nullopt;
  return matrix;
}

GroupedWeights roundToNearest(const WeightMatrix &weights, const float *importance, int64_t group, bool isSymmetric) {
  GroupedWeights grouped(weights.rows, weights.depth, group, isSymmetric);
  llvm::parallelFor(0, size_t(weights.rows), [&](size_t row) {
    for (int64_t begin = 0; begin < weights.depth; begin += group) {
      int64_t count = std::min(group, weights.depth - begin);
      const float *values = weights.row(int64_t(row)) + begin;
      Grid grid = fitGrid(values, importance ? importance + begin : nullptr, count, isSymmetric);
      grouped.grids[row * size_t(grouped.groups()) + size_t(begin / group)] = grid;
      for (int64_t i = 0; i < count; ++i)
        grouped.integers[row * size_t(weights.depth) + size_t(begin + i)] = uint8_t(grid.nearest(values[i]));
    }
  });
  return grouped;
}

double squaredError(const WeightMatrix &weights, const GroupedWeights &grouped, const float *importance) {
  double sum = 0;
  for (int64_t row = 0; row < weights.rows; ++row)
    for (int64_t k = 0; k < weights.depth; ++k) {
      double error = double(weights.row(row)[k]) - grouped.value(row, k);
      sum += error * error * (importance ? importance[k] : 1);
    }
  return sum;
}

GroupedWeights roundToNearest(const WeightMatrix &weights, const float *importance, int64_t group) {
  constexpr double gain = 0.95; // zero points are a twentieth of the bytes, at groups of 32
  GroupedWeights symmetric = roundToNearest(weights, importance, group, true);
  GroupedWeights other = roundToNearest(weights, importance, group, false);
  bool isBetter = squaredError(weights, other, importance) < gain * squaredError(weights, symmetric, importance);
  return isBetter ? std::move(other) : std::move(symmetric);
}

namespace {
/// Constants [depth, columns], or [columns, depth] where the product's matrix is transposed, of entries given as [columns][depth].
class GroupedConstants {
public:
  GroupedConstants(OpBuilder &b, Location location, bool isTransposed, int64_t columns)
      : b(b), location(location), isTransposed(isTransposed), columns(columns) {}

  template <class T> Value create(Type element, int64_t depth, llvm::function_ref<T(int64_t column, int64_t k)> entry) {
    SmallVector<int64_t> shape =
        isTransposed ? SmallVector<int64_t>{columns, depth} : SmallVector<int64_t>{depth, columns};
    auto type = RankedTensorType::get(shape, element);
    reference::Tensor tensor = reference::Tensor::allocate(type);
    T *out = tensor.mutableData<T>();
    for (int64_t row = 0; row < shape[0]; ++row)
      for (int64_t column = 0; column < shape[1]; ++column)
        *out++ = isTransposed ? entry(row, column) : entry(column, row);
    return b.create<ConstantOp>(location, type, tensor.toAttribute());
  }

private:
  OpBuilder &b;
  Location location;
  bool isTransposed;
  int64_t columns;
};
} // namespace

Value createGrouped(OpBuilder &b, const WeightedProduct &product, const GroupedWeights &grouped) {
  Location location = product.constant().getLoc();
  bool isTransposed = product.outputAxis == 0;
  GroupedConstants constants(b, location, isTransposed, grouped.rows);
  const int shift = grouped.isSymmetric ? int(kMiddle) : 0;
  Type integer = grouped.isSymmetric ? b.getIntegerType(8) : b.getIntegerType(8, /*isSigned=*/false);
  Value integers = constants.create<uint8_t>(integer, grouped.depth, [&](int64_t row, int64_t k) {
    return uint8_t(int(grouped.integers[row * grouped.depth + k]) - shift);
  });
  auto gridOf = [&](int64_t row, int64_t group) { return grouped.grids[row * grouped.groups() + group]; };
  Value scales = constants.create<float>(b.getF32Type(), grouped.groups(),
                                         [&](int64_t row, int64_t group) { return gridOf(row, group).scale; });
  Value zeros;
  if (!grouped.isSymmetric)
    zeros = constants.create<uint8_t>(integer, grouped.groups(),
                                      [&](int64_t row, int64_t group) { return uint8_t(gridOf(row, group).zero); });
  auto type = tensorType(product.constant());
  return b.create<DequantizeOp>(location, type, integers, scales, zeros, uint64_t(isTransposed ? 1 : 0),
                                uint64_t(grouped.group));
}

} // namespace lathe::nn
