// Binding of input shapes: symbols, and a message for everything that doesn't
// fit.
#include "tests/unit/runtime/Check.h"

using namespace lathe::test;
using namespace lathe::artifact;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Input {
  std::vector<int64_t> shape;
  int32_t dtype = LATHE_F32;
};

/// Message of asking for the memory of a run at these shapes.
std::string bindText(const Opened &opened, const std::vector<Input> &inputs) {
  std::vector<lathe_tensor_t> tensors;
  for (const Input &input : inputs)
    tensors.push_back({nullptr, 0, input.shape.data(), static_cast<uint32_t>(input.shape.size()), input.dtype, 0});
  lathe_memory_needs_t needs = LATHE_MEMORY_NEEDS_INIT;
  return textOf(lathe_artifact_memory(opened.artifact.get(), tensors.data(), tensors.size(), &needs));
}

} // namespace

TEST_CASE("shapes: memory is known before running") {
  Opened opened(makeAdder());
  std::vector<int64_t> shape = {10, 4};
  std::vector<lathe_tensor_t> inputs(2, {nullptr, 0, shape.data(), 2, LATHE_F32, 0});
  lathe_memory_needs_t needs = LATHE_MEMORY_NEEDS_INIT;
  REQUIRE(textOf(lathe_artifact_memory(opened.artifact.get(), inputs.data(), 2, &needs)) == "");
  CHECK(needs.arena_bytes == 10 * 4 * 4);
  CHECK(needs.output_bytes == 10 * 4 * 4);
  CHECK(needs.weights_bytes == 4 * 4);
  CHECK(needs.is_exact == 1);
}

TEST_CASE("shapes: what doesn't fit is named") {
  Opened opened(makeAdder());
  CHECK(bindText(opened, {{{2, 4}}, {{2, 4}}}) == "");
  CHECK(bindText(opened, {{{2, 4}}}) == "expects 2 inputs, got 1");
  CHECK(bindText(opened, {{{2, 4}, LATHE_I64}, {{2, 4}}}) == "input 'a' expects dtype f32, got i64");
  CHECK(bindText(opened, {{{2, 4}, 99}, {{2, 4}}}) == "input 'a' expects dtype f32, got an unknown one");
  CHECK(bindText(opened, {{{2, 4}}, {{2}}}) == "input 'b' expects rank 2, got 1");
  CHECK(bindText(opened, {{{2, 5}}, {{2, 4}}}) == "input 'a' axis 1 (d1) expects 4, got 5");
  CHECK(bindText(opened, {{{2, 4}}, {{3, 4}}}) == "input 'b' axis 0 (d0) expects 2, got 3");
  CHECK(bindText(opened, {{{0, 4}}, {{0, 4}}}) == "input 'a' axis 0 (batch) expects 1 to 1000, got 0");
  CHECK(bindText(opened, {{{1001, 4}}, {{1001, 4}}}) == "input 'a' axis 0 (batch) expects 1 to 1000, got 1001");
  CHECK(bindText(opened, {{{-2, 4}}, {{-2, 4}}}) == "input 'a' has a negative or too large size");
  CHECK(bindText(opened, {{{int64_t(1) << 62, 4}}, {{2, 4}}}) == "input 'a' has a negative or too large size");
}

TEST_CASE("shapes: constraints give the compiler's message") {
  TestModel model = makeAdder();
  auto constraint = std::make_unique<ConstraintT>();
  constraint->expr = model.expr({{ExprCode::Symbol, 0}, {ExprCode::Const, 2}, {ExprCode::Mod}, {ExprCode::Not}});
  constraint->message = "node 'reshape_1': expects batch to be even";
  model.program().constraints.push_back(std::move(constraint));
  Opened opened(model);
  CHECK(bindText(opened, {{{2, 4}}, {{2, 4}}}) == "");
  CHECK(bindText(opened, {{{3, 4}}, {{3, 4}}}) == "node 'reshape_1': expects batch to be even, got batch = 3");
}

TEST_CASE("shapes: overflow is an error") {
  TestModel model = makeAdder();
  model.program().memory->arena_bytes = model.expr({{ExprCode::Symbol, 0},
                                                    {ExprCode::Const, 1},
                                                    {ExprCode::Sub},
                                                    {ExprCode::Const, INT64_MAX / 2},
                                                    {ExprCode::Mul},
                                                    {ExprCode::Const, 16},
                                                    {ExprCode::Add}});
  Opened opened(model);
  CHECK(bindText(opened, {{{1, 4}}, {{1, 4}}}) == "");
  CHECK(bindText(opened, {{{2, 4}}, {{2, 4}}}) ==
        "sizes are too large or negative for these input shapes: got 4611686018427387919");
  CHECK(bindText(opened, {{{4, 4}}, {{4, 4}}}) == "sizes overflow for these input shapes");
}

TEST_CASE("shapes: a symbol can be read from an input's elements") {
  TestModel model;
  auto symbol = std::make_unique<SymbolT>();
  symbol->name = "k";
  symbol->kind = SymbolKind::InputValue;
  symbol->element = 1;
  symbol->min = 0;
  model.program().symbols.push_back(std::move(symbol));
  uint32_t two = model.constant(2), k = model.symbol(0);
  model.addInput("sizes", DType::I32, {two});
  model.addOutput("y", DType::U8, {k});
  model.addBuffer(BufferKind::Input, 0, model.constant(8));
  model.addBuffer(BufferKind::Output, 0, k);
  Opened opened(model);

  std::vector<int32_t> sizes = {1, 33};
  std::vector<int64_t> shape = {2};
  lathe_tensor_t input = tensorOf(sizes, shape, LATHE_I32);
  lathe_memory_needs_t needs = LATHE_MEMORY_NEEDS_INIT;
  REQUIRE(textOf(lathe_artifact_memory(opened.artifact.get(), &input, 1, &needs)) == "");
  CHECK(needs.output_bytes == 33);
  sizes[1] = -1;
  CHECK(textOf(lathe_artifact_memory(opened.artifact.get(), &input, 1, &needs)) ==
        "input 'sizes' element 1 (k) expects at least 0, got -1");
  input.data = nullptr;
  CHECK(textOf(lathe_artifact_memory(opened.artifact.get(), &input, 1, &needs)) == "input 'sizes' has no data");
}
