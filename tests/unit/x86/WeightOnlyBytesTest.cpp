// Rows of 8-bit integers times 4-bit weights, both in groups: sums as the interpreter's, over every tail of rows, columns and
// groups.
#include "tests/unit/x86/WideCpus.h"
#include <cmath>
#include <fmt/format.h>
#include <random>
#include <regex>

using namespace lathe::test;
using lathe::reference::Tensor;

namespace {
struct Product {
  int m, k, n, group = 32;
  std::string integer = "i8";
  bool hasZero = false, isTransposed = false;
  bool hasExtremes = false; // largest magnitudes of one sign
};

std::string textOf(const Product &p) {
  auto matrix = [&](int rows, const std::string &element) {
    return p.isTransposed ? fmt::format("tensor<{}x{}x{}>", p.n, rows, element)
                          : fmt::format("tensor<{}x{}x{}>", rows, p.n, element);
  };
  auto rows = [&](int width, const char *element) { return fmt::format("tensor<1x{}x{}x{}>", p.m, width, element); };
  const int groups = p.k / p.group;
  const std::string q = rows(p.k, "i8"), t = rows(groups, "f32"), x = rows(p.k, "f32"), out = rows(p.n, "f32"),
                    w = matrix(p.k, p.integer), s = matrix(groups, "f32"), f = matrix(p.k, "f32"),
                    z = matrix(groups, p.integer);
  const std::string zeroType = p.hasZero ? ", " + z : "";
  std::string text = fmt::format("func.func @f(%0: {}, %1: {}, %2: {}, %3: {}{}) -> {} {{\n", q, t, w, s,
                                 p.hasZero ? ", %4: " + z : "", out);
  text += fmt::format("  %r = nn.fused \"gemm\" (%0, %1, %2, %3{}) : ({}, {}, {}, {}{}) -> {} {{\n",
                      p.hasZero ? ", %4" : "", q, t, w, s, zeroType, out);
  text += fmt::format("  ^bb0(%q: {}, %t: {}, %w: {}, %s: {}{}):\n", q, t, w, s, p.hasZero ? ", %z: " + z : "");
  text += fmt::format(
      "    %x = nn.dequantize %q, %t {{axis = 2 : i64, bits = 8 : i64, block = {} : i64}} : ({}, {}) -> {}\n", p.group,
      q, t, x);
  text += fmt::format(
      "    %d = nn.dequantize %w, %s {} {{axis = {} : i64, bits = 4 : i64, block = {} : i64}} : ({}, {}{}) -> {}\n",
      p.hasZero ? "zero %z" : "", p.isTransposed ? 1 : 0, p.group, w, s, zeroType, f);
  text +=
      fmt::format("    %p = nn.matmul %x, %d {} : ({}, {}) -> {}\n", p.isTransposed ? "{trans_rhs}" : "", x, f, out);
  text += fmt::format("    %e = nn.unary relu %p : ({}) -> {}\n    nn.yield %e : {}\n  }}\n", out, out, out);
  return text + fmt::format("  return %r : {}\n}}\n", out);
}

RunOptions optionsOf(const Product &p) {
  RunOptions options;
  options.constants = {2, 3};
  if (p.hasZero)
    options.constants.push_back(4);
  options.low = 0.5;
  options.high = 1.5;
  options.expectedKind = "gemm_weight_only";
  options.relative = 1e-5;
  options.absolute = 1e-5 * 127 * 8 * std::sqrt(double(p.k));
  options.fill = [p](unsigned input, Tensor &values) {
    std::mt19937 random(input + 7);
    auto *bytes = input == 1 || input == 3 ? nullptr : values.mutableData<uint8_t>();
    for (int64_t i = 0; bytes && i < values.size(); ++i) {
      const int bits = p.hasExtremes ? 15 * (input != 4) : int(random() % 16);
      bytes[i] = uint8_t(p.integer == "i8" ? bits - 8 : bits);
      if (input == 0)
        bytes[i] = p.hasExtremes ? uint8_t(-128) : uint8_t(random());
    }
    return bytes != nullptr;
  };
  return options;
}

/// A function of 97 rows with as many as its first input has.
std::string withOpenRows(std::string text) {
  text = std::regex_replace(text, std::regex("tensor<1x97x(\\d+)x(\\w+)>"),
                            "tensor<1x?x$1x$2, affine_map<()[s0] -> (1, s0, $1)>>");
  return std::regex_replace(text, std::regex(" \\{\\n  %r = nn.fused"),
                            " attributes {nn.symbols = [{name = \"n\", kind = \"input_dim\", input = 0 : i64, index = "
                            "1 : i64}]} {\n  %r = nn.fused");
}

void check(const Product &p) { checkOnWideCpus(textOf(p), optionsOf(p)); }
} // namespace

TEST_CASE("integer rows with every tail of columns", "[weight-only]") {
  for (int m : {1, 2, 3, 4, 5, 11})
    for (int n : {1, 8, 17, 40, 100})
      for (int k : {32, 64, 224})
        check({m, k, n});
}

TEST_CASE("integer rows with every group and type of weights", "[weight-only]") {
  for (int group : {16, 32, 64, 128, 1024})
    for (const char *integer : {"i8", "ui8"})
      for (bool hasZero : {false, true})
        for (bool isTransposed : {false, true})
          for (int m : {1, 4})
            check({m, group == 1024 ? 2048 : 3 * group, 50, group, integer, hasZero, isTransposed});
}

TEST_CASE("an unknown number of integer rows", "[weight-only]") {
  for (int m : {0, 1, 3, 4, 5, 8, 10}) {
    RunOptions options = optionsOf({m, 64, 40});
    options.shapes = {{1, m, 64}, {1, m, 2}, {64, 40}, {2, 40}};
    checkOnWideCpus(withOpenRows(textOf({97, 64, 40})), options);
  }
}

TEST_CASE("many integer rows with few columns, in blocks of rows", "[weight-only]") {
  const int block = 176; // rows of a task
  for (int m : {block, block + 1, block + 4, 2 * block + 3}) {
    check({m, 32, 20});
    RunOptions options = optionsOf({m, 32, 20});
    options.shapes = {{1, m, 32}, {1, m, 1}, {32, 20}, {1, 20}};
    checkOnWideCpus(withOpenRows(textOf({97, 32, 20})), options);
  }
  PreparedKernel kernel(textOf({2 * block + 3, 32, 20}), optionsOf({2 * block + 3, 32, 20}));
  REQUIRE(kernel.problem == "");
  CHECK(kernel.tasks() == 3);
}

TEST_CASE("sums of integer rows don't saturate", "[weight-only]") {
  for (int group : {16, 32, 256})
    for (bool hasZero : {false, true})
      check({1, 512, 40, group, "ui8", hasZero, false, true});
}

TEST_CASE("integer rows have code for AVX-512 and dot products", "[weight-only]") {
  for (const char *cpu : {"x86-64-v4", "icelake-server", "alderlake"})
    for (int m : {1, 4}) {
      Product p{m, 128, 70, 32, "ui8", true};
      RunOptions options = optionsOf(p);
      options.cpu = cpu;
      const std::string problem = compileCase(textOf(p), options);
      INFO(problem);
      CHECK(problem.empty());
    }
  RunOptions options = optionsOf({1, 128, 70});
  options.cpu = "icelake-server";
  CHECK(assemblyOf(textOf({1, 128, 70}), options).find("vpdpbusd") != std::string::npos);
}
