// Matrix products and convolutions of 8-bit integers: equal to the interpreter, over sizes that include every tail, extreme
// values, zero points and what follows a product in quantized networks.
#include "tests/unit/x86/KernelRunner.h"
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <fmt/format.h>
#include <random>

using namespace lathe::test;
using lathe::reference::Tensor;

namespace {
std::string tensor(const std::string &dims, const std::string &element) {
  return fmt::format("tensor<{}{}>", dims.empty() ? "" : dims + "x", element);
}

/// Bytes of the whole range, every fifth an extreme one; floats as options say.
bool fillBytes(unsigned input, Tensor &values) {
  if (!values.elementType().isInteger(8))
    return false;
  std::mt19937 random(input + 1);
  const bool isUnsigned = values.elementType().isUnsignedInteger();
  for (int64_t i = 0; i < values.size(); ++i) {
    const int extremes[] = {isUnsigned ? 0 : -128, isUnsigned ? 255 : 127};
    values.mutableData<uint8_t>()[i] = uint8_t(random() % 5 == 0 ? extremes[random() % 2] : int(random() % 256));
  }
  return true;
}

/// The same, but weights (input 1) are of 7 bits, and few of them large: they can be chained (ChainSplit.h).
bool fillSmallWeights(unsigned input, Tensor &values) {
  if (!fillBytes(input, values))
    return false;
  std::mt19937 random(input + 7);
  for (int64_t i = 0; input == 1 && i < values.size(); ++i)
    values.mutableData<int8_t>()[i] = int8_t(random() % 17 == 0 ? (random() % 2 ? 63 : -64) : int(random() % 41) - 20);
  return true;
}

enum class Weights { unknown, chained };

/// Every processor that this machine runs must give the interpreter's bits.
void checkEqual(const std::string &text, const std::vector<unsigned> &constants, const std::string &kind = "",
                Weights weights = Weights::unknown, const std::vector<std::vector<int64_t>> &shapes = {}) {
  RunOptions options;
  options.shapes = shapes;
  options.knowsConstants = weights == Weights::chained;
  options.constants = constants;
  options.relative = options.absolute = 0;
  options.low = 0.01;
  options.high = 0.1;
  options.fill = weights == Weights::chained ? fillSmallWeights : fillBytes;
  for (const std::string &cpu : integerCpus(text)) {
    options.cpu = cpu;
    options.expectedKind = cpu == "x86-64-v2" ? "" : kind;
    const std::string problem = runCase(text, options);
    INFO(problem);
    CHECK(problem.empty());
  }
}

struct Product {
  int m, k, n;
  std::string lhs = "ui8", rhs = "i8";
  std::string lhsZero = "1", rhsZero; // sizes; "-": none
  bool isTransposed = false;
  bool hasOpenRows = false;
};

void checkProduct(const Product &p, Weights weights = Weights::unknown) {
  auto rowsOf = [&](int width, const std::string &element) {
    return p.hasOpenRows ? fmt::format("tensor<?x{0}x{1}, affine_map<()[s0] -> (s0, {0})>>", width, element)
                         : tensor(fmt::format("{}x{}", p.m, width), element);
  };
  std::vector<std::string> types = {
      rowsOf(p.k, p.lhs),
      tensor(p.isTransposed ? fmt::format("{}x{}", p.n, p.k) : fmt::format("{}x{}", p.k, p.n), p.rhs)};
  std::string operands = "%0, %1";
  if (!p.lhsZero.empty()) {
    operands += fmt::format(" lhs_zero %{}", types.size());
    types.push_back(tensor(p.lhsZero, p.lhs));
  }
  if (!p.rhsZero.empty()) {
    operands += fmt::format(" rhs_zero %{}", types.size());
    types.push_back(tensor(p.rhsZero, p.rhs));
  }
  std::string arguments, list;
  for (size_t i = 0; i < types.size(); ++i) {
    arguments += fmt::format("{}%{}: {}", i ? ", " : "", i, types[i]);
    list += (i ? ", " : "") + types[i];
  }
  const std::string out = rowsOf(p.n, "i32");
  std::vector<std::vector<int64_t>> shapes;
  std::string symbols;
  if (p.hasOpenRows) {
    shapes.resize(types.size());
    shapes.front() = {p.m, p.k};
    symbols = " attributes {nn.symbols = [{name = \"n\", kind = \"input_dim\", input = 0 : i64, index = 0 : i64}]}";
  }
  checkEqual(fmt::format("func.func @f({}) -> {}{} {{\n  %r = nn.matmul {} {} : ({}) -> {}\n  return %r : {}\n}}\n",
                         arguments, out, symbols, operands, p.isTransposed ? "{trans_rhs}" : "", list, out, out),
             {1}, "integer_product", weights, shapes);
}

struct Conv {
  int images, height, width, channels, out, kernel, stride, pad, dilation, group;
  std::string in = "ui8", filter = "i8";
  bool hasInputZero = true, hasFilterZero = false, hasBias = false;
};

std::string convAttributes(const Conv &c) {
  return fmt::format("{{channels_last, dilations = array<i64: {0}, {0}>, group = {1} : i64, pads = array<i64: "
                     "{2}, {2}, {2}, {2}>, strides = array<i64: {3}, {3}>}}",
                     c.dilation, c.group, c.pad, c.stride);
}

std::string outDims(const Conv &c) {
  auto size = [&](int in) { return (in + 2 * c.pad - c.dilation * (c.kernel - 1) - 1) / c.stride + 1; };
  return fmt::format("{}x{}x{}x{}", c.images, size(c.height), size(c.width), c.out);
}

void checkConv(const Conv &c, Weights weights = Weights::unknown) {
  std::vector<std::string> types = {
      tensor(fmt::format("{}x{}x{}x{}", c.images, c.height, c.width, c.channels), c.in),
      tensor(fmt::format("{}x{}x{}x{}", c.out, c.channels / c.group, c.kernel, c.kernel), c.filter)};
  std::string operands = "%0, %1";
  auto add = [&](bool isPresent, const std::string &name, const std::string &type) {
    if (!isPresent)
      return;
    operands += fmt::format(" {} %{}", name, types.size());
    types.push_back(type);
  };
  add(c.hasBias, "bias", tensor(std::to_string(c.out), "i32"));
  add(c.hasInputZero, "input_zero", tensor("", c.in));
  add(c.hasFilterZero, "filter_zero", tensor(std::to_string(c.out), c.filter));
  std::string arguments, list;
  for (size_t i = 0; i < types.size(); ++i) {
    arguments += fmt::format("{}%{}: {}", i ? ", " : "", i, types[i]);
    list += (i ? ", " : "") + types[i];
  }
  const std::string out = tensor(outDims(c), "i32");
  checkEqual(fmt::format("func.func @f({}) -> {} {{\n  %r = nn.conv {} {} : ({}) -> {}\n  return %r : {}\n}}\n",
                         arguments, out, operands, convAttributes(c), list, out, out),
             {1}, "", weights);
}

std::string replaced(std::string text, const std::vector<std::pair<std::string, std::string>> &names) {
  for (const auto &[name, value] : names)
    for (size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += value.size())
      text.replace(at, name.size(), value);
  return text;
}

/// A layer of a quantized network with a residual input.
constexpr const char *layer = R"(func.func @f(%0: IN, %1: FILTER, %2: CHN, %3: CHN, %4: OUT8) -> (OUT8, OUTF) {
  %r:2 = nn.fused "conv" (%0, %1, %2, %3, %4) : (IN, FILTER, CHN, CHN, OUT8) -> (OUT8, OUTF) {
  ^bb0(%in: IN, %filter: FILTER, %scale: CHN, %bias: CHN, %other: OUT8):
    %zero = nn.constant dense<117> : tensor<TYPE>
    %out_zero = nn.constant dense<101> : tensor<TYPE>
    %step = nn.constant dense<0.37> : tensor<f32>
    %sums = nn.conv %in, %filter input_zero %zero ATTRIBUTES : (IN, FILTER, tensor<TYPE>) -> OUTI
    %x = nn.dequantize %sums, %scale : (OUTI, CHN) -> OUTF
    %y = nn.binary add %x, %bias : (OUTF, CHN) -> OUTF
    %z = nn.dequantize %other, %step zero %zero : (OUT8, tensor<f32>, tensor<TYPE>) -> OUTF
    %w = nn.binary add %y, %z : (OUTF, OUTF) -> OUTF
    %relu = nn.unary relu %w : (OUTF) -> OUTF
    %q = nn.quantize %relu, %step zero %out_zero : (OUTF, tensor<f32>, tensor<TYPE>) -> OUT8
    nn.yield %q, %relu : OUT8, OUTF
  }
  return %r#0, %r#1 : OUT8, OUTF
})";

