#include "compiler/import/DimMath.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <numeric>

using namespace mlir;

namespace lathe::importer {

namespace {

/// coefficient * product of factors
struct Monomial {
  int64_t coefficient = 1;
  SmallVector<AffineExpr> factors;
};

void collectTerms(AffineExpr expr, SmallVectorImpl<AffineExpr> &terms) {
  if (expr.getKind() != AffineExprKind::Add)
    return terms.push_back(expr);
  collectTerms(cast<AffineBinaryOpExpr>(expr).getLHS(), terms);
  collectTerms(cast<AffineBinaryOpExpr>(expr).getRHS(), terms);
}

Monomial factorize(AffineExpr expr);

void multiply(Monomial &into, const Monomial &by) {
  into.coefficient *= by.coefficient;
  into.factors.append(by.factors);
}

/// A sum is its common factors times the rest.
Monomial factorizeSum(AffineExpr expr) {
  SmallVector<AffineExpr> terms;
  collectTerms(expr, terms);
  SmallVector<Monomial> parts;
  for (AffineExpr term : terms)
    parts.push_back(factorize(term));
  Monomial common = parts.front();
  common.coefficient = std::abs(common.coefficient);
  for (const Monomial &part : ArrayRef(parts).drop_front()) {
    common.coefficient = std::gcd(common.coefficient, part.coefficient);
    SmallVector<AffineExpr> rest(part.factors), kept;
    for (AffineExpr factor : common.factors)
      if (auto *it = llvm::find(rest, factor); it != rest.end()) {
        rest.erase(it);
        kept.push_back(factor);
      }
    common.factors = kept;
  }
  AffineExpr sum = getAffineConstantExpr(0, expr.getContext());
  for (Monomial &part : parts) {
    for (AffineExpr factor : common.factors)
      part.factors.erase(llvm::find(part.factors, factor));
    AffineExpr term =
        getAffineConstantExpr(common.coefficient ? part.coefficient / common.coefficient : 0, expr.getContext());
    for (AffineExpr factor : part.factors)
      term = term * factor;
    sum = sum + term;
  }
  common.factors.push_back(simplifyDim(sum));
  return common;
}

Monomial factorize(AffineExpr expr) {
  if (auto constant = constantDim(expr))
    return {*constant, {}};
  if (expr.getKind() == AffineExprKind::Add)
    return factorizeSum(expr);
  if (expr.getKind() != AffineExprKind::Mul)
    return {1, {expr}};
  Monomial product = factorize(cast<AffineBinaryOpExpr>(expr).getLHS());
  multiply(product, factorize(cast<AffineBinaryOpExpr>(expr).getRHS()));
  return product;
}

AffineExpr build(const Monomial &monomial, MLIRContext *context) {
  AffineExpr product = getAffineConstantExpr(monomial.coefficient, context);
  for (AffineExpr factor : monomial.factors)
    product = product * factor;
  return simplifyDim(product);
}

} // namespace

AffineExpr exactQuotient(AffineExpr numerator, AffineExpr denominator) {
  MLIRContext *context = numerator.getContext();
  numerator = simplifyDim(numerator);
  denominator = simplifyDim(denominator);
  if (constantDim(denominator) == 0)
    return getAffineConstantExpr(0, context);
  Monomial above = factorize(numerator), below = factorize(denominator);
  SmallVector<AffineExpr> rest;
  for (AffineExpr factor : below.factors)
    if (auto *it = llvm::find(above.factors, factor); it != above.factors.end())
      above.factors.erase(it);
    else
      rest.push_back(factor);
  int64_t common = std::gcd(above.coefficient, below.coefficient);
  if (common == 0)
    return numerator;
  below.factors = rest;
  above.coefficient /= common;
  below.coefficient /= common;
  AffineExpr divisor = build(below, context), dividend = build(above, context);
  return constantDim(divisor) == 1 ? dividend : simplifyDim(dividend.floorDiv(divisor));
}

//===- bounds -===//

namespace {

int64_t clampedAdd(int64_t a, int64_t b) {
  int64_t result;
  return llvm::AddOverflow(a, b, result) ? (a < 0 ? INT64_MIN : INT64_MAX) : result;
}
int64_t clampedMul(int64_t a, int64_t b) {
  int64_t result;
  return llvm::MulOverflow(a, b, result) ? ((a < 0) == (b < 0) ? INT64_MAX : INT64_MIN) : result;
}

/// Derived symbols carry the bounds that were found when they were made.
DimRange symbolRange(const Symbol &symbol) {
  if (symbol.kind == SymbolKind::inputValue)
    return {symbol.min > 0 ? symbol.min : INT64_MIN, symbol.max};
  return {symbol.min, symbol.max};
}

DimRange mulRange(DimRange a, DimRange b) {
  int64_t corners[] = {clampedMul(a.min, b.min), clampedMul(a.min, b.max), clampedMul(a.max, b.min),
                       clampedMul(a.max, b.max)};
  return {*std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4)};
}

} // namespace

