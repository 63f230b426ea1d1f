// Rounding of weights to 4 bits: grids, GPTQ, AWQ, AdaRound, and the matrix arithmetic below them.
#include "compiler/quantize/AdaRound.h"
#include "compiler/quantize/Awq.h"
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <random>

using namespace lathe;
using Catch::Approx;
using nn::GroupedWeights, nn::WeightMatrix;

namespace {

std::vector<float> normal(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(static_cast<size_t>(count));
  for (float &value : values)
    value = distribution(random);
  return values;
}

WeightMatrix randomWeights(int64_t rows, int64_t depth, unsigned seed) {
  return {rows, depth, normal(rows * depth, seed)};
}

/// Of inputs whose channels are mixtures of a few: strongly correlated, as activations are.
Moments correlatedMoments(int64_t depth, unsigned seed, float independent = 0.1f) {
  const int64_t rows = 4 * depth, sources = depth / 4;
  std::vector<float> mixture = normal(sources * depth, seed), source = normal(rows * sources, seed + 1);
  std::vector<float> x = normal(rows * depth, seed + 2);
  for (float &value : x)
    value *= independent;
  addProduct({x.data(), rows, depth, depth}, {source.data(), rows, sources, sources},
             {mixture.data(), sources, depth, depth}, 1);
  Moments moments{depth, std::vector<float>(size_t(depth * depth)), rows};
  const MatrixView view{x.data(), rows, depth, depth};
  addProduct({moments.values.data(), depth, depth, depth}, view.transposed(), view, 1, MatrixPart::upper);
  return moments;
}

/// Weights that lie on grids with zero points, in groups.
WeightMatrix weightsOnGrid(int64_t rows, int64_t depth, int64_t group) {
  std::mt19937 random(7);
  WeightMatrix weights{rows, depth, {}};
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t k = 0; k < depth; ++k) {
      const float scale = 0.25f + float((row + k / group) % 5) * 0.5f;
      const int64_t inGroup = k % group;
      const int integer = inGroup == 0 ? 0 : inGroup == 1 ? 15 : int(random() % 16);
      weights.values.push_back(float(integer - 6) * scale);
    }
  return weights;
}

float largestDifference(const WeightMatrix &weights, const GroupedWeights &grouped) {
  float largest = 0;
  for (int64_t row = 0; row < weights.rows; ++row)
    for (int64_t k = 0; k < weights.depth; ++k)
      largest = std::max(largest, std::fabs(weights.row(row)[k] - grouped.value(row, k)));
  return largest;
}

} // namespace

TEST_CASE("int4: products of matrices of odd sizes") {
  const int64_t m = 13, n = 35, depth = 301;
  std::vector<float> a = normal(m * depth, 1), b = normal(depth * n, 2), c(size_t(m * n), 1.0f);
  addProduct({c.data(), m, n, n}, {a.data(), m, depth, depth}, {b.data(), depth, n, n}, -2);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < depth; ++k)
        sum += double(a[size_t(i * depth + k)]) * b[size_t(k * n + j)];
      CHECK(c[size_t(i * n + j)] == Approx(1 - 2 * sum).margin(1e-3));
    }
}

TEST_CASE("int4: the factor of second moments") {
  const int64_t depth = 250; // several blocks, the last one cut
  Moments moments = correlatedMoments(depth, 3);
  std::vector<float> r = moments.values;
  REQUIRE(factorUpper(r, depth));
  double error = 0, norm = 0;
  for (int64_t i = 0; i < depth; ++i)
    for (int64_t j = i; j < depth; ++j) {
      double sum = 0;
      for (int64_t k = j; k < depth; ++k)
        sum += double(r[size_t(i * depth + k)]) * r[size_t(j * depth + k)];
      const double expected = moments.values[size_t(i * depth + j)];
      error += (sum - expected) * (sum - expected);
      norm += expected * expected;
    }
  CHECK(std::sqrt(error / norm) < 1e-5);
  CHECK(r[size_t(depth)] == 0);
  std::vector<float> indefinite = {1, 2, 2, 1};
  CHECK_FALSE(factorUpper(indefinite, 2));
}

TEST_CASE("int4: weights on a grid stay what they are") {
  for (int64_t group : {16, 32, 128}) {
    WeightMatrix weights = weightsOnGrid(9, 200, group); // the last group is short
    CHECK(largestDifference(weights, nn::roundToNearest(weights, nullptr, group)) < 1e-5f);
    const auto factor = MomentsFactor::of(correlatedMoments(200, 5));
    CHECK(largestDifference(weights, gptq(weights, factor, group, false)) < 1e-5f);
  }
}

