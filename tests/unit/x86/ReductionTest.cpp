#include "tests/unit/x86/KernelRunner.h"
#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <regex>

using namespace lathe::test;

namespace {
std::string reduce(const std::string &kind, const std::string &axes, bool keepdims) {
  return "nn.reduce " + kind + " %0 {axes = array<i64: " + axes + ">, keepdims = " + (keepdims ? "true" : "false") +
         "}";
}
} // namespace

TEST_CASE("reductions of every kind and axis") {
  for (const char *kind : {"sum", "mean", "max", "min", "prod", "l1", "l2", "sum_square"}) {
    for (const char *type : {"f32", "f64", "f16"}) {
      RunOptions options{.relative = 1e-5, .absolute = 1e-5, .low = 0.5, .high = 1.5};
      std::string t = type;
      CHECK(runCase(oneOp(reduce(kind, "2", true), {"3x4x50x" + t}, {"3x4x1x" + t}), options) == "");
      CHECK(runCase(oneOp(reduce(kind, "1", false), {"3x4x50x" + t}, {"3x50x" + t}), options) == "");
      CHECK(runCase(oneOp(reduce(kind, "0, 2", true), {"3x4x20x" + t}, {"1x4x1x" + t}), options) == "");
      CHECK(runCase(oneOp(reduce(kind, "0, 1, 2", false), {"3x4x9x" + t}, {t}), options) == "");
    }
    for (const char *type : {"i32", "i64", "ui8"}) {
      std::string t = type;
      CHECK(runCase(oneOp(reduce(kind, "1", true), {"30x11x" + t}, {"30x1x" + t}), {.low = 0, .high = 9}) == "");
    }
  }
  CHECK(runCase(oneOp(reduce("max", "1", true), {"3x0xf32"}, {"3x1xf32"})) == "");
}

TEST_CASE("a long sum and channels-last averages") {
  CHECK(runCase(oneOp(reduce("sum", "1", false), {"3x100003xf32"}, {"3xf32"}), {.relative = 1e-5, .absolute = 1e-2}) ==
        "");
  CHECK(runCase(oneOp(reduce("mean", "1, 2", true), {"2x7x7x200xf32"}, {"2x1x1x200xf32"}), {.relative = 1e-5}) == "");
  CHECK(runCase(oneOp(reduce("mean", "2, 3", true), {"2x200x7x7xf32"}, {"2x200x1x1xf32"}), {.relative = 1e-5}) == "");
}

TEST_CASE("few columns") {
  auto run = [](const std::string &kind, const std::string &rows, const std::string &columns, const std::string &type) {
    std::string result = "2x1x" + columns + "x" + type;
    return runCase(oneOp(reduce(kind, "1", true), {"2x" + rows + "x" + columns + "x" + type}, {result}),
                   {.relative = 1e-5, .absolute = 1e-5, .low = 0.5, .high = 1.5, .expectedKind = "column"});
  };
  for (const char *rows : {"1", "7", "8", "9", "63"})
    for (const char *columns : {"3", "12", "24", "33", "257"})
      CHECK(run("mean", rows, columns, "f32") == "");
  for (const char *kind : {"max", "min", "prod", "l1", "l2", "sum_square"})
    for (const char *type : {"f32", "i32"})
      CHECK(run(kind, "13", "20", type) == "");
  const char *symbolic = R"(
    func.func @f(%0: tensor<?x24xf32, affine_map<()[s0] -> (s0, 24)>>) -> tensor<1x24xf32>
        attributes {nn.symbols = [{name = "a", kind = "input_dim", input = 0 : i64, index = 0 : i64}]} {
      %r = nn.reduce sum %0 {axes = array<i64: 0>, keepdims = true}
          : (tensor<?x24xf32, affine_map<()[s0] -> (s0, 24)>>) -> tensor<1x24xf32>
      return %r : tensor<1x24xf32>
    })";
  for (int64_t rows : {0, 1, 8, 21})
    CHECK(runCase(symbolic, {.shapes = {{rows, 24}}, .relative = 1e-5, .absolute = 1e-5, .expectedKind = "column"}) ==
          "");
}

TEST_CASE("positions of extremes") {
  for (const char *kind : {"arg_max", "arg_min"})
    for (const char *last : {"false", "true"})
      for (const char *type : {"f32", "i32", "ui8"}) {
        std::string text =
            std::string("nn.arg_reduce ") + kind + " %0 {axis = 1 : i64, keepdims = false, select_last = " + last + "}";
        CHECK(runCase(oneOp(text, {"5x40x3x" + std::string(type)}, {"5x3xi64"}), {.low = 0, .high = 6}) == "");
      }
}

