//===- Expr.h - integer expressions of a manifest ---------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_ARTIFACT_EXPR_H
#define LATHE_RUNTIME_ARTIFACT_EXPR_H

#include "manifest_generated.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace lathe::runtime {

/// The value of an expression or symbol; none when it can't be computed
/// (overflow, division by zero, or a part of it is none).
using Value = std::optional<int64_t>;

/// Operands on the stack that an expression may need at once.
inline constexpr unsigned maxExprDepth = 64;

/// Number of values that an operation takes from the stack.
unsigned exprOperands(artifact::ExprCode code);

/// What is wrong with a postfix code, or null: stack under- and overflow,
/// unknown codes, numbers of symbols out of range, references that don't point
/// to an earlier expression than number `self`.
const char *findExprFault(const artifact::Expr &expr, uint32_t self, size_t symbolCount);

/// Value of an expression without fault (findExprFault).
Value evaluate(const artifact::Expr &expr, std::span<const Value> symbols, std::span<const Value> exprs);

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_ARTIFACT_EXPR_H
