#include "backends/x86/ScaleDivision.h"
#include "tests/unit/x86/KernelRunner.h"
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <random>

using namespace lathe::test;
using Types = std::vector<std::string>;

namespace {
// Sizes around every vector width, interleaving and task boundary.
const int64_t kSizes[] = {0, 1, 3, 7, 8, 9, 31, 64, 100, 1027, 40001};

std::string sized(int64_t size, const std::string &type) { return std::to_string(size) + "x" + type; }

/// So many floats above x.
float neighbor(float x, int distance) {
  for (; distance != 0; distance -= distance > 0 ? 1 : -1)
    x = std::nextafter(x, distance > 0 ? INFINITY : -INFINITY);
  return x;
}
} // namespace

TEST_CASE("add runs on every size and CPU") {
  for (const std::string &cpu : runnableCpus())
    for (int64_t size : kSizes) {
      std::string type = sized(size, "f32");
      CHECK(runCase(oneOp("nn.binary add %0, %1", {type, type}, {type}),
                    {.cpu = cpu, .relative = 0, .absolute = 0, .expectedKind = "map"}) == "");
    }
}

TEST_CASE("unary functions of floats") {
  const char *kinds[] = {"abs",  "neg",      "ceil", "floor", "round",     "sign",     "sqrt",      "exp", "sin",
                         "cos",  "tan",      "atan", "sinh",  "cosh",      "tanh",     "asinh",     "erf", "sigmoid",
                         "relu", "softplus", "mish", "gelu",  "gelu_tanh", "softsign", "hard_swish"};
  for (const char *type : {"f32", "f64", "f16", "bf16"})
    for (const char *kind : kinds) {
      std::string tensor = sized(1027, type), text = std::string("nn.unary ") + kind + " %0";
      CHECK(runCase(oneOp(text, {tensor}, {tensor}), {.low = kind == std::string("sqrt") ? 0.0 : -4.0}) == "");
    }
}

TEST_CASE("unary functions with parameters") {
  for (const char *kind :
       {"leaky_relu", "elu", "celu", "selu", "hard_sigmoid", "swish", "thresholded_relu", "shrink"}) {
    std::string text = std::string("nn.unary ") + kind + " %0 {alpha = 0.7 : f64, beta = 0.3 : f64}";
    CHECK(runCase(oneOp(text, {"333xf32"}, {"333xf32"})) == "");
  }
  for (const char *kind : {"asin", "acos", "atanh"})
    CHECK(runCase(oneOp(std::string("nn.unary ") + kind + " %0", {"333xf32"}, {"333xf32"}), {.low = -1, .high = 1}) ==
          "");
  for (const char *kind : {"log", "acosh", "reciprocal"})
    CHECK(runCase(oneOp(std::string("nn.unary ") + kind + " %0", {"333xf32"}, {"333xf32"}), {.low = 1, .high = 1e6}) ==
          "");
}

TEST_CASE("binary functions of floats, with broadcasting") {
  const Types shapes[] = {{"5x7x", "5x7x", "5x7x"},       {"5x7x", "7x", "5x7x"},         {"5x7x", "", "5x7x"},
                          {"5x1x7x", "1x3x1x", "5x3x7x"}, {"4x9x16x", "9x1x", "4x9x16x"}, {"1x", "70000x", "70000x"}};
  for (const char *kind : {"add", "sub", "mul", "div", "mod", "fmod", "pow", "min", "max", "prelu"})
    for (const Types &shape : shapes)
      for (const char *type : {"f32", "f64"}) {
        RunOptions options;
        options.low = kind == std::string("pow") ? 0.1 : -4;
        std::string text = std::string("nn.binary ") + kind + " %0, %1";
        CHECK(runCase(oneOp(text, {shape[0] + type, shape[1] + type}, {shape[2] + type}), options) == "");
      }
}