TEST_CASE("softmax along every axis") {
  for (const char *axis : {"0", "1", "2"})
    for (const char *log : {"", ", log"})
      for (const char *type : {"f32", "f64", "bf16"}) {
        std::string t = std::string("3x17x130x") + type;
        CHECK(runCase(oneOp(std::string("nn.softmax %0 {axis = ") + axis + " : i64" + log + "}", {t}, {t}),
                      {.relative = 1e-5}) == "");
      }
  for (int64_t size : {1, 2, 7, 8, 9, 63, 129, 1000, 4099}) {
    std::string t = "9x" + std::to_string(size) + "xf32";
    CHECK(runCase(oneOp("nn.softmax %0 {axis = 1 : i64}", {t}, {t}), {.relative = 1e-5, .expectedKind = "row"}) == "");
  }
}

TEST_CASE("layer normalization") {
  for (int64_t size : {1, 5, 8, 33, 768, 1001}) {
    std::string n = std::to_string(size) + "xf32", t = "11x" + n;
    std::string text = "nn.layer_norm %0 scale %1 bias %2 {axis = 1 : i64, epsilon = 1.0e-5 : f64}";
    CHECK(runCase(oneOp(text, {t, n, n}, {t}), {.relative = 1e-4, .absolute = 1e-5, .expectedKind = "row"}) == "");
    CHECK(runCase(oneOp("nn.layer_norm %0 {axis = 1 : i64, epsilon = 1.0e-5 : f64, rms}", {t}, {t}),
                  {.relative = 1e-5}) == "");
  }
  CHECK(runCase(oneOp("nn.layer_norm %0 scale %1 {axis = 1 : i64, epsilon = 1.0e-5 : f64}", {"4x3x50xf32", "3x50xf32"},
                      {"4x3x50xf32"}),
                {.relative = 1e-4, .absolute = 1e-5}) == "");
  CHECK(runCase(oneOp("nn.lrn %0 {size = 5 : i64, alpha = 0.1 : f64, beta = 0.75 : f64, bias = 1.0 : f64}",
                      {"2x9x5x5xf32"}, {"2x9x5x5xf32"}),
                {.relative = 1e-5}) == "");
}

TEST_CASE("fused rows") {
  const char *text = R"(
    func.func @f(%0: tensor<4x12x50x70xf32>, %1: tensor<4x1x1x70xf32>) -> tensor<4x12x50x70xf32> {
      %r = nn.fused "row" (%0, %1) : (tensor<4x12x50x70xf32>, tensor<4x1x1x70xf32>) -> tensor<4x12x50x70xf32> {
      ^bb0(%a: tensor<4x12x50x70xf32>, %b: tensor<4x1x1x70xf32>):
        %s = nn.constant dense<0.125> : tensor<f32>
        %c = nn.binary mul %a, %s : (tensor<4x12x50x70xf32>, tensor<f32>) -> tensor<4x12x50x70xf32>
        %d = nn.binary add %c, %b : (tensor<4x12x50x70xf32>, tensor<4x1x1x70xf32>) -> tensor<4x12x50x70xf32>
        %e = nn.softmax %d {axis = 3 : i64} : (tensor<4x12x50x70xf32>) -> tensor<4x12x50x70xf32>
        nn.yield %e : tensor<4x12x50x70xf32>
      }
      return %r : tensor<4x12x50x70xf32>
    })";
  CHECK(runCase(text, {.relative = 1e-5, .expectedKind = "row"}) == "");
  const char *residual = R"(
    func.func @f(%0: tensor<2x9x96xf32>, %1: tensor<2x9x96xf32>, %2: tensor<96xf32>) -> (tensor<2x9x96xf32>, tensor<2x9x96xf32>) {
      %r:2 = nn.fused "row" (%0, %1, %2) : (tensor<2x9x96xf32>, tensor<2x9x96xf32>, tensor<96xf32>) -> (tensor<2x9x96xf32>, tensor<2x9x96xf32>) {
      ^bb0(%a: tensor<2x9x96xf32>, %b: tensor<2x9x96xf32>, %w: tensor<96xf32>):
        %c = nn.binary add %a, %b : (tensor<2x9x96xf32>, tensor<2x9x96xf32>) -> tensor<2x9x96xf32>
        %m = nn.reduce mean %c {axes = array<i64: 2>, keepdims = true} : (tensor<2x9x96xf32>) -> tensor<2x9x1xf32>
        %d = nn.binary sub %c, %m : (tensor<2x9x96xf32>, tensor<2x9x1xf32>) -> tensor<2x9x96xf32>
        %n = nn.layer_norm %d scale %w {axis = 2 : i64, epsilon = 1.0e-6 : f64} : (tensor<2x9x96xf32>, tensor<96xf32>) -> tensor<2x9x96xf32>
        %e = nn.unary tanh %n : (tensor<2x9x96xf32>) -> tensor<2x9x96xf32>
        nn.yield %c, %e : tensor<2x9x96xf32>, tensor<2x9x96xf32>
      }
      return %r#0, %r#1 : tensor<2x9x96xf32>, tensor<2x9x96xf32>
    })";
  CHECK(runCase(residual, {.relative = 1e-4, .absolute = 1e-5, .expectedKind = "row"}) == "");
}

