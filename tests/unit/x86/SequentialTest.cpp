#include "tests/unit/x86/KernelRunner.h"
#include <catch2/catch_test_macros.hpp>

using namespace lathe::test;
using lathe::reference::Tensor;

namespace {
RunOptions indicesBelow(int64_t size) {
  RunOptions options;
  options.fill = [=](unsigned number, Tensor &tensor) {
    for (int64_t i = 0; number == 1 && i < tensor.size(); ++i)
      tensor.mutableData<int64_t>()[i] = (i * 7 + 3) % size - (i % 3 == 0 ? size : 0);
    return number == 1;
  };
  return options;
}
} // namespace

TEST_CASE("running sums and products") {
  for (const char *kind : {"cum_sum", "cum_prod"})
    for (const char *axis : {"0", "1", "2"})
      for (const char *mode : {"exclusive = false, reverse = false", "exclusive = true, reverse = false",
                               "exclusive = true, reverse = true"})
        for (const char *type : {"f32", "i32", "f64"}) {
          std::string t = std::string("5x9x4x") + type;
          std::string text = std::string("nn.cumulative ") + kind + " %0 {axis = " + axis + " : i64, " + mode + "}";
          CHECK(runCase(oneOp(text, {t}, {t}), {.relative = 1e-5, .low = 0, .high = 3}) == "");
        }
}

TEST_CASE("scatters") {
  for (const char *reduction : {"none", "scatter_add", "scatter_mul", "scatter_max", "scatter_min"})
    for (const char *type : {"f32", "i32"}) {
      std::string t = type, mode = std::string("reduction = #nn<scatter_reduction ") + reduction + ">}";
      CHECK(runCase(oneOp("nn.scatter_elements %0, %1, %2 {axis = 1 : i64, " + mode,
                          {"4x9x" + t, "4x5xi64", "4x5x" + t}, {"4x9x" + t}),
                    indicesBelow(9)) == "");
      CHECK(
          runCase(oneOp("nn.scatter_nd %0, %1, %2 {" + mode, {"9x9x6x" + t, "2x3x2xi64", "2x3x6x" + t}, {"9x9x6x" + t}),
                  indicesBelow(9)) == "");
    }
}

TEST_CASE("top-k") {
  for (const char *largest : {"true", "false"})
    for (const char *type : {"f32", "i32", "ui8", "f16"}) {
      std::string t = type;
      std::string text = std::string("nn.top_k %0 {axis = 1 : i64, largest = ") + largest + "}";
      CHECK(runCase(oneOp(text, {"4x50x3x" + t}, {"4x7x3x" + t, "4x7x3xi64"}), {.low = 0, .high = 20}) == "");
      CHECK(runCase(oneOp(text, {"4x50x" + t}, {"4x50x" + t, "4x50xi64"})) == "");
    }
}

TEST_CASE("coordinates of non-zeros") {
  RunOptions options;
  options.fill = [](unsigned, Tensor &tensor) {
    for (int64_t i = 0; i < tensor.size(); ++i)
      tensor.mutableData<float>()[i] = i % 4 ? 0.0f : -1.0f;
    return true;
  };
  CHECK(runCase(oneOp("nn.non_zero %0", {"5x7xf32"}, {"2x9xi64"}), options) == "");
  // One column too few: an error, and nothing is written outside.
  CHECK(runForCode(oneOp("nn.non_zero %0", {"5x7xf32"}, {"2x8xi64"}), options) == 5);
}

TEST_CASE("non-maximum suppression") {
  for (const char *center : {"", " {center}"})
    for (int64_t most : {0, 3, 100}) {
      RunOptions options{.low = 0, .high = 9};
      options.fill = [=](unsigned number, Tensor &tensor) {
        if (number == 2)
          tensor.mutableData<int64_t>()[0] = most;
        if (number == 3)
          tensor.mutableData<float>()[0] = 0.25f;
        return number == 2 || number == 3;
      };
      std::string text = std::string("nn.non_max_suppression %0, %1, %2, %3, %4") + center;
      CHECK(runCase(oneOp(text, {"2x41x4xf32", "2x3x41xf32", "1xi64", "f32", "f32"}, {"246x3xi64", "1xi64"}),
                    options) == "");
      // One row for what are more boxes: an error, and nothing is written outside.
      bool fits = most == 0;
      CHECK(runForCode(oneOp(text, {"2x41x4xf32", "2x3x41xf32", "1xi64", "f32", "f32"}, {"1x3xi64", "1xi64"}),
                       options) == (fits ? 0 : 5));
    }
}