void checkLayer(const Conv &c, Weights weights = Weights::unknown) {
  const std::string text = replaced(
      layer, {{"ATTRIBUTES", convAttributes(c)},
              {"IN", tensor(fmt::format("{}x{}x{}x{}", c.images, c.height, c.width, c.channels), c.in)},
              {"FILTER", tensor(fmt::format("{}x{}x{}x{}", c.out, c.channels / c.group, c.kernel, c.kernel), "i8")},
              {"CHN", tensor(std::to_string(c.out), "f32")},
              {"OUT8", tensor(outDims(c), c.in)},
              {"OUTF", tensor(outDims(c), "f32")},
              {"OUTI", tensor(outDims(c), "i32")},
              {"TYPE", c.in}});
  checkEqual(text, {1}, "", weights);
}
} // namespace

TEST_CASE("8-bit products of every tail", "[integer]") {
  for (int m : {1, 2, 7, 13, 40})
    for (int n : {1, 8, 15, 17, 100})
      for (int k : {1, 4, 19, 66})
        checkProduct({m, k, n});
}

TEST_CASE("8-bit products of every type", "[integer]") {
  for (const char *lhs : {"i8", "ui8"})
    for (const char *rhs : {"i8", "ui8"})
      for (const char *lhsZero : {"", "1"})
        for (const char *rhsZero : {"", "1", "33"})
          for (int m : {3, 25})
            checkProduct({m, 37, 33, lhs, rhs, lhsZero, rhsZero});
}

