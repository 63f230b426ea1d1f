// Kernels at the sizes that models have: checked as all others, and timed with LATHE_BENCH_KERNELS=1.
#include "tests/unit/x86/KernelRunner.h"
#include <catch2/catch_test_macros.hpp>

using namespace lathe::test;

namespace {
struct Sized {
  const char *text;
  std::vector<std::string> inputs, outputs;
};
} // namespace

TEST_CASE("kernels of model size", "[bench]") {
  const Sized cases[] = {
      {"nn.binary add %0, %1", {"128x768xf32", "128x768xf32"}, {"128x768xf32"}},
      {"nn.binary add %0, %1", {"56x56x256xf32", "256xf32"}, {"56x56x256xf32"}},
      {"nn.unary gelu %0", {"128x3072xf32"}, {"128x3072xf32"}},
      {"nn.unary gelu_tanh %0", {"128x3072xf32"}, {"128x3072xf32"}},
      {"nn.unary tanh %0", {"128x768xf32"}, {"128x768xf32"}},
      {"nn.unary exp %0", {"128x768xf32"}, {"128x768xf32"}},
      {"nn.unary sigmoid %0", {"128x768xf32"}, {"128x768xf32"}},
      {"nn.unary hard_swish %0", {"112x112x16xf32"}, {"112x112x16xf32"}},
      {"nn.softmax %0 {axis = 3 : i64}", {"1x12x128x128xf32"}, {"1x12x128x128xf32"}},
      {"nn.softmax %0 {axis = 1 : i64}", {"1x1000xf32"}, {"1x1000xf32"}},
      {"nn.softmax %0 {axis = 1 : i64}", {"1x21x64x64xf32"}, {"1x21x64x64xf32"}},
      {"nn.layer_norm %0 scale %1 bias %2 {axis = 2 : i64, epsilon = 1.0e-5 : f64}",
       {"1x128x768xf32", "768xf32", "768xf32"},
       {"1x128x768xf32"}},
      {"nn.reduce mean %0 {axes = array<i64: 1, 2>, keepdims = true}", {"1x7x7x2048xf32"}, {"1x1x1x2048xf32"}},
      {"nn.reduce mean %0 {axes = array<i64: 2, 3>, keepdims = true}", {"1x2048x7x7xf32"}, {"1x2048x1x1xf32"}},
      {"nn.reduce max %0 {axes = array<i64: 1>, keepdims = false}", {"128x768xf32"}, {"128xf32"}},
      {"nn.transpose %0 {permutation = array<i64: 0, 2, 1, 3>}", {"1x128x12x64xf32"}, {"1x12x128x64xf32"}},
      {"nn.transpose %0 {permutation = array<i64: 0, 3, 1, 2>}", {"1x56x56x64xf32"}, {"1x64x56x56xf32"}},
      {"nn.transpose %0 {permutation = array<i64: 0, 2, 3, 1>}", {"1x64x56x56xf32"}, {"1x56x56x64xf32"}},
      {"nn.transpose %0 {permutation = array<i64: 1, 0>}", {"768x768xf32"}, {"768x768xf32"}},
      {"nn.gather %0, %1 {axis = 0 : i64}", {"3000x768xf32", "128xi64"}, {"128x768xf32"}},
      {"nn.concat %0, %1 {axis = 3 : i64}", {"1x28x28x96xf32", "1x28x28x32xf32"}, {"1x28x28x128xf32"}},
      {"nn.resize nearest asymmetric nearest_floor %0 {scales = array<f64: 0., 0., 0., 0.>, roi = array<f64>}",
       {"1x40x40x96xf32"},
       {"1x40x40x96xf32"}},
      {"nn.resize nearest asymmetric nearest_floor %0 {scales = array<f64: 1., 2., 2., 1.>, roi = array<f64>}",
       {"1x40x40x96xf32"},
       {"1x80x80x96xf32"}},
      {"nn.resize linear half_pixel round_prefer_floor %0 {scales = array<f64: 1., 2., 2., 1.>, roi = array<f64>}",
       {"1x40x40x96xf32"},
       {"1x80x80x96xf32"}},
      {"nn.pad constant %0 {low = affine_map<() -> (0, 1, 1, 0)>}", {"1x56x56x64xf32"}, {"1x58x58x64xf32"}},
      {"nn.cast %0", {"128x768xf16"}, {"128x768xf32"}},
  };
  for (const Sized &sized : cases) {
    RunOptions options{.relative = 1e-4, .absolute = 1e-5};
    options.fill = [](unsigned, lathe::reference::Tensor &tensor) {
      for (int64_t i = 0; tensor.elementType().isInteger(64) && i < tensor.size(); ++i)
        tensor.mutableData<int64_t>()[i] = i * 37 % 3000;
      return tensor.elementType().isInteger(64);
    };
    CHECK(runCase(oneOp(sized.text, sized.inputs, sized.outputs), options) == "");
  }
}
