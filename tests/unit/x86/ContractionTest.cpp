// Matrix products, convolutions, pools and attention over sizes that include every tail.
#include "tests/unit/x86/KernelRunner.h"
#include <catch2/catch_test_macros.hpp>
#include <fmt/format.h>
#include <limits>

using lathe::test::runCase;
using lathe::test::RunOptions;

namespace {

std::string tensor(const std::string &dims, const std::string &element = "f32") {
  return fmt::format("tensor<{}{}>", dims.empty() ? "" : dims + "x", element);
}

/// One function around `body`, whose arguments are %0, %1, ...
std::string function(const std::vector<std::string> &inputs, const std::string &output, const std::string &body) {
  std::string arguments;
  for (size_t i = 0; i < inputs.size(); ++i)
    arguments += fmt::format("{}%a{}: {}", i ? ", " : "", i, inputs[i]);
  return fmt::format("func.func @f({}) -> {} {{\n  {}\n  return %r : {}\n}}\n", arguments, output, body, output);
}

void check(const std::string &text, RunOptions options) {
  options.relative = 1e-5;
  options.absolute = 1e-4;
  options.low = -1;
  options.high = 1;
  for (const std::string &cpu : lathe::test::runnableCpus()) {
    if (cpu == "x86-64-v2") // without FMA these operations are computed by the element-wise kernels
      continue;
    options.cpu = cpu;
    const std::string problem = runCase(text, options);
    INFO(problem);
    CHECK(problem.empty());
  }
}

void checkMatmul(int m, int k, int n, bool isConstant, bool isTransposed) {
  std::string lhs = tensor(fmt::format("{}x{}", m, k)), out = tensor(fmt::format("{}x{}", m, n));
  std::string rhs = tensor(isTransposed ? fmt::format("{}x{}", n, k) : fmt::format("{}x{}", k, n));
  std::string text = function(
      {lhs, rhs}, out,
      fmt::format("%r = nn.matmul %a0, %a1 {} : ({}, {}) -> {}", isTransposed ? "{trans_rhs}" : "", lhs, rhs, out));
  RunOptions options;
  if (isConstant)
    options.constants = {1};
  options.expectedKind = "gemm";
  check(text, options);
}

struct Conv {
  int images, height, width, channels, out, kernel, stride, pad, dilation, group;
};

void checkConv(Conv c, const std::string &kind) {
  auto size = [&](int in) { return (in + 2 * c.pad - c.dilation * (c.kernel - 1) - 1) / c.stride + 1; };
  std::string in = tensor(fmt::format("{}x{}x{}x{}", c.images, c.height, c.width, c.channels));
  std::string filter = tensor(fmt::format("{}x{}x{}x{}", c.out, c.channels / c.group, c.kernel, c.kernel));
  std::string bias = tensor(fmt::format("{}", c.out));
  std::string out = tensor(fmt::format("{}x{}x{}x{}", c.images, size(c.height), size(c.width), c.out));
  std::string attributes =
      fmt::format("{{channels_last, dilations = array<i64: {0}, {0}>, group = {1} : i64, pads = array<i64: "
                  "{2}, {2}, {2}, {2}>, strides = array<i64: {3}, {3}>}}",
                  c.dilation, c.group, c.pad, c.stride);
  RunOptions options;
  options.constants = {1};
  options.expectedKind = kind;
  check(function(
            {in, filter, bias}, out,
            fmt::format("%r = nn.conv %a0, %a1 bias %a2 {} : ({}, {}, {}) -> {}", attributes, in, filter, bias, out)),
        options);
}

void checkPool(const std::string &kind, int height, int width, int channels, int kernel, int stride, int pad,
               const std::string &extra = "") {
  auto size = [&](int in) { return (in + 2 * pad - kernel) / stride + 1; };
  std::string in = tensor(fmt::format("2x{}x{}x{}", height, width, channels));
  std::string out = tensor(fmt::format("2x{}x{}x{}", size(height), size(width), channels));
  std::string attributes = fmt::format(
      "{{channels_last, kernel = array<i64: {0}, {0}>, strides = array<i64: {1}, {1}>, pads = array<i64: {2}, {2}, "
      "{2}, {2}>, dilations = array<i64: 1, 1>{3}}}",
      kernel, stride, pad, extra);
  RunOptions options;
  options.expectedKind = "pool";
  check(function({in}, out, fmt::format("%r = nn.pool {} %a0 {} : ({}) -> {}", kind, attributes, in, out)), options);
}

void checkAttention(int batch, int heads, int queries, int keys, int depth, int valueColumns, const std::string &mask,
                    int shared = 1) {
  std::string q = tensor(fmt::format("{}x{}x{}x{}", batch, heads, queries, depth));
  std::string k = tensor(fmt::format("{}x{}x{}x{}", batch, heads / shared, keys, depth));
  std::string v = tensor(fmt::format("{}x{}x{}x{}", batch, heads / shared, keys, valueColumns));
  std::string out = tensor(fmt::format("{}x{}x{}x{}", batch, heads, queries, valueColumns));
  std::vector<std::string> inputs = {q, k, v};
  std::string operands = "%a0, %a1, %a2", types = q + ", " + k + ", " + v;
  if (!mask.empty()) {
    inputs.push_back(tensor(mask));
    operands += ", %a3";
    types += ", " + tensor(mask);
  }
  RunOptions options;
  options.expectedKind = "attention";
  check(function(inputs, out, fmt::format("%r = nn.attention {} {{scale = 0.25}} : ({}) -> {}", operands, types, out)),
        options);
}

} // namespace