TEST_CASE("8-bit products that are long, wide and transposed", "[integer]") {
  checkProduct({5, 5001, 20});
  checkProduct({30, 5000, 20, "i8", "ui8", "1", "20"});
  checkProduct({300, 64, 300});
  checkProduct({23, 35, 41, "ui8", "i8", "1", "", true});
  checkProduct({23, 35, 41, "ui8", "ui8", "1", "41x1", true});
}

TEST_CASE("8-bit convolutions", "[integer]") {
  for (int channels : {1, 3, 8, 19})
    for (int kernel : {1, 2, 3})
      for (int stride : {1, 2}) {
        checkConv({2, 9, 11, channels, 21, kernel, stride, kernel / 2, 1, 1});
        checkConv({1, 9, 8, channels, 10, kernel, stride, kernel - 1, 2, 1, "i8", "ui8", true, true, true});
      }
  checkConv({1, 30, 30, 3, 40, 7, 2, 3, 1, 1, "i8", "i8"});
  checkConv({1, 14, 14, 64, 48, 3, 1, 1, 1, 1, "ui8", "i8", false});
  checkConv({2, 7, 5, 12, 24, 3, 1, 1, 1, 3, "ui8", "i8", true, true, true});
  checkConv({2, 7, 5, 12, 24, 1, 1, 0, 1, 2, "i8", "i8"});
}

