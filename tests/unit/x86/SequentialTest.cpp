#include "tests/unit/x86/KernelRunner.h"
#include <catch2/catch_test_macros.hpp>

using namespace lathe::test;
using lathe::reference::Tensor;

namespace {
RunOptions indicesBelow(int64_t size) {
  RunOptions options;
  options.fill = [=](unsigned number, Tensor &tensor) {
    for (int64_t i = 0; number == 1 && i < tensor.size(); ++i)
      tensor.mutableData<int64_t>()[i] = (i * 7 + 3) % size - (i % 3 == 0 ? size : 0);
    return number == 1;
  };
  return options;
}
} // namespace

TEST_CASE("running sums and products") {
  for (const char *kind : {"cum_sum", "cum_prod"})
    for (const char *axis : {"0", "1", "2"})
      for (const char *mode : {"exclusive = false, reverse = false", "exclusive = true, reverse = false",
                               "exclusive = true, reverse = true"})
        for (const char *type : {"f32", "i32", "f64"}) {
          std::string t = std::string("5x9x4x") + type;
          std::string text = std::string("nn.cumulative ") + kind + " %0 {axis = " + axis + " : i64, " + mode + "}";
          CHECK(runCase(oneOp(text, {t}, {t}), {.relative = 1e-5, .low = 0, .high = 3}) == "");
        }
}

TEST_CASE("scatters") {
  for (const char *reduction : {"none", "scatter_add", "scatter_mul", "scatter_max", "scatter_min"})
    for (const char *type : {"f32", "i32"}) {
      std::string t = type, mode = std::string("reduction = #nn<scatter_reduction ") + reduction + ">}";
      CHECK(runCase(oneOp("nn.scatter_elements %0, %1, %2 {axis = 1 : i64, " + mode,
                          {"4x9x" + t, "4x5xi64", "4x5x" + t}, {"4x9x" + t}),
                    indicesBelow(9)) == "");
      CHECK(
          runCase(oneOp("nn.scatter_nd %0, %1, %2 {" + mode, {"9x9x6x" + t, "2x3x2xi64", "2x3x6x" + t}, {"9x9x6x" + t}),
                  indicesBelow(9)) == "");
    }
}

TEST_CASE("top-k") {
  for (const char *largest : {"true", "false"})
    for (const char *type : {"f32", "i32", "ui8", "f16"}) {
      std::string t = type;
      std::string text = std::string("nn.top_k %0 {axis = 1 : i64, largest = ") + largest + "}";
      CHECK(runCase(oneOp(text, {"4x50x3x" + t}, {"4x7x3x" + t, "4x7x3xi64"}), {.low = 0, .high = 20}) == "");
      CHECK(runCase(oneOp(text, {"4x50x" + t}, {"4x50x" + t, "4x50xi64"})) == "");
    }
}

TEST_CASE("recurrent cells") {
  struct Cell {
    const char *name, *activations, *numbers;
    int gates;
  };
  const Cell cells[] = {{"rnn", "\"tanh\"", "0.0", 1},
                        {"gru", "\"sigmoid\", \"tanh\"", "0.0, 0.0", 3},
                        {"lstm", "\"sigmoid\", \"tanh\", \"tanh\"", "0.0, 0.0, 0.0", 4}};
  for (const Cell &cell : cells)
    for (const char *direction : {"forward", "backward", "bidirectional"})
      for (const char *more : {"", ", clip = 0.5 : f64", ", linear_before_reset", ", input_forget"}) {
        bool isBoth = direction == std::string("bidirectional");
        std::string d = isBoth ? "2x" : "1x", rows = std::to_string(cell.gates * 19) + "x", f = "f32";
        std::string names = cell.activations, numbers = cell.numbers;
        if (isBoth) {
          names += ", " + names;
          numbers += ", " + numbers;
        }
        std::vector<std::string> inputs{"6x3x11x" + f,
                                        d + rows + "11x" + f,
                                        d + rows + "19x" + f,
                                        d + std::to_string(2 * cell.gates * 19) + "x" + f,
                                        "3xi32",
                                        d + "3x19x" + f};
        std::vector<std::string> outputs{"6x" + d + "3x19x" + f, d + "3x19x" + f};
        std::string text =
            std::string("nn.recurrent ") + cell.name + " " + direction + " %0, %1, %2 bias %3 lens %4 h %5";
        if (cell.name == std::string("lstm")) {
          inputs.push_back(d + "3x19x" + f);
          inputs.push_back(d + "57x" + f);
          outputs.push_back(d + "3x19x" + f);
          text += " c %6 peepholes %7";
        }
        text += " {activations = [" + names + "], alphas = array<f64: " + numbers + ">, betas = array<f64: " + numbers +
                ">" + more + "}";
        RunOptions options{.relative = 1e-4, .absolute = 1e-5, .low = -0.5, .high = 0.5};
        options.fill = [](unsigned number, Tensor &tensor) {
          for (int64_t i = 0; number == 4 && i < tensor.size(); ++i)
            tensor.mutableData<int32_t>()[i] = int32_t(6 - 2 * i);
          return number == 4;
        };
        CHECK(runCase(oneOp(text, inputs, outputs), options) == "");
      }
}

TEST_CASE("coordinates of non-zeros") {
  RunOptions options;
  options.fill = [](unsigned, Tensor &tensor) {
    for (int64_t i = 0; i < tensor.size(); ++i)
      tensor.mutableData<float>()[i] = i % 4 ? 0.0f : -1.0f;
    return true;
  };
  CHECK(runCase(oneOp("nn.non_zero %0", {"5x7xf32"}, {"2x9xi64"}), options) == "");
  // One column too few: an error, and nothing is written outside.
  CHECK(runForCode(oneOp("nn.non_zero %0", {"5x7xf32"}, {"2x8xi64"}), options) == 5);
}
