//===- MathTable.cpp - functions that kernels may call --------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/executor/MathTable.h"

#include <cmath>

namespace lathe::runtime {
namespace {

/// lgamma writes a global (the sign); this is the form that doesn't.
double threadSafeLgamma(double x) {
  int sign;
  return lgamma_r(x, &sign);
}

/// In the order of lathe_unary_index.
constexpr lathe_unary_fn unary[] = {
    ::exp,  ::exp2, ::expm1, ::log,  ::log2,  ::log10, ::log1p, ::sin, ::cos,  ::tan,    ::asin,           ::acos,
    ::atan, ::sinh, ::cosh,  ::tanh, ::asinh, ::acosh, ::atanh, ::erf, ::erfc, ::tgamma, threadSafeLgamma, ::cbrt,
};
static_assert(sizeof(unary) / sizeof(unary[0]) == LATHE_UNARY_COUNT);

/// In the order of lathe_binary_index.
constexpr lathe_binary_fn binary[] = {::pow, ::fmod, ::remainder, ::atan2};
static_assert(sizeof(binary) / sizeof(binary[0]) == LATHE_BINARY_COUNT);

constexpr lathe_kernel_api api = {sizeof(lathe_kernel_api), LATHE_KERNEL_ABI_VERSION, unary, binary};

} // namespace

const lathe_kernel_api &kernelApi() { return api; }

} // namespace lathe::runtime
