#include "compiler/calibrate/Histogram.h"
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <random>

using namespace lathe;
using Catch::Approx;

namespace {

std::vector<float> normal(size_t count, float deviation, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution(0, deviation);
  std::vector<float> values(count);
  for (float &value : values)
    value = distribution(random);
  return values;
}

Range rangeOf(llvm::ArrayRef<float> values, RangeMethod method, double outliers = 1e-5) {
  Histogram histogram;
  histogram.add(values);
  return histogram.range(method, outliers);
}

} // namespace

TEST_CASE("histogram: methods by name") {
  CHECK(parseRangeMethod("min-max") == RangeMethod::minMax);
  CHECK(parseRangeMethod("percentile") == RangeMethod::percentile);
  CHECK(parseRangeMethod("mse") == RangeMethod::mse);
  CHECK(parseRangeMethod("entropy") == RangeMethod::entropy);
  CHECK(!parseRangeMethod("kl"));
}

TEST_CASE("histogram: nothing, and nothing but zeros") {
  for (RangeMethod method : {RangeMethod::minMax, RangeMethod::percentile, RangeMethod::mse, RangeMethod::entropy}) {
    CHECK(Histogram().range(method) == Range{0, 0});
    CHECK(rangeOf({0, 0, 0}, method) == Range{0, 0});
  }
}

TEST_CASE("histogram: least and most are exact, and include 0") {
  CHECK(rangeOf({1.25f, 3.5f}, RangeMethod::minMax) == Range{0, 3.5});
  CHECK(rangeOf({-1.25f, -0.5f}, RangeMethod::minMax) == Range{-1.25, 0});
}

TEST_CASE("histogram: what is not finite is counted apart") {
  Histogram histogram;
  histogram.add({1, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), -2});
  CHECK(histogram.notFinite() == 2);
  CHECK(histogram.count() == 2);
  CHECK(histogram.range(RangeMethod::minMax) == Range{-2, 1});
}

TEST_CASE("histogram: samples that come later may be larger") {
  Histogram histogram;
  histogram.add(normal(10000, 1));
  histogram.add({-1000, 4000});
  CHECK(histogram.count() == 10002);
  CHECK(histogram.range(RangeMethod::minMax) == Range{-1000, 4000});
  Range most = histogram.range(RangeMethod::percentile, 1e-3);
  CHECK(most.high < 20); // wide bins, but the outlier is left out
  CHECK(most.low > -20);
}

TEST_CASE("histogram: a share of outliers is left out") {
  std::vector<float> values(100000, 1.0f);
  values[5] = 100;
  CHECK(rangeOf(values, RangeMethod::percentile, 1e-4).high == Approx(1).margin(0.1));
  CHECK(rangeOf(values, RangeMethod::percentile, 0).high == 100);
}

TEST_CASE("histogram: least error cuts rare outliers and keeps what is even") {
  std::vector<float> even;
  for (int i = 0; i <= 1000; ++i)
    even.push_back(float(i) / 1000);
  CHECK(rangeOf(even, RangeMethod::mse).high == Approx(1).margin(0.05));
  std::vector<float> values = normal(1000000, 1);
  values[0] = 30;
  Range cut = rangeOf(values, RangeMethod::mse);
  CHECK(cut.high < 24);
  CHECK(cut.high > 3);
  CHECK(cut.low < -3);
}

TEST_CASE("histogram: few values are expected to reach further, as far as their tail tells") {
  const std::vector<float> few = normal(1000, 1), many = normal(1000000, 1);
  const double seen = rangeOf(few, RangeMethod::minMax).high;
  CHECK(rangeOf(few, RangeMethod::mse).high > 1.3 * seen);
  CHECK(rangeOf(few, RangeMethod::mse).high < 3 * seen);
  CHECK(rangeOf(many, RangeMethod::mse).high <= rangeOf(many, RangeMethod::minMax).high);
  std::vector<float> rectified = few;
  for (float &value : rectified)
    value = std::max(value, 0.0f);
  CHECK(rangeOf(rectified, RangeMethod::mse).low == 0);
  CHECK(rangeOf(std::vector<float>(50, 1.0f), RangeMethod::mse).high == Approx(1).margin(0.01));
}

TEST_CASE("histogram: least divergence cuts the tail of a distribution") {
  std::vector<float> values = normal(1000000, 1);
  values[0] = 30;
  Range cut = rangeOf(values, RangeMethod::entropy);
  CHECK(cut.high < 20);
  CHECK(cut.high > 2);
}

TEST_CASE("histogram: channels count by their weights") {
  // Two channels in turns: one small and heavy, the other with values ten times as large that hardly count.
  std::vector<float> values = normal(20000, 1);
  for (size_t i = 1; i < values.size(); i += 2)
    values[i] *= 10;
  Histogram plain, weighted, planes;
  plain.add(values);
  weighted.add(values, {1, 1e-6f});
  CHECK(plain.range(RangeMethod::mse).high > 15);
  CHECK(weighted.range(RangeMethod::mse).high < 12);
  CHECK(weighted.count() == Approx(10000).epsilon(1e-3));
  // The same values as [channels, inner].
  std::vector<float> apart(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    apart[i % 2 * values.size() / 2 + i / 2] = values[i];
  planes.add(apart, {1, 1e-6f}, values.size() / 2);
  CHECK(planes.range(RangeMethod::mse).high == Approx(weighted.range(RangeMethod::mse).high));
  CHECK(planes.range(RangeMethod::mse).low == Approx(weighted.range(RangeMethod::mse).low));
}