TEST_CASE("8-bit convolutions of one axis", "[integer]") {
  for (auto [length, channels, taps, stride, dilation, low, high] : {std::array<int, 7>{130, 32, 3, 1, 4, 8, 0},
                                                                     {131, 16, 5, 1, 1, 2, 2},
                                                                     {250, 48, 3, 2, 1, 1, 1},
                                                                     {40, 6, 3, 1, 2, 0, 0},
                                                                     {40, 6, 3, 1, 1, 1, 1},
                                                                     {3, 16, 5, 1, 2, 9, 9}}) {
    const int count = (length + low + high - dilation * (taps - 1) - 1) / stride + 1;
    const std::string in = tensor(fmt::format("2x{}x{}", length, channels), "ui8"),
                      filter = tensor(fmt::format("40x{}x{}", channels, taps), "i8"),
                      out = tensor(fmt::format("2x{}x40", count), "i32");
    checkEqual(
        fmt::format("func.func @f(%0: {0}, %1: {1}, %2: tensor<ui8>) -> {2} {{\n"
                    "  %r = nn.conv %0, %1 input_zero %2 {{channels_last, dilations = array<i64: {3}>, group = 1 : "
                    "i64, pads = array<i64: {4}, {5}>, strides = array<i64: {6}>}} : ({0}, {1}, tensor<ui8>) -> {2}\n"
                    "  return %r : {2}\n}}\n",
                    in, filter, out, dilation, low, high, stride),
        {1});
  }
}

TEST_CASE("8-bit products of a number of rows that is not known", "[integer]") {
  for (int m : {1, 2, 3, 40})
    for (const char *rhs : {"i8", "ui8"}) {
      Product p{m, 67, 21, "ui8", rhs};
      p.hasOpenRows = true;
      checkProduct(p);
      checkProduct(p, rhs == std::string("i8") ? Weights::chained : Weights::unknown);
      p.lhs = "i8", p.rhsZero = "1", p.isTransposed = true;
      checkProduct(p);
    }
}

TEST_CASE("8-bit products in chains", "[integer]") {
  for (int m : {1, 2, 7, 19, 40})
    for (int n : {1, 8, 17, 100})
      for (int k : {1, 4, 19, 64, 130})
        checkProduct({m, k, n}, Weights::chained);
  checkProduct({60, 80, 50, "i8"}, Weights::chained);
  checkProduct({33, 120, 41, "ui8", "i8", "1", "", true}, Weights::chained);
  checkProduct({5, 5001, 20, "ui8", "i8", ""}, Weights::chained);
  for (int kernel : {1, 3})
    for (int stride : {1, 2}) {
      checkConv({2, 9, 11, 19, 21, kernel, stride, kernel / 2, 1, 1}, Weights::chained);
      checkConv({1, 9, 8, 8, 10, kernel, stride, kernel - 1, 2, 1, "i8", "i8", true, false, true}, Weights::chained);
    }
  checkConv({2, 7, 5, 12, 24, 3, 1, 1, 1, 3, "ui8", "i8", true, false, true}, Weights::chained);
  for (int out : {8, 16, 21, 70})
    for (const char *type : {"i8", "ui8"}) {
      checkLayer({2, 9, 11, 19, out, 3, 1, 1, 1, 1, type}, Weights::chained);
      checkLayer({1, 6, 7, 40, out, 1, 1, 0, 1, 1, type}, Weights::chained);
    }
}

TEST_CASE("8-bit convolutions by minimal filtering", "[integer]") {
  for (int out : {8, 21, 64, 150})
    checkConv({2, 26, 31, 32, out, 3, 1, 1, 1, 1});
  checkConv({1, 24, 22, 96, 40, 3, 1, 0, 1, 1, "i8", "i8", true, false, true});
  checkConv({1, 28, 28, 48, 32, 3, 1, 1, 1, 1, "ui8", "ui8", false});
  checkConv({1, 57, 56, 64, 64, 3, 1, 2, 1, 1, "i8", "ui8"});
  checkLayer({1, 30, 29, 32, 39, 3, 1, 1, 1, 1, "ui8"});
}

