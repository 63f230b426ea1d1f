#include "tests/unit/x86/WideCpus.h"

using namespace lathe::test;
using lathe::reference::Tensor;

namespace {
const RunOptions kExact{.relative = 0, .absolute = 0};

/// Fills input 1 with valid indices below `size`, some of them negative.
RunOptions indices(int64_t size, unsigned input = 1) {
  RunOptions options = kExact;
  options.fill = [=](unsigned number, Tensor &tensor) {
    if (number != input)
      return false;
    for (int64_t i = 0; i < tensor.size(); ++i) {
      int64_t value = (i * 7 + 3) % size - (i % 3 == 0 ? size : 0);
      if (tensor.elementBytes() == 8)
        tensor.mutableData<int64_t>()[i] = value;
      else
        tensor.mutableData<int32_t>()[i] = int32_t(value);
    }
    return true;
  };
  return options;
}
} // namespace

TEST_CASE("reshape, transpose, broadcast and tile") {
  CHECK(runCase(oneOp("nn.reshape %0", {"4x6x10xf32"}, {"8x30xf32"}), kExact) == "");
  CHECK(runCase(oneOp("nn.transpose %0 {permutation = array<i64: 1, 0>}", {"65x33xf32"}, {"33x65xf32"}), kExact) == "");
  CHECK(runCase(oneOp("nn.transpose %0 {permutation = array<i64: 0, 2, 3, 1>}", {"2x19x7x9xf32"}, {"2x7x9x19xf32"}),
                kExact) == "");
  CHECK(runCase(oneOp("nn.transpose %0 {permutation = array<i64: 0, 2, 1, 3>}", {"2x16x12x64xi8"}, {"2x12x16x64xi8"}),
                kExact) == "");
  CHECK(runCase(oneOp("nn.transpose %0 {permutation = array<i64: 3, 1, 0, 2>}", {"5x6x7x70xi64"}, {"70x6x5x7xi64"}),
                kExact) == "");
  CHECK(runCase(oneOp("nn.broadcast %0", {"3x1xf32"}, {"2x3x50xf32"}), kExact) == "");
  CHECK(runCase(oneOp("nn.tile %0", {"3x4xf32"}, {"6x12xf32"}), kExact) == "");
}

TEST_CASE("slice, concat and pad") {
  CHECK(runCase(oneOp("nn.slice %0 {starts = affine_map<() -> (1, 8)>, steps = array<i64: 2, -2>}", {"7x9xf32"},
                      {"3x5xf32"}),
                kExact) == "");
  CHECK(runCase(oneOp("nn.concat %0, %1, %2 {axis = 1 : i64}", {"3x4x5xf32", "3x0x5xf32", "3x2x5xf32"}, {"3x6x5xf32"}),
                kExact) == "");
  CHECK(runCase(oneOp("nn.concat %0, %1 {axis = 0 : i64}", {"300x40xf32", "200x40xf32"}, {"500x40xf32"}), kExact) ==
        "");
  for (const char *mode : {"constant", "reflect", "edge", "wrap"})
    CHECK(runCase(oneOp(std::string("nn.pad ") + mode + " %0 {low = affine_map<() -> (0, 2, 1)>}", {"2x5x6xf32"},
                        {"2x9x10xf32"}),
                  kExact) == "");
  CHECK(runCase("func.func @f(%0: tensor<5xf32>, %1: tensor<f32>) -> tensor<6xf32> {\n"
                "  %r = nn.pad constant %0, %1 {low = affine_map<() -> (-1)>} : (tensor<5xf32>, tensor<f32>) -> "
                "tensor<6xf32>\n"
                "  return %r : tensor<6xf32>\n}",
                kExact) == "");
}

TEST_CASE("gathers") {
  CHECK(runCase(oneOp("nn.gather %0, %1 {axis = 0 : i64}", {"50x64xf32", "2x7xi64"}, {"2x7x64xf32"}), indices(50)) ==
        "");
  CHECK(runCase(oneOp("nn.gather %0, %1 {axis = 1 : i64}", {"3x50x4xf32", "9xi32"}, {"3x9x4xf32"}), indices(50)) == "");
  CHECK(runCase(oneOp("nn.gather %0, %1 {axis = 1 : i64}", {"3x50xf32", "i64"}, {"3xf32"}), indices(50)) == "");
  CHECK(runCase(oneOp("nn.gather_elements %0, %1 {axis = 1 : i64}", {"3x50xf32", "3x9xi64"}, {"3x9xf32"}),
                indices(50)) == "");
  CHECK(runCase(oneOp("nn.gather_nd %0, %1 {batch_dims = 1 : i64}", {"3x5x5x4xf32", "3x6x2xi64"}, {"3x6x4xf32"}),
                indices(5)) == "");
}

TEST_CASE("an index out of range is an error") {
  RunOptions options;
  options.fill = [](unsigned number, Tensor &tensor) {
    if (number == 1)
      tensor.mutableData<int64_t>()[3] = 50;
    return number == 1;
  };
  CHECK(runForCode(oneOp("nn.gather %0, %1 {axis = 0 : i64}", {"50x64xf32", "7xi64"}, {"7x64xf32"}), options) == 1);
}