TEST_CASE("rows that are rounded to integers, which leave the kernel, too") {
  const std::string text = R"(
    func.func @f(%0: tensor<5xNxf32>) -> (tensor<5xNxui8>, tensor<5xNxf32>) {
      %r:2 = nn.fused "row" (%0) : (tensor<5xNxf32>) -> (tensor<5xNxui8>, tensor<5xNxf32>) {
      ^bb0(%a: tensor<5xNxf32>):
        %s = nn.constant dense<0.03> : tensor<f32>
        %z = nn.constant dense<120> : tensor<ui8>
        %q = nn.quantize %a, %s zero %z : (tensor<5xNxf32>, tensor<f32>, tensor<ui8>) -> tensor<5xNxui8>
        %b = nn.dequantize %q, %s zero %z : (tensor<5xNxui8>, tensor<f32>, tensor<ui8>) -> tensor<5xNxf32>
        %m = nn.reduce mean %b {axes = array<i64: 1>, keepdims = true} : (tensor<5xNxf32>) -> tensor<5x1xf32>
        %d = nn.binary sub %b, %m : (tensor<5xNxf32>, tensor<5x1xf32>) -> tensor<5xNxf32>
        nn.yield %q, %d : tensor<5xNxui8>, tensor<5xNxf32>
      }
      return %r#0, %r#1 : tensor<5xNxui8>, tensor<5xNxf32>
    })";
  // Short rows of whole vectors, and others.
  for (const char *length : {"7", "32", "49", "64", "128", "200"}) {
    std::string sized = text;
    for (size_t at; (at = sized.find("xN")) != std::string::npos;)
      sized.replace(at, 2, std::string("x") + length);
    for (const std::string &cpu : runnableCpus())
      CHECK(runCase(sized, {.cpu = cpu, .relative = 1e-5, .absolute = 1e-5, .expectedKind = "row"}) == "");
  }
}

TEST_CASE("the largest of magnitudes") {
  const char *format = R"(
    func.func @f(%0: tensor<9xLENGTHxf32>) -> tensor<9x1xf32> {
      %r = nn.fused "row" (%0) : (tensor<9xLENGTHxf32>) -> tensor<9x1xf32> {
      ^bb0(%a: tensor<9xLENGTHxf32>):
        %b = nn.unary abs %a : (tensor<9xLENGTHxf32>) -> tensor<9xLENGTHxf32>
        %m = nn.reduce max %b {axes = array<i64: 1>, keepdims = true} : (tensor<9xLENGTHxf32>) -> tensor<9x1xf32>
        nn.yield %m : tensor<9x1xf32>
      }
      return %r : tensor<9x1xf32>
    })";
  constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (int length : {1, 7, 32, 67}) {
    RunOptions options{.relative = 0, .absolute = 0, .expectedKind = "row"};
    options.fill = [&](unsigned, lathe::reference::Tensor &values) {
      const float odd[] = {-3, 0x1p-149f, -0.0f, infinity, nan, -nan, -infinity, 1e-30f, -2e38f};
      auto *floats = values.mutableData<float>();
      for (int64_t i = 0; i < values.size(); ++i)
        floats[i] = i % length == length / 2 ? odd[i / length] : 0.0f;
      return true;
    };
    CHECK(runCase(std::regex_replace(format, std::regex("LENGTH"), std::to_string(length)), options) == "");
  }
}

TEST_CASE("the largest and least of numbers with NaN") {
  constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const char *kind : {"max", "min"})
    for (int length : {1, 7, 32, 67}) {
      RunOptions options{.relative = 0, .absolute = 0};
      options.fill = [&](unsigned, lathe::reference::Tensor &values) {
        const float odd[] = {-3, 5, -0.0f, infinity, nan, -nan, -infinity};
        auto *floats = values.mutableData<float>();
        for (int64_t i = 0; i < values.size(); ++i)
          floats[i] = i % length == length / 2 ? odd[i / length] : 0.0f;
        return true;
      };
      const std::string width = std::to_string(length);
      CHECK(runCase(oneOp(reduce(kind, "1", false), {"7x" + width + "xf32"}, {"7xf32"}), options) == "");
      CHECK(runCase(oneOp(reduce(kind, "0", false), {width + "x7xf32"}, {"7xf32"}), options) == "");
    }
}
