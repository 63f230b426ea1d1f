// The vector functions whose errors are stated.
#pragma once

#include <span>

namespace lathe::test {

/// A function of nn.unary beside its exact value.
struct VectorFunction {
  const char *name; // kind and attributes of nn.unary
  double (*exact)(double x);
  double low, high; // where the limit holds
  double limitUlps; // in units in the last place of the exact value
  /// Errors where the exact value is smaller than so many times |x| are in units of that, for functions that are x times a number
  /// which they add up.
  double share = 0;
  /// Exact values below this one in magnitude may be missed by as much as they are, so that 0 will do.
  double negligible = 0;
};

std::span<const VectorFunction> vectorFunctions();

} // namespace lathe::test
