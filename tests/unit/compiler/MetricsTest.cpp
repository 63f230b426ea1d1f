#include "compiler/diff/Metrics.h"
#include "compiler/diff/ModelOrder.h"
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

using namespace lathe::diff;
using Catch::Approx;
using Floats = std::vector<float>;

TEST_CASE("metrics: errors by hand, in one piece or several") {
  ErrorSums whole, parts;
  whole.add(Floats{3, 4, 0}, Floats{3, 5, 1});
  parts.add(Floats{3}, Floats{3});
  parts.add(Floats{4, 0}, Floats{5, 1});
  for (const ErrorSums &errors : {whole, parts}) {
    CHECK(errors.count() == 3);
    CHECK(errors.sqnr() == Approx(10 * std::log10(25.0 / 2)));
    CHECK(errors.cosine() == Approx(29 / std::sqrt(25.0 * 35)));
    CHECK(errors.maxError() == 1);
    CHECK(errors.relative() == Approx(std::sqrt(2.0 / 25)));
    CHECK(errors.largest() == 4);
  }
}

TEST_CASE("metrics: nothing lost, nothing there") {
  ErrorSums equal, zeros, fromZeros;
  equal.add(Floats{1, -2}, Floats{1, -2});
  CHECK(std::isinf(equal.sqnr()));
  CHECK(equal.cosine() == Approx(1));
  CHECK(equal.relative() == 0);
  zeros.add(Floats{0, 0}, Floats{0, 0});
  CHECK(zeros.cosine() == 1);
  CHECK(std::isinf(zeros.sqnr()));
  fromZeros.add(Floats{0}, Floats{1});
  CHECK(fromZeros.cosine() == 0);
  CHECK(std::isinf(fromZeros.relative()));
}

TEST_CASE("metrics: numbers that are not finite are mismatches or the same") {
  float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  ErrorSums errors;
  errors.add(Floats{inf, nan, 1, inf, 2}, Floats{inf, nan, nan, -inf, 2});
  CHECK(errors.mismatches() == 2);
  CHECK(std::isinf(errors.sqnr())); // of what is finite, all is the same
  CHECK(errors.count() == 5);
}

TEST_CASE("metrics: a bias is told from noise") {
  Floats expected(64, 1), biased(64), noisy(64);
  for (size_t i = 0; i < 64; ++i) {
    biased[i] = expected[i] + (i % 2 ? 0.5f : -0.25f); // channels 0 and 1, interleaved
    noisy[i] = expected[i] + (i / 2 % 2 ? 0.5f : -0.5f);
  }
  ChannelSums bias, noise, none;
  bias.add(expected, biased, 32, 2, 1);
  CHECK(bias.biasShare() == Approx(1));
  noise.add(expected, noisy, 32, 2, 1);
  CHECK(noise.biasShare() == 0);
  none.add(expected, expected, 32, 2, 1);
  CHECK(none.biasShare() == 0);
}

TEST_CASE("metrics: how far channels reach") {
  ChannelSums sums;
  sums.add(Floats{1, -2, 3, 4, -50, 6}, Floats{1, -2, 3, 4, -50, 6}, 1, 3, 2);
  REQUIRE(sums.channels() == 3);
  CHECK(sums.magnitude(0) == 2);
  CHECK(sums.magnitude(2) == 50);
  CHECK(sums.low() == -50);
  CHECK(sums.high() == 6);
  sums.add(Floats{9}, Floats{9}, 1, 1, 1); // another number of channels: passed over
  CHECK(sums.high() == 6);
}

TEST_CASE("metrics: what integers lose") {
  RepresentationSums sums(0.5, 10, false); // -5 to 122.5
  sums.add(Floats{-5, 0.25f, 7, 200, -7});
  CHECK(sums.low() == -5);
  CHECK(sums.high() == 122.5);
  CHECK(sums.clippedShare() == Approx(2.0 / 5));
  CHECK(sums.clipEnergy() == Approx(77.5 * 77.5 + 4));
  CHECK(sums.roundEnergy() == Approx(0.0625));
  RepresentationSums isSigned(1, 0, true);
  CHECK(isSigned.low() == -128);
  CHECK(isSigned.high() == 127);
}

TEST_CASE("metrics: values in other orders and units are read and written") {
  std::vector<uint8_t> bytes = {11, 12, 13, 14, 15, 16, 0}; // [height 1, width 3, channels 2]
  std::vector<uint8_t> order = {1, 2, 0};
  std::vector<int64_t> shape = {2, 1, 3};
  ObservedValue value{"n", "u8", 0.5, 10, order, bytes.data(), 6};
  REQUIRE(fits(value, shape));
  Floats numbers;
  readValue(value, shape, numbers);
  CHECK(numbers == Floats{0.5, 1.5, 2.5, 1, 2, 3});
  writeValue(value, shape, Floats{-100, 0.26f, 0, 1000, 1, 1.5});
  CHECK(bytes == std::vector<uint8_t>{0, 255, 11, 12, 10, 13, 0});
  CHECK(!fits(value, {2, 2, 3}));
  CHECK(!fits(value, {6}));

  Floats data = {1, 2, 3, 4};
  ObservedValue scaled{"n", "f32", 2, 0, {}, data.data(), 16};
  readValue(scaled, {2, 2}, numbers);
  CHECK(numbers == Floats{2, 4, 6, 8});
  writeValue(scaled, {4}, Floats{8, 6, 4, 2});
  CHECK(data == Floats{4, 3, 2, 1});
}

TEST_CASE("metrics: factors of channels belong to a value") {
  std::vector<uint8_t> bytes = {1, 2, 3, 4}, order = {1, 0}; // [width 2, channels 2]
  std::vector<double> factors = {10, 100};
  ObservedValue value{"n", "u8", 0.5, 0, order, bytes.data(), 4, factors, 0};
  REQUIRE(fits(value, {2, 2}));
  CHECK(!fits(value, {4}));
  Floats numbers;
  readValue(value, {2, 2}, numbers);
  CHECK(numbers == Floats{5, 15, 100, 200});
  writeValue(value, {2, 2}, Floats{15, 5, 200, 100});
  CHECK(bytes == std::vector<uint8_t>{3, 4, 1, 2});
  CHECK(withoutFactors(value, {2, 2}, Floats{10, 20, 100, 300}) == Floats{1, 2, 1, 3});
}

TEST_CASE("metrics: outputs of any type are numbers") {
  std::vector<int64_t> shape = {2}, ints = {3, -4};
  std::vector<uint16_t> halves = {0x3c00, 0xc000};
  CHECK(toFloats({shape, "i64", ints.data()}) == Floats{3, -4});
  CHECK(toFloats({shape, "f16", halves.data()}) == Floats{1, -2});
  CHECK(toFloats({shape, "?", ints.data()}).empty());
}
