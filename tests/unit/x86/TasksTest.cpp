#include "backends/x86/Tasks.h"
#include "tests/unit/x86/KernelRunner.h"
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <fmt/format.h>

using namespace lathe;
using namespace lathe::test;

TEST_CASE("parts are of one size, and as many for each thread", "[tasks]") {
  using x86::evenParts;
  CHECK(evenParts(16, 3, {1, 16}, 1) == 4);
  CHECK(evenParts(28, 7, {7, 14}, 2) == 14); // 8 would be of 3 and 4 units
  CHECK(evenParts(64, 5, {1, 5}, 1) == 4);   // no more than 5
  CHECK(evenParts(14, 3, {3, 14}, 1) == 4);
  CHECK(evenParts(16, 3, {1, 3}, 2) == 2);
  CHECK(evenParts(9, 1, {1, 1}, 1) == 1);
  CHECK(evenParts(1, 1, {1, 0}, 4) == 1);
  CHECK(evenParts(64, 5, {5, 5}, 1) == 5);
}

namespace {
/// u8 x s8, as many rows as an input has.
std::string openProduct() {
  const std::string in = "tensor<?x64xui8, affine_map<()[s0] -> (s0, 64)>>",
                    out = "tensor<?x48xi32, affine_map<()[s0] -> (s0, 48)>>";
  return fmt::format("func.func @f(%0: {0}, %1: tensor<64x48xi8>) -> {1} attributes {{nn.symbols = [{{name = \"n\", "
                     "kind = \"input_dim\", input = 0 : i64, index = 0 : i64}}]}} "
                     "{{\n  %r = nn.matmul %0, %1 : ({0}, tensor<64x48xi8>) -> {1}\n  return %r : {1}\n}}\n",
                     in, out);
}

RunOptions withRows(int64_t rows) {
  RunOptions options;
  options.shapes = {{rows, 64}, {64, 48}};
  options.constants = {1};
  options.relative = options.absolute = 0;
  options.expectedKind = "integer_product";
  return options;
}
} // namespace

TEST_CASE("columns are cut where no rows have to be copied for each part", "[tasks]") {
  RunOptions options = withRows(48);
  options.knowsConstants = true;
  options.fill = [](unsigned, reference::Tensor &values) { // small weights: bytes are read where they are
    std::fill_n(values.mutableData<uint8_t>(), values.size(), uint8_t(1));
    return true;
  };
  CHECK(PreparedKernel(openProduct(), options).tasks() % 2 == 0);
}

TEST_CASE("an unknown number of rows is cut into an even number of tasks", "[tasks]") {
  for (int64_t rows : {0, 1, 5, 47, 48, 49, 96, 97, 145, 196, 256, 257}) {
    CAPTURE(rows);
    CHECK(runCase(openProduct(), withRows(rows)) == "");
    PreparedKernel kernel(openProduct(), withRows(rows));
    REQUIRE(kernel.problem == "");
    CHECK((kernel.tasks() <= 1 || kernel.tasks() % 2 == 0));
  }
}