TEST_CASE("matrix products of every tail", "[gemm]") {
  for (int m : {1, 2, 6, 13})
    for (int n : {1, 8, 15, 17, 100})
      for (int k : {1, 4, 19})
        for (bool isTransposed : {false, true})
          checkMatmul(m, k, n, true, isTransposed);
}

TEST_CASE("matrix products of computed operands", "[gemm]") {
  for (int m : {1, 6, 11})
    for (int n : {1, 9, 40})
      for (int k : {1, 24})
        for (bool isTransposed : {false, true})
          checkMatmul(m, k, n, false, isTransposed);
}

TEST_CASE("matrix products deep enough for several blocks", "[gemm]") {
  checkMatmul(7, 1600, 33, true, false);
  checkMatmul(200, 900, 20, true, true);
  checkMatmul(13, 2304, 50, false, false);
}

TEST_CASE("batched matrix products broadcast", "[gemm]") {
  struct Case {
    std::string lhs, rhs, out;
  };
  for (const Case &c : {Case{"3x5x8", "3x8x9", "3x5x9"}, Case{"2x3x5x8", "8x17", "2x3x5x17"},
                        Case{"2x1x5x8", "1x3x8x9", "2x3x5x9"}, Case{"5x8", "4x8x9", "4x5x9"}}) {
    RunOptions options;
    options.expectedKind = "gemm";
    std::string lhs = tensor(c.lhs), rhs = tensor(c.rhs), out = tensor(c.out);
    check(function({lhs, rhs}, out, fmt::format("%r = nn.matmul %a0, %a1 : ({}, {}) -> {}", lhs, rhs, out)), options);
  }
}