TEST_CASE("sizes and numbers") {
  CHECK(runCase(oneOp("nn.shape_of %0", {"3x4x5xf32"}, {"3xi64"}), kExact) == "");
  CHECK(runCase("func.func @f() -> tensor<3x400xf32> {\n  %r = nn.iota {axis = 1 : i64} : tensor<3x400xf32>\n"
                "  return %r : tensor<3x400xf32>\n}",
                kExact) == "");
}

TEST_CASE("resize") {
  for (const char *mode : {"nearest", "linear", "cubic"})
    for (const char *coordinates : {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel",
                                    "half_pixel_symmetric", "tf_half_pixel_for_nn"})
      for (const char *rest : {"round_prefer_floor %0", "nearest_floor %0"})
        for (const char *out : {"1x2x9x13xf32", "1x2x3x4xf32"}) {
          std::string text = std::string("nn.resize ") + mode + " " + coordinates + " " + rest +
                             " {scales = array<f64: 0., 0., 0., 0.>, roi = array<f64>}";
          CHECK(runCase(oneOp(text, {"1x2x5x6xf32"}, {out}), {.relative = 1e-5}) == "");
        }
  std::string crop = "nn.resize linear tf_crop_and_resize round_prefer_floor %0 {scales = array<f64: 0., 0., 0., 0.>, "
                     "roi = array<f64: 0., 0., 0.4, 0.3, 1., 1., 1.2, 0.8>, extrapolation = 10.0}";
  CHECK(runCase(oneOp(crop, {"1x2x5x6xf32"}, {"1x2x4x7xf32"}), {.relative = 1e-5}) == "");
  for (const char *mode : {"linear", "cubic"}) {
    std::string shrink = std::string("nn.resize ") + mode +
                         " half_pixel round_prefer_floor %0 {scales = array<f64: 0., 0., "
                         "0.3, 0.5>, roi = array<f64>, antialias}";
    CHECK(runCase(oneOp(shrink, {"1x2x20x10xf32"}, {"1x2x6x5xf32"}), {.relative = 1e-5}) == "");
  }
  std::string cubic = "nn.resize cubic half_pixel round_prefer_floor %0 {scales = array<f64: 0., 0.>, roi = "
                      "array<f64>, exclude_outside}";
  CHECK(runCase(oneOp(cubic, {"5x6xf32"}, {"9x14xf32"}), {.relative = 1e-5}) == "");
}

TEST_CASE("symbolic sizes") {
  const char *text = R"(
    #x = affine_map<()[s0, s1] -> (s0, s1, 3)>
    #y = affine_map<()[s0, s1] -> (s0, s1 * 3)>
    func.func @f(%0: tensor<?x?x3xf32, #x>, %1: tensor<3xf32>) -> tensor<?x?xf32, #y>
        attributes {nn.symbols = [{name = "a", kind = "input_dim", input = 0 : i64, index = 0 : i64},
                                  {name = "b", kind = "input_dim", input = 0 : i64, index = 1 : i64}]} {
      %r = nn.fused "map" (%0, %1) : (tensor<?x?x3xf32, #x>, tensor<3xf32>) -> tensor<?x?xf32, #y> {
      ^bb0(%a: tensor<?x?x3xf32, #x>, %b: tensor<3xf32>):
        %c = nn.binary add %a, %b : (tensor<?x?x3xf32, #x>, tensor<3xf32>) -> tensor<?x?x3xf32, #x>
        %d = nn.unary relu %c : (tensor<?x?x3xf32, #x>) -> tensor<?x?x3xf32, #x>
        %e = nn.reshape %d : (tensor<?x?x3xf32, #x>) -> tensor<?x?xf32, #y>
        nn.yield %e : tensor<?x?xf32, #y>
      }
      return %r : tensor<?x?xf32, #y>
    })";
  for (auto [rows, columns] : {std::pair<int64_t, int64_t>{1, 1}, {7, 128}, {0, 5}, {5, 0}, {511, 300}})
    CHECK(runCase(text, {.shapes = {{rows, columns, 3}, {3}}}) == "");
}

TEST_CASE("bytes from tables") {
  RunOptions options = kExact;
  options.low = -128;
  options.high = 255;
  options.expectedKind = "lookup";
  for (const char *dims : {"1", "31", "32", "7x65", "3x4096x1", "2x5000"}) {
    const std::string of = std::string(dims) + "x";
    checkOnWideCpus(oneOp("nn.gather %0, %1 {axis = 0 : i64}", {"256xi8", of + "ui8"}, {of + "i8"}), options);
  }
  checkOnWideCpus(
      "func.func @f(%0: tensor<9x70xi8>, %1: tensor<256xui8>) -> tensor<9x70xui8> {\n"
      "  %r = nn.fused \"map\" (%0, %1) : (tensor<9x70xi8>, tensor<256xui8>) -> tensor<9x70xui8> {\n"
      "  ^bb0(%x: tensor<9x70xi8>, %t: tensor<256xui8>):\n"
      "    %i = nn.bitcast %x : (tensor<9x70xi8>) -> tensor<9x70xui8>\n"
      "    %y = nn.gather %t, %i {axis = 0 : i64} : (tensor<256xui8>, tensor<9x70xui8>) -> tensor<9x70xui8>\n"
      "    nn.yield %y : tensor<9x70xui8>\n"
      "  }\n"
      "  return %r : tensor<9x70xui8>\n}",
      options);
}
