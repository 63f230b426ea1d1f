// Division by a scale that is known when a kernel is made, without the divider.
#pragma once

#include <optional>

namespace lathe::x86 {

/// x / scale as fma(x, inverse, x * rest): inverse and rest are the two floats whose sum is nearest to 1 / scale
/// (N. Brisebarre, J.-M. Muller, S. K. Raina, Accelerating correctly rounded floating-point division when the divisor is known in
/// advance, IEEE Transactions on Computers 53(8), 2004).
struct ScaleDivision {
  float inverse, rest;
  /// Quotients have to be below this: rounded, they are those of the division up to here.
  static constexpr int kMost = 512;

  /// Nothing if any quotient up to kMost, rounded to the nearest even integer, would differ from that of the division. All floats near
  /// the points where it changes are tried; elsewhere both errors are too small to matter.
  static std::optional<ScaleDivision> of(float scale);
  float operator()(float x) const;
};

} // namespace lathe::x86