// Pictures of every remainder by tiles of 2 and 4, one pixel and uneven paddings included.
TEST_CASE("matrix products of a transposed left operand", "[gemm]") {
  struct Case {
    std::string lhs, rhs, out;
  };
  for (bool isConstant : {false, true})
    for (const Case &c :
         {Case{"8x13", "8x37", "13x37"}, Case{"1x120x40", "120x65", "1x40x65"}, Case{"3x5x7", "5x16", "3x7x16"},
          Case{"2x3x5x8", "1x3x5x17", "2x3x8x17"}, Case{"900x11", "900x20", "11x20"}, Case{"6x1", "6x9", "1x9"}}) {
      RunOptions options;
      options.expectedKind = "gemm";
      if (isConstant)
        options.constants = {1};
      std::string lhs = tensor(c.lhs), rhs = tensor(c.rhs), out = tensor(c.out);
      check(function({lhs, rhs}, out,
                     fmt::format("%r = nn.matmul %a0, %a1 {{trans_lhs}} : ({}, {}) -> {}", lhs, rhs, out)),
            options);
    }
}

TEST_CASE("convolutions by minimal filtering", "[conv]") {
  for (const Conv &c : {Conv{1, 56, 56, 64, 64, 3, 1, 1, 1, 1}, Conv{2, 13, 15, 32, 40, 3, 1, 1, 1, 1},
                        Conv{1, 30, 29, 64, 100, 3, 1, 0, 1, 1}, Conv{3, 14, 18, 64, 64, 3, 1, 2, 1, 1},
                        Conv{1, 6, 51, 128, 128, 3, 1, 0, 1, 1}, Conv{1, 29, 31, 32, 48, 5, 1, 2, 1, 1}})
    checkConv(c, "winograd");
}

TEST_CASE("convolutions of one axis by minimal filtering", "[conv]") {
  for (int taps : {3, 5})
    for (int length : {125, 130}) {
      std::string in = tensor(fmt::format("2x{}x64", length)), out = tensor(fmt::format("2x{}x96", length - taps + 3));
      std::string filter = tensor(fmt::format("96x64x{}", taps));
      RunOptions options;
      options.constants = {1};
      options.expectedKind = "winograd";
      check(function({in, filter}, out,
                     fmt::format("%r = nn.conv %a0, %a1 {{channels_last, dilations = array<i64: 1>, group = 1 : i64, "
                                 "pads = array<i64: 2, 0>, strides = array<i64: 1>}} : ({}, {}) -> {}",
                                 in, filter, out)),
            options);
    }
}

TEST_CASE("convolutions", "[conv]") {
  for (const Conv &c : {Conv{1, 7, 9, 3, 8, 3, 1, 1, 1, 1}, Conv{2, 8, 8, 16, 24, 1, 1, 0, 1, 1},
                        Conv{1, 9, 7, 5, 33, 1, 2, 0, 1, 1}, Conv{2, 11, 13, 4, 10, 5, 2, 2, 1, 1},
                        Conv{1, 12, 12, 8, 16, 3, 1, 2, 2, 1}, Conv{1, 6, 6, 12, 24, 3, 1, 1, 1, 4},
                        Conv{1, 30, 31, 3, 64, 7, 2, 3, 1, 1}, Conv{1, 4, 4, 18, 18, 3, 1, 3, 1, 2}})
    checkConv(c, "conv");
}

// A row of the window is one tap; it reaches past the picture on both sides, on one, in all columns, or not at all.
TEST_CASE("convolutions of few channels", "[conv]") {
  for (int channels : {1, 3, 4, 15})
    for (int kernel : {2, 3, 5})
      for (int stride : {1, 2})
        for (int pad : {0, 1, 2})
          for (int width : {5, 12})
            checkConv({2, 6, width, channels, 17, kernel, stride, std::min(pad, kernel - 1), 1, 1}, "conv");
  checkConv({1, 3, 1, 3, 8, 7, 1, 6, 1, 1}, "conv");
  checkConv({1, 9, 40, 3, 8, 3, 3, 4, 1, 1}, "conv");
}

TEST_CASE("depthwise convolutions", "[conv]") {
  for (int channels : {1, 8, 16, 35})
    for (int stride : {1, 2})
      for (int kernel : {1, 3, 5})
        checkConv({2, 9, 17, channels, channels, kernel, stride, kernel / 2, 1, channels}, "depthwise");
  checkConv({1, 14, 14, 32, 32, 3, 1, 2, 2, 32}, "depthwise");
}

