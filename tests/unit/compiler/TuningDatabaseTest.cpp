#include "compiler/tune/TuningDatabase.h"
#include "compiler/tune/OperationText.h"
#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <catch2/catch_test_macros.hpp>

using namespace lathe;

namespace {
constexpr const char *header = "lathe tuning database, version 1\n";

TuningDatabase parsed(const std::string &lines) {
  return llvm::cantFail(TuningDatabase::parse(header + lines, "test.txt"));
}

std::string problemOf(const std::string &text) {
  auto database = TuningDatabase::parse(text, "test.txt");
  return database ? "" : llvm::toString(database.takeError());
}
} // namespace

TEST_CASE("a tuning database is written sorted, whatever the order it was read in") {
  std::string first = "znver4 avx2 | 1 | a b -> f(0,1) | conv tile=6,2,8 | 10.50 | 12.00\n",
              second = "znver4 avx2 | 2 | a b -> f(0,1) | conv tile=4,3,8 | 7.00 | 7.00\n";
  CHECK(parsed(second + first).toText() == header + first + second);
  CHECK(parsed("").toText() == header);
  const TuningEntry *entry = parsed(first).find({"znver4 avx2", 1, "a b -> f(0,1)"});
  REQUIRE(entry);
  CHECK(entry->choice == "conv tile=6,2,8");
  CHECK(entry->timeUs == 10.5);
  CHECK(entry->modelTimeUs == 12);
  CHECK(!parsed(first).find({"znver4 avx2", 2, "a b -> f(0,1)"}));
}

TEST_CASE("of two entries for one operation the faster one stays") {
  std::string slow = "c | 1 | f | gemm tile=1,1,8 | 9.00 | 9.00\n",
              fast = "c | 1 | f | gemm tile=2,1,8 | 8.00 | 9.00\n",
              other = "d | 1 | f | gemm tile=2,1,8 | 99.00 | 99.00\n";
  TuningDatabase one = parsed(slow + other), two = parsed(fast), backwards = two;
  one.merge(two);
  backwards.merge(parsed(slow + other));
  CHECK(one.toText() == header + fast + other);
  CHECK(backwards.toText() == one.toText());
  CHECK(parsed(slow + fast + other).toText() == one.toText()); // as version control may join files
}

TEST_CASE("a library's plan has a line of its own") {
  std::string own = "c | 1 | f | conv tile=6,2,8 | 9.00 | 10.00\n",
              slow = "c | 1 | f | onednn_conv rows=2 | 8.00 | 9.00\n",
              fast = "c | 1 | f | onednn_conv rows=4 | 7.00 | 9.00\n";
  TuningDatabase both = parsed(slow + own + fast), old = parsed(own);
  CHECK(both.toText() == header + own + fast);
  REQUIRE(both.find({"c", 1, "f"}));
  CHECK(both.find({"c", 1, "f"})->choice == "conv tile=6,2,8");
  REQUIRE(both.find({"c", 1, "f", true}));
  CHECK(both.find({"c", 1, "f", true})->timeUs == 7);
  CHECK(!old.find({"c", 1, "f", true}));
  old.merge(both);
  CHECK(old.toText() == both.toText());
}

TEST_CASE("times are kept as a file keeps them") {
  TuningDatabase database;
  database.set({"c", 1, "f"}, {"map", 1.23456, 0.0001});
  CHECK(parsed("c | 1 | f | map | 1.23 | 0.01\n").toText() == database.toText());
  CHECK(database.find({"c", 1, "f"})->timeUs == 1.23);
}

TEST_CASE("bad lines of a tuning database are named") {
  CHECK(problemOf("") == "test.txt:1: expects 'lathe tuning database, version 1', got ''");
  CHECK(problemOf("lathe tuning database, version 2\n") ==
        "test.txt:1: expects 'lathe tuning database, version 1', got 'lathe tuning database, version 2'");
  auto problem = [](const std::string &line) {
    return problemOf(header + std::string("c | 1 | f | p | 1.0 | 1.0\n") + line);
  };
  CHECK(problem("c | 1 | f | p | 1.0") == "test.txt:3: expects 6 fields between ' | ', got 5");
  CHECK(problem("\nc | 1 | f | p | 1.0 | 1.0") == "test.txt:3: expects 6 fields between ' | ', got 1");
  CHECK(problem("c | 0 | f | p | 1.0 | 1.0") == "test.txt:3: expects a number of threads, got '0'");
  CHECK(problem("c | one | f | p | 1.0 | 1.0") == "test.txt:3: expects a number of threads, got 'one'");
  for (const char *time : {"fast", "nan", "inf", "-1", "0", ""})
    CHECK(problem(std::string("c | 1 | f | p | ") + time + " | 1.0") ==
          std::string("test.txt:3: expects a time in microseconds, got '") + time + "'");
  CHECK(problem("c | 1 |  | p | 1.0 | 1.0") ==
        "test.txt:3: expects a CPU, an operation and a plan, got an empty field");
}

TEST_CASE("an operation's text has what its time depends on") {
  mlir::MLIRContext context;
  context.loadDialect<mlir::func::FuncDialect, nn::NNDialect>();
  auto textOf = [&](const char *body, std::vector<bool> isConstant) {
    std::string text =
        std::string(
            "func.func @f(%a: tensor<4x8xf32>, %b: tensor<8x6xf32>, %c: tensor<6xf32>) -> tensor<4x6xf32> {\n") +
        body + "\nreturn %r : tensor<4x6xf32>\n}";
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    REQUIRE(module);
    auto function = *module->getOps<mlir::func::FuncOp>().begin();
    llvm::SmallVector<bool> flags(isConstant.begin(), isConstant.end());
    return operationText(&function.getBody().front().front(), flags);
  };
  const char *product = "%r = nn.matmul %a, %b : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>";
  CHECK(textOf(product, {false, true}) == "4x8xf32 =8x6xf32 -> matmul(0,1):4x6xf32");
  CHECK(textOf(product, {false, false}) == "4x8xf32 8x6xf32 -> matmul(0,1):4x6xf32");
  const char *fused =
      R"(%r = nn.fused "epilogue" (%a, %b, %c) : (tensor<4x8xf32>, tensor<8x6xf32>, tensor<6xf32>) -> (tensor<4x6xf32>) {
  ^bb0(%x: tensor<4x8xf32>, %y: tensor<8x6xf32>, %z: tensor<6xf32>):
    %p = nn.matmul %x, %y : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>
    %s = nn.binary add %p, %z : (tensor<4x6xf32>, tensor<6xf32>) -> tensor<4x6xf32>
    %u = nn.unary leaky_relu %s {alpha = 0.5} : (tensor<4x6xf32>) -> tensor<4x6xf32>
    nn.yield %u : tensor<4x6xf32>
  })";
  CHECK(textOf(fused, {false, true, true}) == "4x8xf32 =8x6xf32 =6xf32 -> matmul(0,1):4x6xf32 binary(3,2){kind=add} "
                                              "unary(4){alpha=0.50,beta=0.00,kind=leaky_relu} -> 5");
}
