#include "compiler/import/ContentRules.h"
#include <cmath>

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

Content exact(AffineExpr expr) { return {simplifyDim(expr), 1.0}; }
Content truth(bool value, MLIRContext *context) { return {dimConstant(context, value), 1.0}; }

/// Constants beyond the integers of int64 are not followed.
MaybeContent number(double value, MLIRContext *context) {
  if (!std::isfinite(value))
    return std::nullopt;
  if (value == std::floor(value) && std::abs(value) < 9e15)
    return Content{dimConstant(context, int64_t(value)), 1.0};
  return Content{dimConstant(context, 1), value};
}

MaybeContent integerDivide(AffineExpr lhs, AffineExpr rhs, Symbols &symbols) {
  auto a = constantDim(lhs), b = constantDim(rhs);
  if (b == 0)
    return std::nullopt;
  if (a && b)
    return exact(dimConstant(lhs.getContext(), *a / *b));
  // Truncation is the floor where nothing is negative.
  if (rangeOf(lhs, symbols).min < 0 || rangeOf(rhs, symbols).min < 0)
    return std::nullopt;
  return exact(lhs.floorDiv(rhs));
}

MaybeContent compare(BinaryKind kind, AffineExpr lhs, AffineExpr rhs, Symbols &symbols) {
  DimRange difference = rangeOf(simplifyDim(lhs - rhs), symbols);
  MLIRContext *context = lhs.getContext();
  bool isAbove = difference.min > 0, isBelow = difference.max < 0, isEqual = lhs == rhs;
  bool notBelow = difference.min >= 0 || isEqual, notAbove = difference.max <= 0 || isEqual;
  auto decide = [&](bool yes, bool no) { return yes || no ? MaybeContent(truth(yes, context)) : std::nullopt; };
  switch (kind) {
  case BinaryKind::equal:
    return decide(isEqual || (notBelow && notAbove), isAbove || isBelow);
  case BinaryKind::less:
    return decide(isBelow, notBelow);
  case BinaryKind::less_equal:
    return decide(notAbove, isAbove);
  case BinaryKind::greater:
    return decide(isAbove, notAbove);
  default:
    return decide(notBelow, isBelow);
  }
}

MaybeContent integerBinary(BinaryKind kind, AffineExpr a, AffineExpr b, Symbols &symbols) {
  auto x = constantDim(a), y = constantDim(b);
  switch (kind) {
  case BinaryKind::add:
    return exact(a + b);
  case BinaryKind::sub:
    return exact(a - b);
  case BinaryKind::mul:
    return exact(a * b);
  case BinaryKind::div:
    return integerDivide(a, b, symbols);
  case BinaryKind::mod:
    if (rangeOf(b, symbols).min <= 0)
      return std::nullopt;
    return exact(a % b);
  case BinaryKind::min:
    return exact(smaller(a, b, symbols));
  case BinaryKind::max:
    return exact(larger(a, b, symbols));
  case BinaryKind::logical_and:
    return x == 0 || y == 0 ? MaybeContent(truth(false, a.getContext()))
           : x && y         ? MaybeContent(truth(true, a.getContext()))
                            : std::nullopt;
  case BinaryKind::logical_or:
    return (x && *x) || (y && *y) ? MaybeContent(truth(true, a.getContext()))
           : x && y               ? MaybeContent(truth(false, a.getContext()))
                                  : std::nullopt;
  default:
    return kind >= BinaryKind::equal ? compare(kind, a, b, symbols) : std::nullopt;
  }
}

