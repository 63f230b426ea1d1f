// Products of f32 rows with constant integers of 4 and 8 bits: sums as the interpreter's, over every tail of rows, columns, depth
// and groups.
#include "tests/unit/x86/WideCpus.h"
#include <cmath>
#include <fmt/format.h>
#include <random>

using namespace lathe::test;
using lathe::reference::Tensor;

namespace {
struct Product {
  int m, k, n, bits = 4, group = 32; // group 0: a scale per column
  std::string integer = "i8";
  bool hasZero = false, isTransposed = false;
  bool isDynamic = false; // the number of rows is a symbol
  std::string epilogue;   // name of a unary function that follows
};

std::string tensor(const std::string &dims, const std::string &element) {
  return fmt::format("tensor<{}x{}>", dims, element);
}

std::string textOf(const Product &p) {
  auto matrix = [&](int rows) {
    return p.isTransposed ? fmt::format("{}x{}", p.n, rows) : fmt::format("{}x{}", rows, p.n);
  };
  const std::string entries = p.group ? matrix((p.k + p.group - 1) / p.group) : matrix(1);
  const std::string rows = p.isDynamic ? "?" : std::to_string(p.m);
  auto dense = [&](int width) {
    const std::string layout = p.isDynamic ? fmt::format(", affine_map<()[s0] -> (s0, {})>", width) : "";
    return fmt::format("tensor<{}x{}xf32{}>", rows, width, layout);
  };
  const std::string x = dense(p.k), out = dense(p.n);
  const std::string w = tensor(matrix(p.k), p.integer), f = tensor(matrix(p.k), "f32"), s = tensor(entries, "f32"),
                    z = tensor(entries, p.integer);
  const std::string zeroType = p.hasZero ? ", " + z : "", zeroArg = p.hasZero ? ", %3: " + z : "",
                    zeroInner = p.hasZero ? ", %z: " + z : "";
  std::string text = fmt::format("func.func @f(%0: {}, %1: {}, %2: {}{}) -> {}", x, w, s, zeroArg, out);
  if (p.isDynamic)
    text += " attributes {nn.symbols = [{name = \"n\", kind = \"input_dim\", input = 0 : i64, index = 0 : i64}]}";
  text += fmt::format(" {{\n  %r = nn.fused \"gemm\" (%0, %1, %2{}) : ({}, {}, {}{}) -> {} {{\n",
                      p.hasZero ? ", %3" : "", x, w, s, zeroType, out);
  text += fmt::format("  ^bb0(%x: {}, %w: {}, %s: {}{}):\n", x, w, s, zeroInner);
  text += fmt::format(
      "    %d = nn.dequantize %w, %s {} {{axis = {} : i64, bits = {} : i64, block = {} : i64}} : ({}, {}{}) -> {}\n",
      p.hasZero ? "zero %z" : "", p.group && p.isTransposed ? 1 : 0, p.bits, p.group, w, s, zeroType, f);
  text +=
      fmt::format("    %p = nn.matmul %x, %d {} : ({}, {}) -> {}\n", p.isTransposed ? "{trans_rhs}" : "", x, f, out);
  std::string result = "%p";
  if (!p.epilogue.empty()) {
    text += fmt::format("    %e = nn.unary {} %p : ({}) -> {}\n", p.epilogue, out, out);
    result = "%e";
  }
  return text + fmt::format("    nn.yield {} : {}\n  }}\n  return %r : {}\n}}\n", result, out, out);
}

RunOptions optionsOf(const Product &p) {
  RunOptions options;
  options.constants = {1, 2};
  if (p.hasZero)
    options.constants.push_back(3);
  options.low = 0.5;
  options.high = 1.5;
  options.expectedKind = "gemm_weight_only";
  // Products of both signs: what sums cancel to is compared with what they are made of.
  const double magnitude = (p.bits == 4 ? 4 : 64) * (p.hasZero ? 1.5 : 1) * std::sqrt(double(p.k));
  options.relative = 1e-5;
  options.absolute = 1e-5 * magnitude;
  if (p.isDynamic)
    options.shapes = {{p.m, p.k}, {}, {}, {}};
  options.fill = [p](unsigned input, Tensor &values) {
    std::mt19937 random(input + 7);
    std::uniform_real_distribution<float> number(-1, 1);
    if (input == 0)
      for (int64_t i = 0; i < values.size(); ++i)
        values.mutableData<float>()[i] = number(random);
    if (input == 1 || input == 3)
      for (int64_t i = 0; i < values.size(); ++i) {
        const int bits = int(random() % (1u << p.bits));
        values.mutableData<uint8_t>()[i] = uint8_t(p.integer == "i8" ? bits - (1 << (p.bits - 1)) : bits);
      }
    return input != 2;
  };
  return options;
}

void check(const Product &p) { checkOnWideCpus(textOf(p), optionsOf(p)); }
} // namespace

TEST_CASE("4-bit weights of every tail", "[weight-only]") {
  for (int m : {1, 2, 5, 33})
    for (int n : {1, 8, 17, 40, 100})
      for (int k : {1, 7, 32, 75, 200})
        check({m, k, n});
}

TEST_CASE("integer weights of every group", "[weight-only]") {
  for (int bits : {4, 8})
    for (int group : {0, 16, 20, 32, 64, 128})
      for (bool hasZero : {false, true})
        for (int m : {1, 3, 4, 7})
          check({m, 300, 50, bits, group, "ui8", hasZero});
}

TEST_CASE("integer weights of every type, transposed or not", "[weight-only]") {
  for (int bits : {4, 8})
    for (const char *integer : {"i8", "ui8"})
      for (bool hasZero : {false, true})
        for (bool isTransposed : {false, true})
          for (int m : {1, 6}) {
            check({m, 96, 70, bits, 32, integer, hasZero, isTransposed});
            check({m, 513, 33, bits, 0, integer, hasZero, isTransposed});
          }
}

TEST_CASE("integer weights of long and wide products", "[weight-only]") {
  for (int m : {1, 2, 5, 128, 400}) {
    check({m, 3100, 70});
    check({m, 2048, 90, 8, 128, "ui8", true});
    check({m, 3001, 40, 4, 0});
  }
  check({1, 64, 3000});
}

TEST_CASE("integer weights with any number of rows", "[weight-only]") {
  for (int m : {0, 1, 2, 3, 4, 5, 40})
    for (bool hasZero : {false, true})
      check({m, 200, 70, 4, 32, "ui8", hasZero, false, true, "gelu"});
}

TEST_CASE("integer weights with an epilogue", "[weight-only]") {
  for (const char *function : {"relu", "gelu"})
    for (int m : {1, 4, 20})
      check({m, 96, 50, 4, 32, "i8", false, false, false, function});
}

TEST_CASE("integer weights of model size", "[.][weight-only-bench]") {
  for (int m : {1, 2, 4, 128})
    for (int bits : {4, 8}) {
      check({m, 768, 768, bits});
      check({m, 768, 2304, bits});
      check({m, 768, 3072, bits, 32, "ui8", true});
      check({m, 3072, 768, bits});
      check({m, 768, 768, bits, 128});
      check({m, 768, 768, bits, 0});
    }
}