TEST_CASE("8-bit convolutions by minimal filtering of open sizes", "[integer]") {
  const std::string in = "tensor<?x?x?x32xui8, affine_map<()[s0, s1, s2] -> (s0, s1, s2, 32)>>";
  const std::string out = "tensor<?x?x?x40xi32, affine_map<()[s0, s1, s2] -> (s0, s1, s2 - 1, 40)>>";
  std::string symbols;
  for (int i = 0; i < 3; ++i)
    symbols += fmt::format("{0}{{name = \"s{1}\", kind = \"input_dim\", input = 0 : i64, index = {1} : i64}}",
                           i ? ", " : "", i);
  const std::string text = fmt::format(
      "func.func @f(%0: {0}, %1: tensor<40x32x3x3xi8>, %2: tensor<ui8>) -> {1} attributes {{nn.symbols = [{2}]}} {{\n"
      "  %r = nn.conv %0, %1 input_zero %2 {{channels_last, dilations = array<i64: 1, 1>, group = 1 : i64, pads = "
      "array<i64: 1, 0, 1, 1>, strides = array<i64: 1, 1>}} : ({0}, tensor<40x32x3x3xi8>, tensor<ui8>) -> {1}\n"
      "  return %r : {1}\n}}\n",
      in, out, symbols);
  RunOptions options;
  options.constants = {1};
  options.relative = options.absolute = 0;
  options.expectedKind = "integer_winograd";
  options.fill = fillBytes;
  // Less than a tile, tails, more rows of tiles than a task has, lines longer than a task's tiles.
  for (auto [images, height, width] : {std::tuple<int64_t, int64_t, int64_t>{1, 1, 2},
                                       {2, 5, 9},
                                       {3, 131, 20},
                                       {1, 3, 1500},
                                       {2, 64, 65},
                                       {1, 0, 8},
                                       {0, 4, 4}}) {
    options.shapes = {{images, height, width, 32}, {40, 32, 3, 3}, {}};
    const std::string problem = runCase(text, options);
    INFO(problem);
    CHECK(problem.empty());
  }
}

TEST_CASE("pools of 8-bit integers", "[integer]") {
  for (const char *type : {"i8", "ui8"})
    for (int channels : {3, 8, 19, 64, 100})
      for (int stride : {1, 2}) {
        const std::string in = tensor(fmt::format("2x9x11x{}", channels), type);
        const std::string out = tensor(fmt::format("2x{}x{}x{}", 8 / stride + 1, 10 / stride + 1, channels), type);
        checkEqual(
            fmt::format(
                "func.func @f(%0: {0}) -> {1} {{\n  %r = nn.pool pool_max %0 {{channels_last, kernel = array<i64: 3, "
                "3>, strides = array<i64: {2}, {2}>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: "
                "1, 1>}} : ({0}) -> {1}\n  return %r : {1}\n}}\n",
                in, out, stride),
            {}, "pool");
      }
}

TEST_CASE("8-bit kernels use the processor's dot products", "[integer]") {
  auto text = [&](const char *zero) {
    return fmt::format(
        "func.func @f(%0: tensor<48x64xi8>, %1: tensor<64x64xi8>, %2: tensor<1xi8>) -> tensor<48x64xi32> {{\n  %r = "
        "nn.matmul %0, %1 {} %2 : (tensor<48x64xi8>, tensor<64x64xi8>, tensor<1xi8>) -> tensor<48x64xi32>\n  "
        "return %r : tensor<48x64xi32>\n}}\n",
        zero);
  };
  auto has = [&](const char *cpu, const char *zero, const char *instruction, const char *reg, bool areSmall = false) {
    RunOptions options{.cpu = cpu, .constants = {1}, .knowsConstants = areSmall};
    options.fill = fillSmallWeights;
    const std::string assembly = assemblyOf(text(zero), options);
    for (size_t at = 0; (at = assembly.find(instruction, at)) != std::string::npos; ++at)
      if (assembly.substr(at, assembly.find('\n', at) - at).find(reg) != std::string::npos)
        return true;
    return false;
  };
  CHECK(has("x86-64-v3", "lhs_zero", "vpmaddwd", "ymm"));
  CHECK(!has("x86-64-v3", "lhs_zero", "vpmaddubsw", "ymm"));
  CHECK(has("x86-64-v3", "lhs_zero", "vpmaddubsw", "ymm", true));
  CHECK(has("x86-64-v4", "lhs_zero", "vpmaddubsw", "zmm", true));
  CHECK(!has("icelake-server", "lhs_zero", "vpmaddubsw", "zmm", true));
  CHECK(has("x86-64-v4", "lhs_zero", "vpmaddwd", "zmm"));
  CHECK(has("icelake-server", "lhs_zero", "vpdpbusd", "zmm"));
  CHECK(has("icelake-server", "rhs_zero", "vpdpwssd", "zmm"));
  CHECK(has("alderlake", "lhs_zero", "vpdpbusd", "ymm"));
  CHECK(!has("x86-64-v4", "lhs_zero", "vpdpbusd", "zmm"));
  for (const char *instruction : {"ldtilecfg", "tilezero", "tileloadd", "tdpbusd", "tilestored", "tilerelease"}) {
    CHECK(has("sapphirerapids", "lhs_zero", instruction, ""));
    CHECK(!has("icelake-server", "lhs_zero", instruction, ""));
  }
  CHECK(has("sapphirerapids", "rhs_zero", "vpdpwssd", "zmm"));
}

