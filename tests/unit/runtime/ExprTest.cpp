// Expressions of a manifest: values, overflow, what is refused.
#include "runtime/src/artifact/Expr.h"

#include "tests/support/TestArtifact.h"

#include <catch2/catch_test_macros.hpp>
#include <limits>

using namespace lathe;
using namespace lathe::runtime;
using artifact::ExprCode;
using test::Op;

namespace {

constexpr int64_t minInt = std::numeric_limits<int64_t>::min();
constexpr int64_t maxInt = std::numeric_limits<int64_t>::max();

/// An expression in a buffer of its own.
class Built {
public:
  Built(const std::vector<Op> &ops) {
    std::vector<artifact::ExprOp> code;
    for (Op op : ops)
      code.emplace_back(op.code, op.value);
    builder.Finish(artifact::CreateExprDirect(builder, &code));
  }
  const artifact::Expr &get() const { return *flatbuffers::GetRoot<artifact::Expr>(builder.GetBufferPointer()); }

private:
  flatbuffers::FlatBufferBuilder builder;
};

Value valueOf(const std::vector<Op> &ops, const std::vector<Value> &symbols = {},
              const std::vector<Value> &exprs = {}) {
  Built built(ops);
  REQUIRE(findExprFault(built.get(), static_cast<uint32_t>(exprs.size()), symbols.size()) == nullptr);
  return evaluate(built.get(), symbols, exprs);
}

Value binary(ExprCode code, int64_t a, int64_t b) {
  return valueOf({{ExprCode::Const, a}, {ExprCode::Const, b}, {code}});
}

const char *faultOf(const std::vector<Op> &ops, uint32_t self = 0, size_t symbols = 0) {
  Built built(ops);
  return findExprFault(built.get(), self, symbols);
}

} // namespace

TEST_CASE("expressions: arithmetic") {
  CHECK(binary(ExprCode::Add, 2, 3) == 5);
  CHECK(binary(ExprCode::Sub, 2, 3) == -1);
  CHECK(binary(ExprCode::Mul, -2, 3) == -6);
  CHECK(binary(ExprCode::FloorDiv, 7, 2) == 3);
  CHECK(binary(ExprCode::FloorDiv, -7, 2) == -4);
  CHECK(binary(ExprCode::FloorDiv, 7, -2) == -4);
  CHECK(binary(ExprCode::CeilDiv, 7, 2) == 4);
  CHECK(binary(ExprCode::CeilDiv, -7, 2) == -3);
  CHECK(binary(ExprCode::CeilDiv, -7, -2) == 4);
  CHECK(binary(ExprCode::Mod, -7, 3) == 2);
  CHECK(binary(ExprCode::Mod, 7, -3) == -2);
  CHECK(binary(ExprCode::Mod, minInt, -1) == 0);
  CHECK(binary(ExprCode::Quot, -7, 2) == -3);
  CHECK(binary(ExprCode::Min, -7, 2) == -7);
  CHECK(binary(ExprCode::Max, -7, 2) == 2);
  CHECK(valueOf({{ExprCode::Const, 5}, {ExprCode::Neg}}) == -5);
}

TEST_CASE("expressions: truth values") {
  CHECK(binary(ExprCode::Eq, 2, 2) == 1);
  CHECK(binary(ExprCode::Ne, 2, 2) == 0);
  CHECK(binary(ExprCode::Lt, 2, 3) == 1);
  CHECK(binary(ExprCode::Le, 3, 2) == 0);
  CHECK(binary(ExprCode::And, 5, 0) == 0);
  CHECK(binary(ExprCode::Or, 5, 0) == 1);
  CHECK(valueOf({{ExprCode::Const, 5}, {ExprCode::Not}}) == 0);
  CHECK(valueOf({{ExprCode::Const, 1}, {ExprCode::Const, 7}, {ExprCode::Const, 8}, {ExprCode::Select}}) == 7);
  CHECK(valueOf({{ExprCode::Const, 0}, {ExprCode::Const, 7}, {ExprCode::Const, 8}, {ExprCode::Select}}) == 8);
}

TEST_CASE("expressions: symbols and references") {
  CHECK(valueOf({{ExprCode::Symbol, 1}, {ExprCode::Ref, 0}, {ExprCode::Sub}}, {3, 10}, {4}) == 6);
}

TEST_CASE("expressions: what can't be computed has no value") {
  CHECK_FALSE(binary(ExprCode::Add, maxInt, 1));
  CHECK_FALSE(binary(ExprCode::Sub, minInt, 1));
  CHECK_FALSE(binary(ExprCode::Mul, maxInt, 2));
  for (ExprCode code : {ExprCode::FloorDiv, ExprCode::CeilDiv, ExprCode::Quot}) {
    CHECK_FALSE(binary(code, 1, 0));
    CHECK_FALSE(binary(code, minInt, -1));
  }
  CHECK_FALSE(binary(ExprCode::Mod, 1, 0));
  CHECK_FALSE(valueOf({{ExprCode::Const, minInt}, {ExprCode::Neg}}));
  CHECK_FALSE(valueOf({{ExprCode::Symbol, 0}, {ExprCode::Const, 1}, {ExprCode::Add}}, {std::nullopt}));
}

TEST_CASE("expressions: only the side that a select takes needs a value") {
  std::vector<Op> ops = {{ExprCode::Symbol, 0}, {ExprCode::Const, 7}, {ExprCode::Symbol, 1}, {ExprCode::Select}};
  CHECK(valueOf(ops, {1, std::nullopt}) == 7);
  CHECK_FALSE(valueOf(ops, {0, std::nullopt}));
}

TEST_CASE("expressions: faults are found before use") {
  CHECK(faultOf({}) == std::string("does not give one value"));
  CHECK(faultOf({{ExprCode::Const, 1}, {ExprCode::Const, 2}}) == std::string("does not give one value"));
  CHECK(faultOf({{ExprCode::Const, 1}, {ExprCode::Add}}) == std::string("missing operand"));
  CHECK(faultOf({{ExprCode::Symbol, 1}}, 0, 1) == std::string("unknown symbol"));
  CHECK(faultOf({{ExprCode::Symbol, -1}}, 0, 1) == std::string("unknown symbol"));
  CHECK(faultOf({{ExprCode::Ref, 2}}, 2) == std::string("reference to a later expression"));
  CHECK(faultOf({{static_cast<ExprCode>(200)}}) == std::string("unknown operation"));
  CHECK(faultOf(std::vector<Op>(100, {ExprCode::Const, 1})) == std::string("too many operands"));
}
