// Functions with inputs: symbols are bound from sizes and contents, promises are checked.
#include "dialects/reference/Evaluate.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace mlir;
using namespace lathe::reference;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A parsed module with one function.
struct Program {
  MLIRContext context;
  OwningOpRef<ModuleOp> module;

  explicit Program(const char *text) {
    context.loadDialect<lathe::nn::NNDialect, func::FuncDialect>();
    module = parseSourceString<ModuleOp>(text, &context);
    REQUIRE(module);
  }
  func::FuncOp function() { return *module->getOps<func::FuncOp>().begin(); }
  Tensor i64(ArrayRef<int64_t> shape, ArrayRef<int64_t> values) {
    return Tensor::borrow(RankedTensorType::get(shape, IntegerType::get(&context, 64)), values.data());
  }
  std::string messageOf(ArrayRef<Tensor> inputs) {
    auto results = evaluateFunction(function(), inputs);
    return results ? "" : llvm::toString(results.takeError());
  }
};

/// Doubles a vector of `n` in 1..4 elements; the second input has as many, plus one.
const char *doubling = R"(
func.func @main(%a: tensor<?xi64, affine_map<()[s0] -> (s0)>>, %b: tensor<?xi64, affine_map<()[s0, s1] -> (s1)>>)
    -> tensor<?xi64, affine_map<()[s0] -> (s0 * 2)>> attributes {nn.symbols = [
    {name = "n", kind = "input_dim", input = 0 : i64, index = 0 : i64, min = 1 : i64, max = 4 : i64},
    {name = "m", kind = "input_dim", input = 1 : i64, index = 0 : i64, min = 0 : i64, max = 9 : i64}],
    nn.constraints = [{equal = affine_map<()[s0, s1] -> (s0 + 1, s1)>, reason = "Add_3"}]} {
  %r = nn.concat %a, %a {axis = 0 : i64} : (tensor<?xi64, affine_map<()[s0] -> (s0)>>, tensor<?xi64, affine_map<()[s0] -> (s0)>>)
      -> tensor<?xi64, affine_map<()[s0] -> (s0 * 2)>>
  return %r : tensor<?xi64, affine_map<()[s0] -> (s0 * 2)>>
})";

/// Reshapes to the sizes that the second input holds.
const char *reshaping = R"(
func.func @main(%a: tensor<6xi64>, %s: tensor<2xi64>) -> tensor<?x?xi64, affine_map<()[s0, s1] -> (s0, s1)>>
    attributes {nn.symbols = [
    {name = "h", kind = "input_value", input = 1 : i64, index = 0 : i64, min = 0 : i64, max = 9 : i64},
    {name = "w", kind = "input_value", input = 1 : i64, index = 1 : i64, min = 0 : i64, max = 9 : i64}]} {
  %r = nn.reshape %a : (tensor<6xi64>) -> tensor<?x?xi64, affine_map<()[s0, s1] -> (s0, s1)>>
  return %r : tensor<?x?xi64, affine_map<()[s0, s1] -> (s0, s1)>>
})";

} // namespace

TEST_CASE("sizes of inputs bind symbols") {
  Program program(doubling);
  int64_t a[] = {7, 8}, b[] = {0, 0, 0};
  auto results = evaluateFunction(program.function(), {program.i64({2}, a), program.i64({3}, b)});
  REQUIRE(bool(results));
  CHECK((*results)[0].integers() == SmallVector<int64_t>{7, 8, 7, 8});
}

TEST_CASE("what a function promises of its inputs is checked") {
  Program program(doubling);
  int64_t v[8] = {};
  auto vector = [&](int64_t size) { return program.i64({size}, v); };
  CHECK_THAT(program.messageOf({vector(2), vector(2)}), ContainsSubstring("Add_3: expects equal sizes, got 3 and 2"));
  CHECK_THAT(program.messageOf({vector(5), vector(6)}), ContainsSubstring("expects n to be in [1, 4], got 5"));
  CHECK_THAT(program.messageOf({vector(2)}), ContainsSubstring("expects 2 inputs, got 1"));
  CHECK_THAT(program.messageOf({program.i64({1, 2}, v), vector(3)}), ContainsSubstring("expects input 0 to be"));
}

TEST_CASE("contents of inputs bind symbols") {
  Program program(reshaping);
  int64_t a[] = {1, 2, 3, 4, 5, 6}, good[] = {3, 2}, bad[] = {4, 2};
  auto results = evaluateFunction(program.function(), {program.i64({6}, a), program.i64({2}, good)});
  REQUIRE(bool(results));
  CHECK((*results)[0].shape() == ArrayRef<int64_t>{3, 2});
  CHECK_THAT(program.messageOf({program.i64({6}, a), program.i64({2}, bad)}),
             ContainsSubstring("nn.reshape: expects 6 elements, got 8"));
}