TEST_CASE("8-bit products of few rows have no chains with many extra steps", "[integer]") {
  auto hasChains = [](int rows, int largest) {
    RunOptions options{.cpu = "x86-64-v3", .constants = {1}, .knowsConstants = true};
    options.fill = [largest](unsigned input, Tensor &values) {
      if (!fillBytes(input, values))
        return false;
      for (int64_t i = 0; input == 1 && i < values.size(); ++i)
        values.mutableData<int8_t>()[i] = int8_t((i * 7919) % 997 % (2 * largest + 1) - largest);
      return true;
    };
    const std::string text = fmt::format(
        "func.func @f(%0: tensor<{0}x64xui8>, %1: tensor<64x64xi8>) -> tensor<{0}x64xi32> {{\n  %r = nn.matmul %0, %1 "
        ": "
        "(tensor<{0}x64xui8>, tensor<64x64xi8>) -> tensor<{0}x64xi32>\n  return %r : tensor<{0}x64xi32>\n}}\n",
        rows);
    return assemblyOf(text, options).find("vpmaddubsw") != std::string::npos;
  };
  CHECK(hasChains(1, 20));
  CHECK(hasChains(48, 20));
  CHECK(hasChains(48, 56));
  CHECK(!hasChains(1, 56));
}

TEST_CASE("8-bit products by the matrix unit", "[integer]") {
  for (int m : {8, 16, 31, 33, 70})
    for (int n : {1, 16, 17, 32, 75})
      for (int k : {64, 67, 96, 200})
        for (const char *type : {"ui8", "i8"})
          checkProduct({m, k, n, type});
  checkProduct({300, 512, 300});
  checkProduct({40, 130, 41, "ui8", "i8", "1", "", true});
  for (const char *type : {"ui8", "i8"})
    for (int stride : {1, 2})
      for (int out : {16, 21, 70}) {
        checkConv({2, 9, 11, 40, out, 3, stride, 1, 1, 1, type});
        checkConv({1, 9, 8, 70, out, 3, stride, 2, 2, 1, type, "i8", true, false, true});
        checkLayer({1, 6, 9, 80, out, 1, 1, 0, 1, 1, type});
        checkLayer({2, 9, 11, 48, out, 3, stride, 1, 1, 1, type});
      }
  checkConv({2, 7, 5, 96, 48, 3, 1, 1, 1, 3, "ui8", "i8", true, false, true});
}

TEST_CASE("8-bit depthwise convolutions", "[integer]") {
  for (int channels : {2, 8, 19, 40})
    for (int kernel : {1, 2, 3, 5})
      for (int stride : {1, 2, 3}) {
        checkConv({2, 9, 13, channels, channels, kernel, stride, kernel / 2, 1, channels});
        checkConv(
            {1, 7, 8, channels, channels, kernel, stride, kernel - 1, 1, channels, "i8", "ui8", true, true, true});
      }
  checkConv({1, 12, 12, 6, 6, 3, 1, 2, 2, 6});
  checkConv({1, 30, 12, 32, 32, 3, 1, 1, 1, 32, "i8", "i8", false});
}

