// Scales of weights: of 8 bits from the largest magnitude, of 7 from the least squared error, and what they lose.
#include "passes/quantize/WeightScales.h"
#include "mlir/IR/Builders.h"
#include <catch2/catch_test_macros.hpp>
#include <random>

using namespace mlir;
using namespace lathe;

namespace {
/// Weights [channels, 64], normally distributed; of the last channel one is `outlier`.
reference::Tensor weightsWith(MLIRContext &context, float outlier) {
  auto tensor = reference::Tensor::allocate(RankedTensorType::get({3, 64}, Builder(&context).getF32Type()));
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.mutableData<float>()[i] = normal(random);
  tensor.mutableData<float>()[2 * 64] = outlier;
  return tensor;
}
} // namespace

TEST_CASE("the largest of 8 bits is the largest magnitude", "[weights]") {
  MLIRContext context;
  auto scales = nn::weightScales(weightsWith(context, 12.7F), 0, 8);
  REQUIRE(scales.has_value());
  REQUIRE(scales->size() == 3);
  CHECK(std::abs((*scales)[2] - 0.1F) < 1e-6F);
  CHECK(nn::mostInteger(8) == 127);
  CHECK(nn::mostInteger(7) == 63);
}

TEST_CASE("7 bits clip where that loses less", "[weights]") {
  MLIRContext context;
  auto scales = nn::weightScales(weightsWith(context, 6.3F), 0, 7);
  REQUIRE(scales.has_value());
  CHECK((*scales)[2] <= 0.1F);
  CHECK((*scales)[2] >= 0.06F);
}

TEST_CASE("a bit is 6 dB, large weights cost more", "[weights]") {
  MLIRContext context;
  reference::Tensor common = weightsWith(context, 1), rare = weightsWith(context, 100);
  const double eight = nn::weightSqnr(common, 0, 8), seven = nn::weightSqnr(common, 0, 7);
  CHECK(seven > 33);
  CHECK(eight - seven > 4);
  CHECK(eight - seven < 8);
  auto channel = [&](const reference::Tensor &weights) { return (*nn::weightScales(weights, 0, 7))[2]; };
  CHECK(channel(rare) > 10 * channel(common));
}

TEST_CASE("weights that are not finite have no scales", "[weights]") {
  MLIRContext context;
  for (float value : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    CHECK(!nn::weightScales(weightsWith(context, value), 0, 7).has_value());
    CHECK(!nn::weightScales(weightsWith(context, value), 0, 8).has_value());
    CHECK(nn::weightSqnr(weightsWith(context, value), 0, 7) == 0);
  }
}