TEST_CASE("binary functions of integers") {
  for (const char *kind :
       {"add", "sub", "mul", "div", "mod", "fmod", "pow", "min", "max", "bit_and", "bit_or", "bit_xor"})
    for (const char *type : {"i8", "i16", "i32", "i64", "ui8", "ui16", "ui32", "ui64"}) {
      auto fill = [&](unsigned input, lathe::reference::Tensor &) { return false; };
      RunOptions options{.low = -5, .high = 12, .fill = fill};
      if (kind == std::string("div") || kind == std::string("mod") || kind == std::string("fmod"))
        options.low = 1;
      std::string tensor = sized(100, type);
      CHECK(runCase(oneOp(std::string("nn.binary ") + kind + " %0, %1", {tensor, tensor}, {tensor}), options) == "");
    }
  for (const char *kind : {"shift_left", "shift_right"})
    CHECK(runCase(oneOp(std::string("nn.binary ") + kind + " %0, %1", {"100xui32", "100xui32"}, {"100xui32"}),
                  {.low = 0, .high = 31}) == "");
}

TEST_CASE("comparisons, logic and select") {
  for (const char *kind : {"equal", "less", "less_equal", "greater", "greater_equal"})
    for (const char *type : {"f32", "f64", "i32", "ui8", "i64"})
      CHECK(runCase(oneOp(std::string("nn.binary ") + kind + " %0, %1", {sized(99, type), sized(99, type)},
                          {"99xi1"})) == "");
  for (const char *kind : {"logical_and", "logical_or", "logical_xor"})
    CHECK(runCase(oneOp(std::string("nn.binary ") + kind + " %0, %1", {"99xi1", "99xi1"}, {"99xi1"})) == "");
  CHECK(runCase(oneOp("nn.unary logical_not %0", {"99xi1"}, {"99xi1"})) == "");
  CHECK(runCase(oneOp("nn.select %0, %1, %2", {"5x1xi1", "7xf32", "5x7xf32"}, {"5x7xf32"})) == "");
}

TEST_CASE("casts between all types") {
  const char *types[] = {"f16", "bf16", "f32", "f64", "i1", "i8", "i16", "i32", "i64", "ui8", "ui16", "ui32", "ui64"};
  for (const std::string &cpu : runnableCpus())
    for (const char *from : types)
      for (const char *to : types)
        CHECK(runCase(oneOp("nn.cast %0", {sized(37, from)}, {sized(37, to)}),
                      {.cpu = cpu, .relative = 0, .absolute = 0, .low = -300, .high = 70000}) == "");
  CHECK(runCase(oneOp("nn.bitcast %0", {"37xf32"}, {"37xui32"})) == "");
  CHECK(runCase(oneOp("nn.bitcast %0", {"37xi16"}, {"37xbf16"})) == "");
}

TEST_CASE("numbers rounded to integers and made numbers again, stored or not") {
  // What falls on a step, between two and beyond the last one, with several types and zero points.
  auto text = [](const std::string &type, int zero, const std::string &integers) {
    const std::string x = "tensor<5x37xf32>", q = "tensor<5x37x" + type + ">", z = "tensor<" + type + ">";
    return "func.func @f(%0: " + x + ") -> (" + x + integers + ") {\n  %r:" + (integers.empty() ? "1" : "2") +
           " = nn.fused \"map\" (%0) : (" + x + ") -> (" + x + integers + ") {\n  ^bb0(%x: " + x + "):\n" +
           "    %s = nn.constant dense<0.25> : tensor<f32>\n    %t = nn.constant dense<0.3> : tensor<f32>\n" +
           "    %z = nn.constant dense<" + std::to_string(zero) + "> : " + z + "\n" +
           "    %q = nn.quantize %x, %s zero %z : (" + x + ", tensor<f32>, " + z + ") -> " + q + "\n" +
           "    %y = nn.dequantize %q, %t zero %z : (" + q + ", tensor<f32>, " + z + ") -> " + x + "\n" +
           "    nn.yield %y" + (integers.empty() ? "" : ", %q") + " : " + x + integers + "\n  }\n  return " +
           (integers.empty() ? "%r" : "%r#0, %r#1") + " : " + x + integers + "\n}";
  };
  RunOptions options{.relative = 0, .absolute = 0, .low = -50, .high = 50};
  options.fill = [](unsigned, lathe::reference::Tensor &tensor) {
    for (int64_t i = 0; i < tensor.size(); ++i)
      tensor.mutableData<float>()[i] = i == 7 ? -0.0f : float(i % 97 - 48) * (i % 2 ? 0.125f : 1.01f);
    return true;
  };
  for (const std::string &cpu : runnableCpus()) {
    options.cpu = cpu;
    for (const char *integers : {"", ", tensor<5x37xui8>"})
      CHECK(runCase(text("ui8", 131, integers), options) == "");
    CHECK(runCase(text("i8", -3, ""), options) == "");
    CHECK(runCase(text("ui16", 100, ""), options) == "");
  }
}