TEST_CASE("layers of quantized networks", "[integer]") {
  for (const char *type : {"i8", "ui8"})
    for (int out : {8, 16, 21, 39, 70}) {
      checkLayer({2, 9, 11, 19, out, 3, 1, 1, 1, 1, type});
      checkLayer({1, 6, 7, 40, out, 1, 1, 0, 1, 1, type});
      checkLayer({1, 6, 7, out, out, 3, 1, 1, 1, out, type});
    }
}

namespace {
std::string convText(const Conv &c, const std::string &in, const std::string &filter, const std::string &out) {
  return fmt::format("func.func @f(%0: {0}, %1: {1}) -> {2} {{\n  %r = nn.conv %0, %1 {3} : ({0}, {1}) -> {2}\n  "
                     "return %r : {2}\n}}\n",
                     tensor(fmt::format("{}x{}x{}x{}", c.images, c.height, c.width, c.channels), in),
                     tensor(fmt::format("{}x{}x{}x{}", c.out, c.channels / c.group, c.kernel, c.kernel), filter),
                     tensor(outDims(c), out), convAttributes(c));
}

/// Times the f32 and the 8-bit kernel of one operation in turns, on this thread.
void compare(const std::string &floats, const std::string &bytes) {
  RunOptions options{.constants = {1}, .low = -100, .high = 100};
  PreparedKernel kernels[] = {{floats, options}, {bytes, options}};
  double best[2] = {1e9, 1e9};
  for (int round = 0; round < 100; ++round)
    for (int i : {0, 1}) {
      const auto start = std::chrono::steady_clock::now();
      kernels[i].run();
      best[i] = std::min(best[i],
                         std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
    }
  fmt::print("{:9.1f} us, f32 {:9.1f} us, {:6.1f} GOP/s, ratio {:.2f}: {}\n", best[1], best[0],
             kernels[1].flops() / best[1] * 1e-3, best[0] / best[1], bytes.substr(12, 60));
}
} // namespace

TEST_CASE("8-bit kernels of model size", "[.][integer-bench]") {
  for (const Product &p : {Product{128, 768, 768}, {128, 3072, 768}, {128, 768, 3072}, {1, 768, 3072}}) {
    auto text = [&](const char *lhs, const char *rhs, const char *out) {
      return fmt::format("func.func @f(%0: {0}, %1: {1}) -> {2} {{\n  %r = nn.matmul %0, %1 : ({0}, {1}) -> {2}\n  "
                         "return %r : {2}\n}}\n",
                         tensor(fmt::format("{}x{}", p.m, p.k), lhs), tensor(fmt::format("{}x{}", p.k, p.n), rhs),
                         tensor(fmt::format("{}x{}", p.m, p.n), out));
    };
    compare(text("f32", "f32", "f32"), text("ui8", "i8", "i32"));
  }
  for (const Conv &c : {Conv{1, 224, 224, 3, 64, 7, 2, 3, 1, 1},
                        {1, 56, 56, 64, 64, 1, 1, 0, 1, 1},
                        {1, 56, 56, 64, 256, 1, 1, 0, 1, 1},
                        {1, 56, 56, 256, 64, 1, 1, 0, 1, 1},
                        {1, 56, 56, 64, 64, 3, 1, 1, 1, 1},
                        {1, 28, 28, 128, 128, 3, 1, 1, 1, 1},
                        {1, 14, 14, 256, 256, 3, 1, 1, 1, 1},
                        {1, 7, 7, 512, 512, 3, 1, 1, 1, 1},
                        {1, 7, 7, 512, 2048, 1, 1, 0, 1, 1},
                        {1, 56, 56, 256, 512, 1, 2, 0, 1, 1},
                        {1, 112, 112, 32, 32, 3, 1, 1, 1, 32},
                        {1, 112, 112, 96, 96, 3, 2, 1, 1, 96},
                        {1, 56, 56, 144, 144, 3, 1, 1, 1, 144},
                        {1, 14, 14, 384, 384, 3, 1, 1, 1, 384},
                        {1, 7, 7, 960, 960, 3, 1, 1, 1, 960}})
    compare(convText(c, "f32", "f32", "f32"), convText(c, "ui8", "i8", "i32"));
}