// Tasks are strips of 64 positions.
TEST_CASE("depthwise convolutions and pools of one axis", "[conv][pool]") {
  for (int channels : {8, 35})
    for (int length : {1, 63, 64, 65, 150, 200})
      for (int stride : {1, 2}) {
        std::string in = tensor(fmt::format("2x{}x{}", length, channels));
        std::string out = tensor(fmt::format("2x{}x{}", (length - 1) / stride + 1, channels));
        std::string filter = tensor(fmt::format("{}x1x3", channels));
        RunOptions options;
        options.expectedKind = "pool";
        check(function({in}, out,
                       fmt::format("%r = nn.pool pool_average %a0 {{channels_last, dilations = array<i64: 1>, kernel = "
                                   "array<i64: 3>, pads = array<i64: 1, 1>, strides = array<i64: {}>}} : ({}) -> {}",
                                   stride, in, out)),
              options);
        options.expectedKind = "depthwise";
        options.constants = {1};
        check(
            function({in, filter}, out,
                     fmt::format("%r = nn.conv %a0, %a1 {{channels_last, dilations = array<i64: 1>, group = {} : i64, "
                                 "pads = array<i64: 1, 1>, strides = array<i64: {}>}} : ({}, {}) -> {}",
                                 channels, stride, in, filter, out)),
            options);
      }
}

TEST_CASE("convolutions of few channels per group", "[conv]") {
  struct Groups {
    int count, in, out;
  };
  for (const Groups &g : {Groups{2, 4, 4}, Groups{6, 4, 4}, Groups{3, 3, 8}, Groups{4, 4, 8}, Groups{2, 8, 24}})
    for (int stride : {1, 2})
      for (int kernel : {1, 3, 5})
        checkConv({2, 9, 19, g.count * g.in, g.count * g.out, kernel, stride, kernel / 2, 1, g.count}, "depthwise");
  checkConv({1, 7, 6, 16, 16, 3, 1, 2, 2, 4}, "depthwise");
}

// For some tiles, or for all, only part of the window lies inside the picture.
TEST_CASE("convolutions with taps outside of the picture", "[conv]") {
  for (const Conv &c : {Conv{1, 5, 5, 40, 16, 3, 1, 6, 6, 1}, Conv{2, 8, 9, 32, 24, 3, 1, 4, 4, 1},
                        Conv{1, 7, 7, 64, 24, 3, 2, 1, 1, 1}, Conv{1, 13, 6, 72, 40, 3, 1, 5, 5, 2}})
    checkConv(c, "conv");
}

TEST_CASE("pools", "[pool]") {
  for (int channels : {1, 8, 19, 64}) {
    checkPool("pool_max", 9, 11, channels, 3, 2, 1);
    checkPool("pool_average", 9, 11, channels, 3, 2, 1);
    checkPool("pool_average", 9, 11, channels, 3, 1, 1, ", count_include_pad");
    checkPool("pool_max", 6, 6, channels, 2, 2, 0);
  }
}

