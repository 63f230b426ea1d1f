#include "tests/unit/x86/KernelRunner.h"
#include <catch2/catch_test_macros.hpp>
#include <limits>

using namespace lathe::test;

TEST_CASE("pooling") {
  const char *rest = "kernel = array<i64: 3, 2>, strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 1>, dilations "
                     "= array<i64: 1, 2>";
  for (const char *kind : {"pool_max", "pool_average", "pool_lp"})
    for (const char *more : {"", ", count_include_pad", ", p = 3 : i64"}) {
      std::string text = std::string("nn.pool ") + kind + " %0 {" + rest + more;
      RunOptions options{.relative = 2e-5, .low = 0.5};
      CHECK(runCase(oneOp(text + "}", {"2x3x9x8xf32"}, {"2x3x5x7xf32"}), options) == "");
      CHECK(runCase(oneOp(text + ", channels_last}", {"2x9x8x37xf32"}, {"2x5x7x37xf32"}), options) == "");
    }
  CHECK(
      runCase(oneOp(
          "nn.pool pool_max %0 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, "
          "dilations = array<i64: 1, 1>}",
          {"1x2x8x8xi8"}, {"1x2x4x4xi8"})) == "");
  std::string indices = std::string("nn.max_pool_indices %0 {") + rest;
  CHECK(runCase(oneOp(indices + "}", {"2x3x9x8xf32"}, {"2x3x5x7xi64"})) == "");
  CHECK(runCase(oneOp(indices + ", column_major}", {"2x3x9x8xf32"}, {"2x3x5x7xi64"})) == "");
}

TEST_CASE("convolutions of any type by plain loops") {
  const char *rest =
      "strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 1>, dilations = array<i64: 1, 2>, group = 2 : i64";
  for (const char *type : {"f64", "f16"}) {
    std::string t = type;
    RunOptions options{.relative = 1e-5, .absolute = 1e-5};
    CHECK(runCase(oneOp(std::string("nn.conv %0, %1 bias %2 {") + rest + "}",
                        {"2x4x9x8x" + t, "6x2x3x2x" + t, "6x" + t}, {"2x6x5x7x" + t}),
                  options) == "");
    CHECK(runCase(oneOp(std::string("nn.conv %0, %1 {") + rest + ", channels_last}", {"2x9x8x4x" + t, "6x2x3x2x" + t},
                        {"2x5x7x6x" + t}),
                  options) == "");
    CHECK(runCase(oneOp(std::string("nn.conv_transpose %0, %1 {") + rest + "}", {"2x4x5x6x" + t, "4x3x3x2x" + t},
                        {"2x6x9x7x" + t}),
                  options) == "");
  }
  CHECK(runCase(oneOp("nn.conv_transpose %0, %1 bias %2 {strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = "
                      "array<i64: 1>, "
                      "group = 1 : i64}",
                      {"1x3x5xf32", "3x4x3xf32", "4xf32"}, {"1x4x11xf32"})) == "");
}

TEST_CASE("products and attention by plain loops") {
  CHECK(runCase(oneOp("nn.matmul %0, %1 {trans_rhs}", {"2x1x5x7xf64", "3x4x7xf64"}, {"2x3x5x4xf64"})) == "");
  CHECK(runCase(oneOp("nn.matmul %0, %1", {"5x7xi32", "7x4xi32"}, {"5x4xi32"})) == "");
  CHECK(runCase(oneOp("nn.attention %0, %1, %2, %3 {scale = 0.25 : f64}",
                      {"2x3x5x8xf64", "2x3x7x8xf64", "2x3x7x6xf64", "1x1x5x7xf64"}, {"2x3x5x6xf64"}),
                {.relative = 1e-5}) == "");
  CHECK(runCase(oneOp("nn.attention %0, %1, %2 {scale = 0.25 : f64}", {"2x6x5x8xf64", "2x3x7x8xf64", "2x3x7x6xf64"},
                      {"2x6x5x6xf64"}),
                {.relative = 1e-5}) == "");
  RunOptions allMasked{.relative = 1e-5};
  allMasked.fill = [](unsigned number, lathe::reference::Tensor &tensor) {
    for (int64_t i = 0; number == 3 && i < tensor.size(); ++i)
      tensor.mutableData<double>()[i] = i < 7 ? -std::numeric_limits<double>::infinity() : 0;
    return number == 3;
  };
  CHECK(runCase(oneOp("nn.attention %0, %1, %2, %3 {scale = 0.25 : f64, nan_to_zero}",
                      {"2x3x5x8xf64", "2x3x7x8xf64", "2x3x7x6xf64", "1x1x5x7xf64"}, {"2x3x5x6xf64"}),
                allMasked) == "");
}
