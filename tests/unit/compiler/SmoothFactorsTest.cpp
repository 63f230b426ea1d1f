#include "compiler/quantize/SmoothFactors.h"
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <random>

using namespace lathe;

namespace {

constexpr size_t kChannels = 32, kOutputs = 16;

ChannelWeights randomWeights(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution;
  ChannelWeights weights{{}, kOutputs};
  weights.channels.resize(kChannels);
  for (auto &channel : weights.channels)
    for (uint32_t n = 0; n < kOutputs; ++n)
      channel.push_back({n, distribution(random)});
  return weights;
}

/// Rows of normal values; those of channel 3 are `outlier` times as large.
ChannelStatistics randomRows(float outlier) {
  std::mt19937 random(7);
  std::normal_distribution<float> distribution;
  std::vector<float> values(512 * kChannels);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = distribution(random) * (i % kChannels == 3 ? outlier : 1);
  ChannelStatistics statistics(kChannels);
  statistics.add(values, 1);
  return statistics;
}

} // namespace

TEST_CASE("smooth factors: an outlier channel is made small") {
  SmoothFactors chosen = chooseSmoothFactors(randomRows(100), {randomWeights(1), randomWeights(2)}, 0.8);
  REQUIRE(chosen.factors.size() == kChannels);
  CHECK(chosen.after < 0.1 * chosen.before);
  for (size_t k = 0; k < kChannels; ++k)
    if (k != 3)
      CHECK(chosen.factors[3] > 3 * chosen.factors[k]);
}

TEST_CASE("smooth factors: none where channels are alike") {
  SmoothFactors chosen = chooseSmoothFactors(randomRows(1), {randomWeights(1)}, 0.7);
  CHECK(chosen.factors.empty());
  CHECK(chosen.after == chosen.before);
}

TEST_CASE("smooth factors: what is not worthwhile is not taken") {
  SmoothFactors some = chooseSmoothFactors(randomRows(8), {randomWeights(1)}, 0.99);
  REQUIRE(!some.factors.empty());
  CHECK(chooseSmoothFactors(randomRows(8), {randomWeights(1)}, 0.5 * some.after / some.before).factors.empty());
}

TEST_CASE("smooth factors: channels of zeros and of numbers that are not finite") {
  std::vector<float> values(64 * kChannels, 0);
  for (size_t i = 0; i < values.size(); i += kChannels) {
    values[i] = 50;
    values[i + 1] = std::numeric_limits<float>::infinity();
    values[i + 2] = float(i) / float(values.size());
  }
  ChannelStatistics statistics(kChannels);
  statistics.add(values, 1);
  SmoothFactors chosen = chooseSmoothFactors(statistics, {randomWeights(1)}, 1);
  for (float factor : chosen.factors)
    CHECK((std::isfinite(factor) && factor > 0));
  CHECK(std::isfinite(chosen.after));
}

TEST_CASE("channel statistics: planes are rows of their places") {
  ChannelStatistics statistics(2);
  statistics.add({1, 2, 3, -10, -20, 5, 7, 8, 9, 0, 0, 0}, 3); // [2, channels, 3]
  CHECK(statistics.rowCount() == 6);
  CHECK(statistics.most()[0] == 9);
  CHECK(statistics.least()[0] == 0);
  CHECK(statistics.least()[1] == -20);
  CHECK(statistics.rows().take_front(4) == llvm::ArrayRef<float>({1, -10, 2, -20}));
}

TEST_CASE("channel statistics: a sample of many rows is bounded, and from everywhere") {
  ChannelStatistics statistics(1);
  std::vector<float> values(100000);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = float(i);
  statistics.add(values, 1);
  CHECK(statistics.rowCount() == 1024);
  double sum = 0;
  for (float value : statistics.rows())
    sum += value;
  CHECK(std::abs(sum / 1024 - 50000) < 4000); // four deviations
}
