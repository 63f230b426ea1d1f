// Errors of the f32 functions in units in the last place, over their whole range, and special values.
#include "tests/unit/x86/KernelRunner.h"
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

using namespace lathe::test;
using lathe::reference::Tensor;

namespace {
constexpr int64_t kCount = 100001;

/// Points between low and high, as many in each octave (and sign) as the range has.
RunOptions points(float low, float high, double ulps) {
  RunOptions options;
  options.relative = ulps * 0x1p-23;
  options.absolute = 0x1p-149;
  options.fill = [=](unsigned, Tensor &tensor) {
    for (int64_t i = 0; i < tensor.size(); ++i) {
      double part = double(i) / double(tensor.size() - 1);
      bool isLogarithmic = i % 2 && low > 0;
      tensor.mutableData<float>()[i] =
          isLogarithmic ? float(low * std::pow(double(high) / low, part)) : float(low + part * (double(high) - low));
    }
    return true;
  };
  return options;
}

std::string unary(const std::string &kind, int64_t count = kCount) {
  std::string type = std::to_string(count) + "xf32";
  return oneOp("nn.unary " + kind + " %0", {type}, {type});
}
} // namespace

TEST_CASE("functions of f32 are accurate over their whole range") {
  CHECK(runCase(unary("exp"), points(-104, 89, 2)) == "");
  CHECK(runCase(unary("log"), points(1e-44f, 3e38f, 2)) == "");
  CHECK(runCase(unary("log"), points(0.4f, 2.5f, 3)) == "");
  CHECK(runCase(unary("tanh"), points(-12, 12, 4)) == "");
  CHECK(runCase(unary("tanh"), points(1e-30f, 12, 4)) == "");
  CHECK(runCase(unary("erf"), points(-5, 5, 4)) == "");
  CHECK(runCase(unary("erf"), points(1e-30f, 5, 4)) == "");
  CHECK(runCase(unary("sigmoid"), points(-87, 87, 4)) == "");
  RunOptions gelu = points(-40, 40, 4);
  gelu.absolute = 1e-6;
  CHECK(runCase(unary("gelu"), gelu) == "");
  for (const char *kind : {"atan", "asinh", "sinh", "cosh"})
    CHECK(runCase(unary(kind), points(1e-30f, 80, 2)) == "");
  for (const char *kind : {"asin", "acos", "atanh"})
    CHECK(runCase(unary(kind), points(1e-30f, 1, 2)) == "");
  CHECK(runCase(unary("acosh"), points(1, 1e30f, 2)) == "");
  // Near the zeros of sine, relative errors grow with the argument's own rounding in the reduction.
  for (const char *kind : {"sin", "cos"}) {
    RunOptions options = points(-1e6f, 1e6f, 4);
    options.absolute = 1e-7;
    CHECK(runCase(unary(kind), options) == "");
  }
}

TEST_CASE("special values") {
  constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  RunOptions options;
  options.fill = [=](unsigned, Tensor &tensor) {
    const float values[] = {0.0f, -0.0f, 1.0f, -1.0f, infinity, -infinity, nan, 0x1p-149f, 3e38f, -3e38f};
    for (int64_t i = 0; i < tensor.size(); ++i)
      tensor.mutableData<float>()[i] = values[i % std::size(values)];
    return true;
  };
  for (const char *kind :
       {"exp",  "log",  "tanh",  "erf",   "sigmoid", "sqrt", "relu",     "floor",      "round", "atan",
        "sinh", "cosh", "asinh", "atanh", "asin",    "acos", "softplus", "reciprocal", "abs",   "sign"})
    CHECK(runCase(unary(kind, 20), options) == "");
  CHECK(runCase(oneOp("nn.unary is_nan %0", {"20xf32"}, {"20xi1"}), options) == "");
  CHECK(runCase(oneOp("nn.unary is_inf %0 {alpha = 1.0 : f64, beta = 1.0 : f64}", {"20xf32"}, {"20xi1"}), options) ==
        "");
}

TEST_CASE("powers of special values") {
  constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  RunOptions options;
  options.fill = [=](unsigned number, Tensor &tensor) {
    const float values[] = {0.0f, 1.0f, -1.0f, 2.0f, -2.0f, 0.5f, -3.0f, 2.5f, infinity, -infinity, nan, -1e3f};
    constexpr int64_t count = std::size(values);
    for (int64_t i = 0; i < tensor.size(); ++i)
      tensor.mutableData<float>()[i] = values[number == 0 ? i / count : i % count];
    return true;
  };
  CHECK(runCase(oneOp("nn.binary pow %0, %1", {"144xf32", "144xf32"}, {"144xf32"}), options) == "");
}
