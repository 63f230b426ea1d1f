//===- Expr.cpp - integer expressions of a manifest -----------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/artifact/Expr.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace lathe::runtime {

using artifact::ExprCode;

static constexpr int64_t minInt = std::numeric_limits<int64_t>::min();

unsigned exprOperands(ExprCode code) {
  switch (code) {
  case ExprCode::Const:
  case ExprCode::Symbol:
  case ExprCode::Ref:
    return 0;
  case ExprCode::Neg:
  case ExprCode::Not:
  case ExprCode::FloorScale:
    return 1;
  case ExprCode::Select:
    return 3;
  default:
    return 2;
  }
}

const char *findExprFault(const artifact::Expr &expr, uint32_t self, size_t symbolCount) {
  // The verifier of FlatBuffers looks at the alignment of the count only.
  if (reinterpret_cast<uintptr_t>(expr.code()->Data()) % alignof(artifact::ExprOp) != 0)
    return "misaligned operations";
  unsigned depth = 0;
  for (const artifact::ExprOp *op : *expr.code()) {
    if (op->code() > ExprCode::MAX)
      return "unknown operation";
    uint64_t number = static_cast<uint64_t>(op->value());
    if (op->code() == ExprCode::Symbol && number >= symbolCount)
      return "unknown symbol";
    if (op->code() == ExprCode::Ref && number >= self)
      return "reference to a later expression";
    unsigned operands = exprOperands(op->code());
    if (depth < operands)
      return "missing operand";
    depth += 1 - operands;
    if (depth > maxExprDepth)
      return "too many operands";
  }
  return depth == 1 ? nullptr : "does not give one value";
}

static Value floorDiv(int64_t a, int64_t b) {
  if (b == 0 || (a == minInt && b == -1))
    return std::nullopt;
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static Value ceilDiv(int64_t a, int64_t b) {
  if (b == 0 || (a == minInt && b == -1))
    return std::nullopt;
  return a / b + (a % b != 0 && (a < 0) == (b < 0));
}

static Value mod(int64_t a, int64_t b) {
  if (b == 0)
    return std::nullopt;
  if (b == -1)
    return 0;
  int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static Value quot(int64_t a, int64_t b) {
  if (b == 0 || (a == minInt && b == -1))
    return std::nullopt;
  return a / b;
}

static Value applyBinary(ExprCode code, int64_t a, int64_t b) {
  int64_t result;
  switch (code) {
  case ExprCode::Add:
    return __builtin_add_overflow(a, b, &result) ? Value() : result;
  case ExprCode::Sub:
    return __builtin_sub_overflow(a, b, &result) ? Value() : result;
  case ExprCode::Mul:
    return __builtin_mul_overflow(a, b, &result) ? Value() : result;
  case ExprCode::FloorDiv:
    return floorDiv(a, b);
  case ExprCode::CeilDiv:
    return ceilDiv(a, b);
  case ExprCode::Mod:
    return mod(a, b);
  case ExprCode::Quot:
    return quot(a, b);
  case ExprCode::Min:
    return std::min(a, b);
  case ExprCode::Max:
    return std::max(a, b);
  case ExprCode::Eq:
    return a == b;
  case ExprCode::Ne:
    return a != b;
  case ExprCode::Lt:
    return a < b;
  case ExprCode::Le:
    return a <= b;
  case ExprCode::And:
    return a && b;
  case ExprCode::Or:
    return a || b;
  default:
    return std::nullopt;
  }
}

static Value applyUnary(ExprCode code, int64_t a) {
  if (code == ExprCode::Not)
    return a == 0;
  return a == minInt ? Value() : -a;
}

static Value floorScale(Value a, int64_t scaleBits) {
  if (!a)
    return std::nullopt;
  double result = std::floor(static_cast<double>(*a) * std::bit_cast<double>(scaleBits));
  return std::abs(result) < 9.2e18 ? Value(static_cast<int64_t>(result)) : std::nullopt;
}

/// Applies an operation to its operands, the first of which is `args[0]`. Only
/// the taken side of a Select must have a value.
static Value applyOp(ExprCode code, const Value *args) {
  if (code == ExprCode::Select)
    return args[0] ? (*args[0] ? args[1] : args[2]) : Value();
  if (!args[0] || (exprOperands(code) == 2 && !args[1]))
    return std::nullopt;
  return exprOperands(code) == 2 ? applyBinary(code, *args[0], *args[1]) : applyUnary(code, *args[0]);
}

Value evaluate(const artifact::Expr &expr, std::span<const Value> symbols, std::span<const Value> exprs) {
  Value stack[maxExprDepth + 1];
  unsigned depth = 0;
  for (const artifact::ExprOp *op : *expr.code()) {
    depth -= exprOperands(op->code());
    Value *top = stack + depth++;
    if (op->code() == ExprCode::Const)
      *top = op->value();
    else if (op->code() == ExprCode::Symbol)
      *top = symbols[static_cast<size_t>(op->value())];
    else if (op->code() == ExprCode::Ref)
      *top = exprs[static_cast<size_t>(op->value())];
    else if (op->code() == ExprCode::FloorScale)
      *top = floorScale(*top, op->value());
    else
      *top = applyOp(op->code(), top);
  }
  return stack[0];
}

} // namespace lathe::runtime
