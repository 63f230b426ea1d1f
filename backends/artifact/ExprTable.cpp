#include "backends/artifact/ExprTable.h"
#include <bit>

using namespace mlir;

namespace lathe {

using artifact::ExprCode;

uint32_t ExprTable::intern(const Code &code) {
  auto [it, isNew] = known.try_emplace(code, exprs.size());
  if (isNew) {
    auto expr = std::make_unique<artifact::ExprT>();
    for (auto [op, value] : code)
      expr->code.emplace_back(op, value);
    exprs.push_back(std::move(expr));
  }
  return it->second;
}

uint32_t ExprTable::constant(int64_t value) { return intern({{ExprCode::Const, value}}); }

uint32_t ExprTable::binary(ExprCode code, uint32_t lhs, uint32_t rhs) {
  return intern({{ExprCode::Ref, lhs}, {ExprCode::Ref, rhs}, {code, 0}});
}

namespace {
ExprCode codeOf(AffineExprKind kind) {
  switch (kind) {
  case AffineExprKind::Add:
    return ExprCode::Add;
  case AffineExprKind::Mul:
    return ExprCode::Mul;
  case AffineExprKind::Mod:
    return ExprCode::Mod;
  case AffineExprKind::FloorDiv:
    return ExprCode::FloorDiv;
  default:
    return ExprCode::CeilDiv;
  }
}
} // namespace

uint32_t ExprTable::of(AffineExpr expr) {
  if (auto value = constantDim(expr))
    return constant(*value);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return intern({{ExprCode::Symbol, symbol.getPosition()}});
  auto parts = cast<AffineBinaryOpExpr>(expr);
  uint32_t lhs = of(parts.getLHS()), rhs = of(parts.getRHS());
  return binary(codeOf(expr.getKind()), lhs, rhs);
}

uint32_t ExprTable::add(uint32_t lhs, uint32_t rhs) { return binary(ExprCode::Add, lhs, rhs); }

uint32_t ExprTable::maximum(ArrayRef<uint32_t> values) {
  if (values.empty())
    return constant(0);
  uint32_t result = values.front();
  for (uint32_t value : values.drop_front())
    result = binary(ExprCode::Max, result, value);
  return result;
}

uint32_t ExprTable::alignUp(uint32_t expr, int64_t alignment) {
  return intern({{ExprCode::Ref, expr},
                 {ExprCode::Const, alignment},
                 {ExprCode::CeilDiv, 0},
                 {ExprCode::Const, alignment},
                 {ExprCode::Mul, 0}});
}

uint32_t ExprTable::equal(AffineExpr lhs, AffineExpr rhs) {
  uint32_t left = of(lhs), right = of(rhs);
  return binary(ExprCode::Eq, left, right);
}

uint32_t ExprTable::derived(const Symbol &symbol) {
  SmallVector<uint32_t> args;
  for (AffineExpr operand : symbol.operands)
    args.push_back(of(operand));
  args.resize(3, constant(0));
  switch (symbol.derived) {
  case DerivedKind::minimum:
    return binary(ExprCode::Min, args[0], args[1]);
  case DerivedKind::maximum:
    return binary(ExprCode::Max, args[0], args[1]);
  case DerivedKind::selectNonNegative: // a < 0 ? otherwise : value
    return intern({{ExprCode::Ref, args[0]},
                   {ExprCode::Const, 0},
                   {ExprCode::Lt, 0},
                   {ExprCode::Ref, args[2]},
                   {ExprCode::Ref, args[1]},
                   {ExprCode::Select, 0}});
  case DerivedKind::selectZero:
    return intern(
        {{ExprCode::Ref, args[0]}, {ExprCode::Ref, args[2]}, {ExprCode::Ref, args[1]}, {ExprCode::Select, 0}});
  case DerivedKind::floorScaled:
    return intern({{ExprCode::Ref, args[0]}, {ExprCode::FloorScale, std::bit_cast<int64_t>(symbol.scale)}});
  }
  return constant(0);
}

//===- Text -===//

namespace {
struct Text {
  std::string text;
  bool isSum = false;

  std::string factor() const { return isSum ? "(" + text + ")" : text; }
};

Text textOf(AffineExpr expr, ArrayRef<std::string> names) {
  if (auto value = constantDim(expr))
    return {std::to_string(*value)};
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
    unsigned position = symbol.getPosition();
    bool isNamed = position < names.size() && !names[position].empty();
    return {isNamed ? names[position] : "s" + std::to_string(position)};
  }
  auto parts = cast<AffineBinaryOpExpr>(expr);
  Text lhs = textOf(parts.getLHS(), names), rhs = textOf(parts.getRHS(), names);
  auto value = constantDim(parts.getRHS());
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    if (value && *value < 0)
      return {lhs.text + " - " + std::to_string(-uint64_t(*value)), true};
    return {lhs.text + " + " + rhs.text, true};
  case AffineExprKind::Mul: // affine expressions have the constant on the right, people on the left
    return {value ? rhs.factor() + "*" + lhs.factor() : lhs.factor() + "*" + rhs.factor()};
  case AffineExprKind::Mod:
    return {lhs.factor() + " mod " + rhs.factor(), true};
  case AffineExprKind::FloorDiv:
    return {lhs.factor() + "/" + rhs.factor(), true};
  default:
    return {"ceil(" + lhs.text + "/" + rhs.factor() + ")"};
  }
}
} // namespace

std::string dimText(AffineExpr expr, ArrayRef<std::string> names) { return textOf(expr, names).text; }

std::vector<std::string> symbolTexts(ArrayRef<Symbol> symbols) {
  std::vector<std::string> texts;
  for (const Symbol &symbol : symbols) {
    bool isMinimum = symbol.derived == DerivedKind::minimum, isMaximum = symbol.derived == DerivedKind::maximum;
    if (symbol.kind != SymbolKind::derived || !(isMinimum || isMaximum)) {
      texts.push_back(symbol.name);
      continue;
    }
    std::string operands = dimText(symbol.operands[0], texts) + ", " + dimText(symbol.operands[1], texts);
    texts.push_back((isMinimum ? "min(" : "max(") + operands + ")");
  }
  return texts;
}

} // namespace lathe
