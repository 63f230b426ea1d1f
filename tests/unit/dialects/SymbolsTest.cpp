#include "dialects/support/Symbols.h"
#include "mlir/IR/Builders.h"
#include <catch2/catch_test_macros.hpp>

using namespace mlir;
using namespace lathe;

TEST_CASE("tensor types carry sizes only where they are dynamic") {
  MLIRContext context;
  Builder b(&context);
  AffineExpr n = b.getAffineSymbolExpr(1);
  CHECK(!makeTensorType({dimConstant(&context, 2), dimConstant(&context, 3)}, b.getF32Type()).getEncoding());
  RankedTensorType type = makeTensorType({n + 0, n * 2 - n * 2 + 5}, b.getF32Type());
  CHECK(type.getShape() == ArrayRef<int64_t>{ShapedType::kDynamic, 5});
  CHECK(hasSymbolicDims(type));
  CHECK(dimExprs(type)[0] == n);
  CHECK(cast<AffineMapAttr>(type.getEncoding()).getValue().getNumSymbols() == 2);
  CHECK(!hasSymbolicDims(RankedTensorType::get({ShapedType::kDynamic}, b.getF32Type())));
}

TEST_CASE("sizes that overflow or divide by zero have no value") {
  MLIRContext context;
  Builder b(&context);
  AffineExpr s0 = b.getAffineSymbolExpr(0), s1 = b.getAffineSymbolExpr(1);
  CHECK(evaluateDim(s0.floorDiv(s1) + 1, {7, 2}) == 4);
  CHECK(evaluateDim(s0.floorDiv(s1), {-7, 2}) == -4);
  CHECK(evaluateDim(s0.ceilDiv(s1), {7, 2}) == 4);
  CHECK(evaluateDim(s0 % s1, {-7, 3}) == 2);
  CHECK(!evaluateDim(s0.floorDiv(s1), {7, 0}));
  CHECK(!evaluateDim(s0 * s1, {INT64_MAX, 2}));
  CHECK(!evaluateDim(s1, {7}));
}

TEST_CASE("derived symbols") {
  MLIRContext context;
  Builder b(&context);
  AffineExpr x = b.getAffineSymbolExpr(0), y = b.getAffineSymbolExpr(1);
  auto value = [&](DerivedKind kind, SmallVector<AffineExpr, 3> operands, ArrayRef<int64_t> symbols) {
    Symbol symbol{"d", SymbolKind::derived};
    symbol.derived = kind;
    symbol.operands = operands;
    symbol.scale = 1.5;
    return evaluateDerived(symbol, symbols);
  };
  CHECK(value(DerivedKind::minimum, {x, y}, {3, 2}) == 2);
  CHECK(value(DerivedKind::maximum, {x, y}, {3, 2}) == 3);
  CHECK(value(DerivedKind::selectNonNegative, {x, x, x + y}, {-3, 10}) == 7);
  CHECK(value(DerivedKind::selectZero, {x, y, x}, {0, 9}) == 9);
  CHECK(value(DerivedKind::floorScaled, {x}, {5}) == 7);
  CHECK(!value(DerivedKind::minimum, {x}, {5}));
}

TEST_CASE("symbols and constraints survive as attributes") {
  MLIRContext context;
  context.loadDialect<func::FuncDialect>();
  Builder b(&context);
  auto function = func::FuncOp::create(b.getUnknownLoc(), "main", b.getFunctionType({}, {}));
  Symbols symbols;
  AffineExpr n = symbols.add({"n", SymbolKind::inputDim, 2, 1}, &context);
  Symbol derived{"", SymbolKind::derived};
  derived.derived = DerivedKind::maximum;
  derived.operands = {n, dimConstant(&context, 4)};
  AffineExpr d = symbols.add(derived, &context);
  CHECK(symbols.add(derived, &context) == d); // an equal one is found again
  symbols.require(n, d, "Add_1");
  symbols.require(d, n, "Add_2"); // known already
  symbols.require(n, n + 0, "Add_3");
  symbols.store(function);
  Symbols loaded = Symbols::of(function);
  REQUIRE(loaded.symbols.size() == 2);
  CHECK(loaded.symbols[0].input == 2);
  CHECK(loaded.symbols[1].operands == derived.operands);
  REQUIRE(loaded.constraints.size() == 1);
  CHECK(loaded.constraints[0].reason == "Add_1");
  function.erase();
}
