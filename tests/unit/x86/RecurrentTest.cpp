#include "tests/unit/x86/KernelRunner.h"
#include <catch2/catch_test_macros.hpp>

using namespace lathe::test;
using lathe::reference::Tensor;

namespace {
struct Cell {
  const char *name, *activations, *numbers;
  int gates;
};
constexpr Cell kCells[] = {{"rnn", "\"tanh\"", "0.0", 1},
                           {"gru", "\"sigmoid\", \"tanh\"", "0.0, 0.0", 3},
                           {"lstm", "\"sigmoid\", \"tanh\", \"tanh\"", "0.0, 0.0, 0.0", 4}};

struct CellCase {
  Cell cell;
  std::string direction = "forward", more = "";
  int steps = 6, batch = 3, inputs = 11, hidden = 19;
  bool hasWeights = false, hasOptional = true, hasLens = true;
  std::string type = "f32", activations = "";
  bool isInteger = false;

  int directions() const { return direction == "bidirectional" ? 2 : 1; }
};

/// The operation with its operands; optional ones are all there or none is.
std::string textOf(const CellCase &k) {
  auto shape = [&](std::initializer_list<int> dims) {
    std::string text;
    for (int dim : dims)
      text += std::to_string(dim) + "x";
    return text + k.type;
  };
  const int d = k.directions(), rows = k.cell.gates * k.hidden;
  std::vector<std::string> inputs, outputs{shape({k.steps, d, k.batch, k.hidden}), shape({d, k.batch, k.hidden})};
  std::string text = std::string("nn.recurrent ") + k.cell.name + " " + k.direction + " ";
  auto operand = [&](const std::string &word, const std::string &type) {
    text += word + " %" + std::to_string(inputs.size()) + " ";
    inputs.push_back(type);
  };
  operand("", shape({k.steps, k.batch, k.hasWeights ? k.inputs : d * rows}));
  if (k.hasWeights)
    operand("weights", shape({d, rows, k.inputs}));
  std::string matrices = shape({d, rows, k.hidden});
  operand("recurrence", k.isInteger ? matrices.substr(0, matrices.size() - k.type.size()) + "i8" : matrices);
  const bool isLstm = k.cell.name == std::string("lstm");
  if (k.hasOptional)
    operand("bias", shape({d, 2 * rows}));
  if (k.hasLens)
    operand("lens", std::to_string(k.batch) + "xi32");
  if (k.hasOptional)
    operand("h", shape({d, k.batch, k.hidden}));
  if (k.hasOptional && isLstm) {
    operand("c", shape({d, k.batch, k.hidden}));
    operand("peepholes", shape({d, 3 * k.hidden}));
  }
  if (k.isInteger)
    operand("scale", shape({d, rows}));
  if (isLstm)
    outputs.push_back(outputs.back());
  std::string names = k.activations.empty() ? k.cell.activations : k.activations, numbers = k.cell.numbers;
  if (d == 2) {
    names += ", " + names;
    numbers += ", " + numbers;
  }
  text += "{activations = [" + names + "], alphas = array<f64: " + numbers + ">, betas = array<f64: " + numbers + ">" +
          k.more + "}";
  return oneOp(text, inputs, outputs);
}

/// All 255 integers in turn.
void fillIntegers(Tensor &tensor) {
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.mutableData<int8_t>()[i] = int8_t(i * 101 % 255 - 127);
}
/// So that products are about as large as those of f32; no two neighbours are the same.
void fillScales(Tensor &tensor) {
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.mutableData<float>()[i] = float(1 + i % 5) / 1000;
}

/// Sequences get shorter, down to nothing.
RunOptions optionsOf(const CellCase &k) {
  RunOptions options{.relative = 1e-4, .absolute = 1e-5, .low = -0.5, .high = 0.5};
  unsigned lens = 2 + k.hasWeights + k.hasOptional;
  unsigned recurrence = 1 + k.hasWeights, optional = k.cell.name == std::string("lstm") ? 4 : 2;
  unsigned scale = recurrence + 1 + k.hasLens + (k.hasOptional ? optional : 0);
  options.fill = [=, steps = k.steps, hasLens = k.hasLens, isInteger = k.isInteger](unsigned number, Tensor &tensor) {
    if (isInteger && (number == recurrence || number == scale)) {
      number == scale ? fillScales(tensor) : fillIntegers(tensor);
      return true;
    }
    if (!hasLens || number != lens)
      return false;
    for (int64_t i = 0; i < tensor.size(); ++i)
      tensor.mutableData<int32_t>()[i] = int32_t(std::max<int64_t>(steps - 2 * i, 0));
    return true;
  };
  return options;
}

/// The kernel of rounds: recurrence packed.
std::string runSteps(const CellCase &k) {
  RunOptions options = optionsOf(k);
  options.constants = {1};
  options.expectedKind = "recurrent_steps";
  return runCase(textOf(k), options);
}
} // namespace

TEST_CASE("recurrent cells, a sequence at a time") {
  for (const Cell &cell : kCells)
    for (const char *direction : {"forward", "backward", "bidirectional"})
      for (const char *more : {"", ", clip = 0.5 : f64", ", linear_before_reset", ", input_forget"})
        for (bool hasWeights : {false, true}) {
          CellCase k{.cell = cell, .direction = direction, .more = more, .hasWeights = hasWeights};
          RunOptions options = optionsOf(k);
          options.expectedKind = "recurrent";
          CHECK(runCase(textOf(k), options) == "");
        }
}