TEST_CASE("int4: grids") {
  SECTION("of zeros") {
    const float zeros[20] = {};
    for (bool isSymmetric : {false, true}) {
      nn::Grid grid = nn::fitGrid(zeros, nullptr, 20, isSymmetric);
      CHECK(grid.value(grid.nearest(0)) == 0);
    }
  }
  SECTION("the tiniest and the largest numbers") {
    for (float size : {1e-42f, 1e-38f, 1e37f, 3e38f}) {
      const float values[] = {size, -size / 2, size / 3, 0};
      for (bool isSymmetric : {false, true}) {
        nn::Grid grid = nn::fitGrid(values, nullptr, 4, isSymmetric);
        for (float value : values)
          CHECK(std::isfinite(grid.value(grid.nearest(value))));
      }
    }
  }
  SECTION("an outlier is clipped where that helps the others") {
    std::vector<float> values = normal(64, 11);
    values[5] = 6;
    nn::Grid grid = nn::fitGrid(values.data(), nullptr, 64, true);
    CHECK(grid.scale < 6.0f / 7 * 0.9f);
    std::vector<float> importance(64, 1);
    importance[5] = 1000;
    CHECK(nn::fitGrid(values.data(), importance.data(), 64, true).scale > grid.scale);
  }
  SECTION("zero points pay for weights of one sign") {
    WeightMatrix weights = randomWeights(8, 64, 12);
    CHECK_FALSE(nn::roundToNearest(weights, nullptr, 64).grids.empty());
    for (float &value : weights.values)
      value = std::fabs(value);
    CHECK_FALSE(nn::roundToNearest(weights, nullptr, 32).isSymmetric);
  }
}

TEST_CASE("int4: gptq beats nearest numbers where inputs are correlated") {
  for (int64_t depth : {64, 200, 333}) {
    WeightMatrix weights = randomWeights(24, depth, 20);
    const Moments moments = correlatedMoments(depth, 21);
    const auto factor = MomentsFactor::of(moments);
    REQUIRE(!factor.values.empty());
    const auto diagonal = moments.diagonal();
    const double nearest = productError(weights, nn::roundToNearest(weights, diagonal.data(), 32, false), factor);
    CHECK(productError(weights, gptq(weights, factor, 32, false), factor) < 0.6 * nearest);
    CHECK(productError(weights, gptq(weights, factor, 1024, true), factor) < nearest);
  }
}

TEST_CASE("int8: gptq beats nearest integers where inputs are correlated") {
  for (int64_t depth : {9, 64, 333}) {
    WeightMatrix weights = randomWeights(24, depth, 20);
    const auto factor = MomentsFactor::of(correlatedMoments(depth, 21).shrunk(), 1e-3);
    REQUIRE(!factor.values.empty());
    const std::vector<float> scales(24, 3.0f / 63);
    const ScaledIntegers nearest = nearestIntegers(weights, scales, 63),
                         rounded = gptqIntegers(weights, factor, scales, 63);
    CHECK(productError(weights, rounded, factor) < 0.7 * productError(weights, nearest, factor));
    CHECK(llvm::all_of(rounded.integers, [](int8_t integer) { return std::abs(integer) <= 63; }));
  }
}

TEST_CASE("int8: few rows leave little of what elements have in common") {
  const Moments few{2, {4, 2, 0, 4}, 2}, many{2, {4, 2, 0, 4}, 1998};
  CHECK(few.shrunk().values == std::vector<float>{4, 1, 0, 4});
  CHECK(many.shrunk().values[1] == Approx(1.998));
}

TEST_CASE("int4: inputs that tell nothing, or span little") {
  CHECK(MomentsFactor::of({4, std::vector<float>(16), 1}).values.empty());
  CHECK(MomentsFactor::of({2, {NAN, 0, 0, 1}, 1}).values.empty());
  std::vector<float> ones(64 * 64, 1); // of rank 1
  CHECK(!MomentsFactor::of({64, ones, 1}).values.empty());
}

TEST_CASE("int4: awq scales channels of large activations up") {
  const int64_t depth = 128;
  Moments moments = correlatedMoments(depth, 30, 1);
  for (int64_t i = 0; i < depth; ++i)
    for (int64_t j = 0; j < depth; ++j)
      moments.values[size_t(i * depth + j)] *= (i % 32 == 3 ? 20.0f : 1.0f) * (j % 32 == 3 ? 20.0f : 1.0f);
  const auto factor = MomentsFactor::of(moments);
  const WeightMatrix weights = randomWeights(40, depth, 31);
  const ChannelScales scales = awqScales({weights}, moments, factor, 32);
  CHECK(scales.errorShare < 0.7);
  CHECK(scales.factors[3] > 2 * scales.factors[4]);
  // What was measured is what comes out.
  const auto importance = scales.divided(moments.diagonal());
  const WeightMatrix scaled = scales.multiplied(weights);
  const double after =
      productError(scaled, nn::roundToNearest(scaled, importance.data(), 32, false), scales.divided(factor));
  const auto diagonal = moments.diagonal();
  const double before = productError(weights, nn::roundToNearest(weights, diagonal.data(), 32, false), factor);
  CHECK(after / before == Approx(scales.errorShare).epsilon(0.01));
}

TEST_CASE("int4: adaround beats nearest numbers, and repeats itself") {
  const WeightMatrix weights = randomWeights(16, 96, 40);
  const Moments moments = correlatedMoments(96, 41);
  const auto factor = MomentsFactor::of(moments);
  const auto diagonal = moments.diagonal();
  const GroupedWeights nearest = nn::roundToNearest(weights, diagonal.data(), 32, false);
  const GroupedWeights rounded = adaRound(weights, factor, nearest, adaRoundSteps(16 * 96 * 96));
  CHECK(productError(weights, rounded, factor) < 0.6 * productError(weights, nearest, factor));
  CHECK(adaRound(weights, factor, nearest, 100).integers == adaRound(weights, factor, nearest, 100).integers);
  for (size_t i = 0; i < rounded.integers.size(); ++i) // up or down
    CHECK(std::abs(int(rounded.integers[i]) - int(nearest.integers[i])) <= 1);
}
