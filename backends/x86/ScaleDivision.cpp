#include "backends/x86/ScaleDivision.h"
#include <cmath>

namespace lathe::x86 {

namespace {
/// Are they equal for floats around `x`? Neither quotient is off by more than 2 units of the last place.
bool areEqualAround(const ScaleDivision &division, float scale, float x) {
  constexpr int neighbors = 8;
  float near = x;
  for (int i = 0; i < neighbors; ++i)
    near = std::nextafter(near, -INFINITY);
  for (int i = 0; i <= 2 * neighbors; ++i, near = std::nextafter(near, INFINITY))
    if (std::nearbyint(near / scale) != std::nearbyint(division(near)))
      return false;
  return true;
}
} // namespace

float ScaleDivision::operator()(float x) const { return std::fma(x, inverse, x * rest); }

std::optional<ScaleDivision> ScaleDivision::of(float scale) {
  constexpr float smallest = 0x1p-60f, largest = 0x1p60f; // nothing below underflows or overflows
  if (!(scale >= smallest && scale <= largest))
    return std::nullopt;
  float inverse = 1.0f / scale;
  // The fused multiplication leaves what the rounded inverse lacks.
  ScaleDivision division{inverse, -std::fma(inverse, scale, -1.0f) / scale};
  for (int i = 0; i < kMost; ++i) {
    auto middle = float((i + 0.5) * double(scale));
    if (!areEqualAround(division, scale, middle) || !areEqualAround(division, scale, -middle))
      return std::nullopt;
  }
  return division;
}

} // namespace lathe::x86