TEST_CASE("numbers divided by a scale that is known, around every rounding point") {
  const std::string body = R"(func.func @f(%0: tensor<9x700xf32>) -> tensor<9x700xTYPE> {
    %r = nn.fused "map" (%0) : (tensor<9x700xf32>) -> tensor<9x700xTYPE> {
    ^bb0(%x: tensor<9x700xf32>):
      %s = nn.constant dense<0.37> : tensor<f32>
      %z = nn.constant dense<ZERO> : tensor<TYPE>
      %q = nn.quantize %x, %s zero %z : (tensor<9x700xf32>, tensor<f32>, tensor<TYPE>) -> tensor<9x700xTYPE>
      nn.yield %q : tensor<9x700xTYPE>
    }
    return %r : tensor<9x700xTYPE>
  })";
  auto text = [&](const std::string &type, const std::string &zero) {
    std::string result = body;
    for (size_t at; (at = result.find("TYPE")) != std::string::npos;)
      result.replace(at, 4, type);
    return result.replace(result.find("ZERO"), 4, zero);
  };
  RunOptions options{.relative = 0, .absolute = 0};
  options.fill = [](unsigned, lathe::reference::Tensor &tensor) {
    auto *x = tensor.mutableData<float>();
    for (int row = 0; row < 9; ++row)
      for (int i = 0; i < 700; ++i)
        x[700 * row + i] = neighbor((float(i) - 349.5f) * 0.37f, row - 4);
    const float special[] = {INFINITY, -INFINITY, NAN, 3e38f, -3e38f, 1e-42f, -0.0f};
    std::copy(std::begin(special), std::end(special), x);
    return true;
  };
  std::vector<std::string> cpus = runnableCpus();
  cpus.push_back("x86-64-v4/x86-64-v3");
  for (const std::string &cpu : cpus) {
    options.cpu = cpu;
    CHECK(runCase(text("ui8", "131"), options) == "");
    CHECK(runCase(text("i8", "-3"), options) == "");
  }
}

TEST_CASE("division by scales without the divider") {
  std::mt19937 random(3);
  int exact = 0, all = 1000;
  for (int i = 0; i < all; ++i) {
    float scale = std::ldexp(std::uniform_real_distribution<float>(1, 2)(random), int(random() % 40) - 20);
    auto division = lathe::x86::ScaleDivision::of(scale);
    if (!division)
      continue;
    ++exact;
    for (int j = 0; j < 1000; ++j) {
      float x = scale * std::uniform_real_distribution<float>(-512, 512)(random);
      REQUIRE(std::nearbyint(x / scale) == std::nearbyint((*division)(x)));
    }
  }
  CHECK(exact > 0.99 * all);
  for (float scale : {0.0f, -0.5f, 1e-44f, 1e38f, INFINITY, NAN})
    CHECK(!lathe::x86::ScaleDivision::of(scale));
}