TEST_CASE("recurrent cells, steps as rounds") {
  for (const Cell &cell : kCells)
    for (const char *direction : {"forward", "backward", "bidirectional"})
      for (const char *more : {"", ", clip = 0.5 : f64", ", linear_before_reset", ", input_forget"})
        for (bool hasOptional : {false, true})
          CHECK(runSteps({.cell = cell,
                          .direction = direction,
                          .more = more,
                          .hasOptional = hasOptional,
                          .hasLens = hasOptional}) == "");
}

TEST_CASE("recurrent cells, steps as rounds: sizes") {
  for (const Cell &cell : kCells)
    for (int hidden : {1, 8, 33, 64})
      for (int batch : {1, 2, 4, 7, 13})
        CHECK(runSteps({.cell = cell,
                        .direction = "bidirectional",
                        .more = hidden % 2 ? "" : ", linear_before_reset",
                        .steps = batch == 1 ? 1 : 4,
                        .batch = batch,
                        .hidden = hidden,
                        .hasOptional = batch % 2 == 1,
                        .hasLens = hidden % 2 == 1}) == "");
}

TEST_CASE("recurrent cells, steps as rounds: any number of steps and rows") {
  const char *text = R"(
    #x = affine_map<()[s0, s1] -> (s0, s1, 40)>
    #y = affine_map<()[s0, s1] -> (s0, 1, s1, 10)>
    #h = affine_map<()[s0, s1] -> (1, s1, 10)>
    func.func @f(%0: tensor<?x?x40xf32, #x>, %1: tensor<1x40x10xf32>)
        -> (tensor<?x1x?x10xf32, #y>, tensor<1x?x10xf32, #h>, tensor<1x?x10xf32, #h>)
        attributes {nn.symbols = [{name = "t", kind = "input_dim", input = 0 : i64, index = 0 : i64},
                                  {name = "b", kind = "input_dim", input = 0 : i64, index = 1 : i64}]} {
      %r:3 = nn.recurrent lstm forward %0 recurrence %1 {activations = ["sigmoid", "tanh", "tanh"],
          alphas = array<f64: 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0>} : (tensor<?x?x40xf32, #x>, tensor<1x40x10xf32>)
          -> (tensor<?x1x?x10xf32, #y>, tensor<1x?x10xf32, #h>, tensor<1x?x10xf32, #h>)
      return %r#0, %r#1, %r#2 : tensor<?x1x?x10xf32, #y>, tensor<1x?x10xf32, #h>, tensor<1x?x10xf32, #h>
    })";
  for (int64_t batch : {0, 1, 2, 3, 4, 5, 6, 7, 14}) {
    RunOptions options{.relative = 1e-4, .absolute = 1e-5, .low = -0.5, .high = 0.5};
    options.shapes = {{batch % 4, batch, 40}, {1, 40, 10}};
    options.constants = {1};
    options.expectedKind = "recurrent_steps";
    CHECK(runCase(text, options) == "");
  }
}

TEST_CASE("recurrent cells, steps as rounds: AVX-512") {
  for (const Cell &cell : kCells)
    for (const char *more : {"", ", linear_before_reset"}) {
      CellCase k{.cell = cell, .direction = "bidirectional", .more = more, .batch = 7};
      RunOptions options = optionsOf(k);
      options.constants = {1};
      options.cpu = "x86-64-v4/native";
      options.expectedKind = "recurrent_steps";
      CHECK(runCase(textOf(k), options) == "");
    }
}

TEST_CASE("recurrent cells, steps as rounds: no step gives the initial state") {
  for (const Cell &cell : kCells)
    for (bool hasOptional : {false, true})
      CHECK(runSteps({.cell = cell, .steps = 0, .hasOptional = hasOptional, .hasLens = false}) == "");
}

TEST_CASE("recurrent cells, steps as rounds: activations") {
  for (const char *activation : {"affine", "elu", "hard_sigmoid", "leaky_relu", "relu", "softplus", "softsign",
                                 "thresholded_relu", "sigmoid", "tanh"}) {
    std::string name = "\"" + std::string(activation) + "\"";
    CHECK(runSteps({.cell = {"rnn", "", "0.3", 1}, .direction = "bidirectional", .activations = name}) == "");
  }
}

TEST_CASE("recurrent cells, integer weights") {
  for (const Cell &cell : kCells)
    for (const char *direction : {"backward", "bidirectional"})
      for (const char *more : {"", ", linear_before_reset"})
        for (bool hasOptional : {false, true}) {
          CellCase k{.cell = cell, .direction = direction, .more = more, .hasOptional = hasOptional, .isInteger = true};
          RunOptions options = optionsOf(k);
          options.expectedKind = "recurrent";
          CHECK(runCase(textOf(k), options) == "");
          for (int batch : {1, 4, 13}) {
            k.batch = batch;
            CHECK(runSteps(k) == "");
          }
        }
}

TEST_CASE("recurrent cells, integer weights: AVX-512") {
  for (const Cell &cell : kCells) {
    CellCase k{.cell = cell, .direction = "bidirectional", .batch = 7, .isInteger = true};
    RunOptions options = optionsOf(k);
    options.constants = {1};
    options.cpu = "x86-64-v4/native";
    options.expectedKind = "recurrent_steps";
    CHECK(runCase(textOf(k), options) == "");
  }
}