MaybeContent floatBinary(BinaryKind kind, const Content &a, const Content &b) {
  MLIRContext *context = a.expr.getContext();
  auto x = a.number(), y = b.number();
  switch (kind) {
  case BinaryKind::add:
  case BinaryKind::sub: {
    double sign = kind == BinaryKind::add ? 1 : -1;
    if (x && y)
      return number(*x + sign * *y, context);
    if (a.factor != 1.0 || b.factor != 1.0)
      return std::nullopt;
    return exact(a.expr + b.expr * int64_t(sign));
  }
  case BinaryKind::mul:
    if (x && y)
      return number(*x * *y, context);
    return Content{simplifyDim(a.expr * b.expr), a.factor * b.factor};
  case BinaryKind::div:
    if (y && *y != 0)
      return x ? number(*x / *y, context) : MaybeContent(Content{a.expr, a.factor / *y});
    // A multiple: the scale of Resize from a size that is twice another.
    if (auto times = y ? std::nullopt : constantDim(exactQuotient(a.expr, b.expr));
        times && simplifyDim(b.expr * *times) == a.expr)
      return number(double(*times) * a.factor / b.factor, context);
    return std::nullopt;
  case BinaryKind::min:
  case BinaryKind::max:
    if (x && y)
      return number(kind == BinaryKind::min ? std::fmin(*x, *y) : std::fmax(*x, *y), context);
    return std::nullopt;
  default:
    return std::nullopt;
  }
}

} // namespace

MaybeContent applyBinary(BinaryKind kind, const Content &lhs, const Content &rhs, bool isFloat, Symbols &symbols) {
  if (isFloat && kind < BinaryKind::equal)
    return floatBinary(kind, lhs, rhs);
  if (lhs.factor != 1.0 || rhs.factor != 1.0)
    return std::nullopt;
  return integerBinary(kind, lhs.expr, rhs.expr, symbols);
}

MaybeContent applyUnary(UnaryKind kind, const Content &input, Symbols &symbols) {
  auto value = input.number();
  MLIRContext *context = input.expr.getContext();
  switch (kind) {
  case UnaryKind::neg:
    return Content{simplifyDim(-input.expr), input.factor};
  case UnaryKind::abs:
  case UnaryKind::relu:
    if (input.factor > 0 && rangeOf(input.expr, symbols).min >= 0)
      return input;
    return std::nullopt;
  case UnaryKind::floor:
    if (value)
      return number(std::floor(*value), context);
    return exact(scaledFloor(input.expr, input.factor, symbols));
  case UnaryKind::ceil:
    if (value)
      return number(std::ceil(*value), context);
    return exact(-scaledFloor(-input.expr, input.factor, symbols));
  case UnaryKind::round:
    return input.factor == 1.0 ? MaybeContent(input) : std::nullopt;
  case UnaryKind::logical_not:
    return value ? MaybeContent(truth(*value == 0, context)) : std::nullopt;
  default:
    return std::nullopt;
  }
}

MaybeContent applyCast(const Content &input, Type from, Type to, Symbols &symbols) {
  auto value = input.number();
  MLIRContext *context = input.expr.getContext();
  if (to.isInteger(1)) {
    if (value)
      return truth(*value != 0, context);
    DimRange range = rangeOf(input.expr, symbols);
    return range.min > 0 || range.max < 0 ? MaybeContent(truth(true, context)) : std::nullopt;
  }
  if (isa<FloatType>(to) || input.factor == 1.0)
    return input;
  if (value)
    return std::abs(*value) < 9e15 ? number(std::trunc(*value), context) : std::nullopt;
  if (input.factor < 0 || rangeOf(input.expr, symbols).min < 0)
    return std::nullopt;
  return exact(scaledFloor(input.expr, input.factor, symbols));
}

MaybeContent applyReduce(ReduceKind kind, ArrayRef<Content> inputs, Symbols &symbols, MLIRContext *context) {
  if (kind != ReduceKind::sum && kind != ReduceKind::prod && kind != ReduceKind::max && kind != ReduceKind::min)
    return std::nullopt;
  if (inputs.empty())
    return kind == ReduceKind::sum || kind == ReduceKind::prod
               ? MaybeContent(exact(dimConstant(context, kind == ReduceKind::prod)))
               : std::nullopt;
  BinaryKind step = kind == ReduceKind::sum    ? BinaryKind::add
                    : kind == ReduceKind::prod ? BinaryKind::mul
                    : kind == ReduceKind::max  ? BinaryKind::max
                                               : BinaryKind::min;
  MaybeContent result = inputs.front();
  for (const Content &input : inputs.drop_front()) {
    if (result)
      result = applyBinary(step, *result, input, /*isFloat=*/false, symbols);
  }
  return result;
}

} // namespace lathe::importer