DimRange rangeOf(AffineExpr expr, const Symbols &symbols) {
  if (auto constant = constantDim(expr))
    return {*constant, *constant};
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbol.getPosition() < symbols.symbols.size() ? symbolRange(symbols.symbols[symbol.getPosition()])
                                                         : DimRange();
  auto binary = cast<AffineBinaryOpExpr>(expr);
  DimRange a = rangeOf(binary.getLHS(), symbols), b = rangeOf(binary.getRHS(), symbols);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return {clampedAdd(a.min, b.min), clampedAdd(a.max, b.max)};
  case AffineExprKind::Mul:
    return mulRange(a, b);
  case AffineExprKind::Mod:
    return {0, b.max == INT64_MAX ? b.max : b.max - 1};
  default: // floordiv, ceildiv
    if (b.min <= 0)
      return {};
    return {a.min < 0 ? a.min : 0,
            a.max == INT64_MAX ? a.max : std::max<int64_t>(0, llvm::divideCeilSigned(a.max, b.min))};
  }
}

namespace {
DimRange derivedRange(DerivedKind kind, ArrayRef<AffineExpr> operands, double scale, const Symbols &symbols) {
  if (kind == DerivedKind::floorScaled)
    return {rangeOf(operands[0], symbols).min >= 0 && scale >= 0 ? 0 : INT64_MIN, INT64_MAX};
  DimRange a = rangeOf(operands[operands.size() - 2], symbols), b = rangeOf(operands.back(), symbols);
  if (kind == DerivedKind::minimum)
    return {std::min(a.min, b.min), std::min(a.max, b.max)};
  if (kind == DerivedKind::maximum)
    return {std::max(a.min, b.min), std::max(a.max, b.max)};
  return {std::min(a.min, b.min), std::max(a.max, b.max)};
}

AffineExpr derive(DerivedKind kind, ArrayRef<AffineExpr> operands, Symbols &symbols, double scale = 1.0) {
  Symbol symbol;
  symbol.kind = SymbolKind::derived;
  symbol.derived = kind;
  symbol.scale = scale;
  for (AffineExpr operand : operands)
    symbol.operands.push_back(simplifyDim(operand));
  DimRange range = derivedRange(kind, symbol.operands, scale, symbols);
  symbol.min = range.min;
  symbol.max = range.max;
  return symbols.add(std::move(symbol), operands.front().getContext());
}
} // namespace

AffineExpr smaller(AffineExpr lhs, AffineExpr rhs, Symbols &symbols) {
  DimRange difference = rangeOf(simplifyDim(lhs - rhs), symbols), a = rangeOf(lhs, symbols), b = rangeOf(rhs, symbols);
  if (difference.max <= 0 || a.max <= b.min)
    return lhs;
  if (difference.min >= 0 || b.max <= a.min)
    return rhs;
  return derive(DerivedKind::minimum, {lhs, rhs}, symbols);
}

AffineExpr larger(AffineExpr lhs, AffineExpr rhs, Symbols &symbols) {
  DimRange difference = rangeOf(simplifyDim(lhs - rhs), symbols), a = rangeOf(lhs, symbols), b = rangeOf(rhs, symbols);
  if (difference.min >= 0 || a.min >= b.max)
    return lhs;
  if (difference.max <= 0 || b.min >= a.max)
    return rhs;
  return derive(DerivedKind::maximum, {lhs, rhs}, symbols);
}

AffineExpr selectNonNegative(AffineExpr condition, AffineExpr lhs, AffineExpr rhs, Symbols &symbols) {
  DimRange range = rangeOf(simplifyDim(condition), symbols);
  if (range.min >= 0 || lhs == rhs)
    return lhs;
  return range.max < 0 ? rhs : derive(DerivedKind::selectNonNegative, {condition, lhs, rhs}, symbols);
}

AffineExpr selectZero(AffineExpr condition, AffineExpr lhs, AffineExpr rhs, Symbols &symbols) {
  DimRange range = rangeOf(simplifyDim(condition), symbols);
  if ((range.min == 0 && range.max == 0) || lhs == rhs)
    return lhs;
  return range.min > 0 || range.max < 0 ? rhs : derive(DerivedKind::selectZero, {condition, lhs, rhs}, symbols);
}

AffineExpr scaledFloor(AffineExpr expr, double scale, Symbols &symbols) {
  auto constant = constantDim(expr);
  double inverse = scale != 0 ? 1 / scale : 0;
  if (constant)
    return getAffineConstantExpr(int64_t(std::floor(double(*constant) * scale)), expr.getContext());
  if (scale == std::floor(scale) && std::abs(scale) < 1e9)
    return simplifyDim(expr * int64_t(scale));
  if (inverse > 0 && inverse < 1e9 && inverse == std::floor(inverse) && 1 / inverse == scale)
    return simplifyDim(expr.floorDiv(int64_t(inverse)));
  return derive(DerivedKind::floorScaled, {expr}, symbols, scale);
}

} // namespace lathe::importer