TEST_CASE("attention without keys for some queries", "[attention]") {
  RunOptions options;
  options.expectedKind = "attention";
  options.fill = [](unsigned number, lathe::reference::Tensor &mask) {
    for (int64_t i = 0; number == 3 && i < mask.size(); ++i)
      mask.mutableData<float>()[i] = i / 20 % 3 == 1 ? -std::numeric_limits<float>::infinity() : 0;
    return number == 3;
  };
  for (int queries : {9, 3}) { // strips of queries, and one by one
    std::vector<std::string> inputs = {tensor(fmt::format("2x3x{}x16", queries)), tensor("2x3x20x16"),
                                       tensor("2x3x20x16"), tensor(fmt::format("{}x20", queries))};
    std::string text =
        fmt::format("%r = nn.attention %a0, %a1, %a2, %a3 {{scale = 0.25, nan_to_zero}} : ({}, {}, {}, {}) -> {}",
                    inputs[0], inputs[1], inputs[2], inputs[3], inputs[0]);
    check(function(inputs, inputs[0], text), options);
  }
  // Several blocks of keys, some of which have none for some queries.
  std::vector<std::string> inputs = {tensor("1x2x5x16"), tensor("1x2x1300x16"), tensor("1x2x1300x16"),
                                     tensor("5x1300")};
  options.fill = [](unsigned number, lathe::reference::Tensor &mask) {
    for (int64_t i = 0; number == 3 && i < mask.size(); ++i)
      mask.mutableData<float>()[i] = i / 600 % 2 == 0 ? -std::numeric_limits<float>::infinity() : 0;
    return number == 3;
  };
  check(function(
            inputs, inputs[0],
            fmt::format("%r = nn.attention %a0, %a1, %a2, %a3 {{scale = 0.25, nan_to_zero}} : ({}, {}, {}, {}) -> {}",
                        inputs[0], inputs[1], inputs[2], inputs[3], inputs[0])),
        options);
}

TEST_CASE("attention with capped scores", "[attention]") {
  RunOptions options;
  options.expectedKind = "attention";
  for (int queries : {3, 19, 37}) { // one by one, narrow and wide strips
    std::vector<std::string> inputs = {tensor(fmt::format("2x3x{}x16", queries)), tensor("2x3x21x16"),
                                       tensor("2x3x21x16"), tensor(fmt::format("{}x21", queries))};
    check(
        function(inputs, inputs[0],
                 fmt::format("%r = nn.attention %a0, %a1, %a2, %a3 {{scale = 4.0, cap = 1.5}} : ({}, {}, {}, {}) -> {}",
                             inputs[0], inputs[1], inputs[2], inputs[3], inputs[0])),
        options);
  }
}

TEST_CASE("attention whose heads share keys and values", "[attention]") {
  for (int queries : {1, 4, 19})
    for (int shared : {2, 6}) {
      checkAttention(2, 6, queries, 21, 16, 16, "", shared);
      checkAttention(2, 6, queries, 21, 16, 24, fmt::format("2x6x{}x21", queries), shared);
    }
}

TEST_CASE("attention", "[attention]") {
  for (int queries : {1, 5, 16, 37})
    for (int keys : {1, 6, 37})
      for (int valueColumns : {5, 8, 32})
        checkAttention(2, 3, queries, keys, 16, valueColumns, "");
  for (int queries : {1, 2, 4})
    for (int keys : {1, 9, 70}) {
      checkAttention(1, 2, queries, keys, 64, 80, "");
      checkAttention(2, 3, queries, keys, 32, 16, fmt::format("{}x{}", queries, keys));
      checkAttention(2, 3, queries, keys, 32, 16, fmt::format("2x1x1x{}", keys));
    }
  for (int queries : {17, 33, 49}) // a last strip of one query, and whole and broken squares of the mask
    for (int valueColumns : {9, 20, 36}) {
      checkAttention(1, 2, queries, 29, 36, valueColumns, fmt::format("{}x29", queries));
      checkAttention(1, 2, queries, 32, 9, valueColumns, fmt::format("2x{}x1", queries));
    }
  for (int keys : {256, 300, 700}) // several blocks of keys
    for (int valueColumns : {3, 20}) {
      checkAttention(1, 2, 23, keys, 12, valueColumns, "");
      checkAttention(1, 2, 21, keys, 12, valueColumns, fmt::format("21x{}", keys));
    }
  checkAttention(2, 3, 9, 20, 12, 16, "2x1x1x20");
  checkAttention(2, 3, 9, 20, 12, 16, "9x20");
  checkAttention(2, 3, 9, 20, 12, 16, "1x3x9x20");
}
