// Every plan that tuning may choose computes what the interpreter does.
#include "tests/unit/x86/KernelRunner.h"
#include <catch2/catch_test_macros.hpp>
#include <fmt/format.h>

using namespace lathe::test;

namespace {

/// Runs all choices on all CPUs and expects at least `fewest` of them with AVX2.
void checkChoices(const std::string &text, std::vector<unsigned> constants, size_t fewest) {
  for (const std::string &cpu : runnableCpus()) {
    if (cpu == "x86-64-v2")
      continue; // no kernels for contractions, so no choice
    RunOptions options;
    options.cpu = cpu;
    options.constants = constants;
    options.relative = options.absolute = 2e-4; // of minimal filtering
    options.low = -1;
    options.high = 1;
    size_t count = 0;
    CHECK(runChoices(text, options, &count) == "");
    CHECK(count >= (cpu == "x86-64-v3" ? fewest : 2)); // wider vectors have fewer tiles
  }
}

/// A product with bias and relu.
std::string product(int rows, int depth, int columns, const char *attributes = "") {
  std::string lhs = fmt::format("tensor<{}x{}xf32>", rows, depth),
              rhs = fmt::format("tensor<{}x{}xf32>", depth, columns), bias = fmt::format("tensor<{}xf32>", columns),
              out = fmt::format("tensor<{}x{}xf32>", rows, columns);
  return fmt::format(R"(func.func @f(%0: {0}, %1: {1}, %2: {2}) -> {3} {{
  %r = nn.fused "epilogue" (%0, %1, %2) : ({0}, {1}, {2}) -> ({3}) {{
  ^bb0(%a: {0}, %b: {1}, %c: {2}):
    %x = nn.matmul %a, %b {4} : ({0}, {1}) -> {3}
    %y = nn.binary add %x, %c : ({3}, {2}) -> {3}
    %z = nn.unary relu %y : ({3}) -> {3}
    nn.yield %z : {3}
  }}
  return %r : {3}
}}
)",
                     lhs, rhs, bias, out, attributes);
}

std::string conv(const char *attributes, const std::string &in, const std::string &filter, const std::string &out) {
  return oneOp(fmt::format("nn.conv %0, %1 {{channels_last, {}}}", attributes), {in + "xf32", filter + "xf32"},
               {out + "xf32"});
}

constexpr const char *around =
    "strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, ";

} // namespace

TEST_CASE("choices of products") {
  checkChoices(product(37, 40, 50), {1}, 6);
  checkChoices(product(1, 70, 100), {1}, 4);
  checkChoices(product(14, 1600, 20), {1}, 5); // depth in blocks
  checkChoices(product(20, 24, 33), {}, 4);    // right-hand side computed
}

TEST_CASE("choices of convolutions") {
  checkChoices(conv(fmt::format("{} group = 1 : i64", around).c_str(), "1x11x13x16", "24x16x3x3", "1x11x13x24"), {1},
               12);
  checkChoices(conv(fmt::format("{} group = 2 : i64", around).c_str(), "2x6x7x8", "36x4x3x3", "2x6x7x36"), {1}, 4);
  checkChoices(
      conv("strides = array<i64: 2, 2>, pads = array<i64: 0, 1, 1, 0>, dilations = array<i64: 1, 1>, group = 1 "
           ": i64",
           "1x15x13x3", "40x3x3x5", "1x7x5x40"),
      {1}, 6); // rows of the window as taps
  checkChoices(conv("strides = array<i64: 1>, pads = array<i64: 2, 2>, dilations = array<i64: 1>, group = 1 : i64",
                    "2x19x16", "20x16x5", "2x19x20"),
               {1}, 10);
}

TEST_CASE("choices of depthwise convolutions") {
  for (int channels : {5, 40, 100})
    checkChoices(conv(fmt::format("{} group = {} : i64", around, channels).c_str(), fmt::format("1x6x9x{}", channels),
                      fmt::format("{}x1x3x3", channels), fmt::format("1x6x9x{}", channels)),
                 {1}, channels == 5 ? 2 : 6);
}

TEST_CASE("choices of grouped convolutions") {
  checkChoices(conv(fmt::format("{} group = 4 : i64", around).c_str(), "1x6x9x16", "16x4x3x3", "1x6x9x16"), {1}, 4);
  checkChoices(conv(fmt::format("{} group = 3 : i64", around).c_str(), "1x6x9x6", "24x2x3x3", "1x6x9x24"), {1}, 4);
}

TEST_CASE("choices for a CPU that this machine need not be") {
  RunOptions options;
  options.cpu = "x86-64-v4";
  options.constants = {1};
  for (const std::string &text :
       {product(37, 40, 70),
        conv(fmt::format("{} group = 1 : i64", around).c_str(), "1x6x7x16", "70x16x3x3", "1x6x7x70"),
        conv(fmt::format("{} group = 70 : i64", around).c_str(), "1x6x9x70", "70x1x3x3", "1x6x9x70")}) {
    int compiled = 0;
    for (options.choice = 0; compileCase(text, options) == ""; ++options.choice)
      ++compiled;
    CHECK(compileCase(text, options).find("expects choice") == 0);
    CHECK(compiled >= 5);
  }
}

TEST_CASE("no choice where sizes are open") {
  RunOptions options;
  options.shapes = {{3, 8}, {8, 8}};
  options.constants = {1};
  std::string open = "tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>";
  size_t count = 0;
  std::string text =
      fmt::format("func.func @f(%0: {0}, %1: tensor<8x8xf32>) -> {0} attributes {{nn.symbols = [{{name = \"n\", "
                  "kind = \"input_dim\", input = 0 : i64, index = 0 : i64}}]}} "
                  "{{\n  %r = nn.matmul %0, %1 : ({0}, tensor<8x8xf32>) -> {0}\n  return %r : {0}\n}}\n",
                  open);
  CHECK(runChoices(text, options, &count) == "");
  CHECK(count == 1);
}
