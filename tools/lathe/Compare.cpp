//===- Compare.cpp - are two tensors the same? ----------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tools/lathe/Compare.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lathe::cli {
namespace {

template <typename T> T elementOf(const lathe_tensor_t &tensor, size_t index) {
  T value;
  std::memcpy(&value, static_cast<const char *>(tensor.data) + index * sizeof(T), sizeof(T));
  return value;
}

double fromF16(uint16_t bits) {
  double sign = bits & 0x8000 ? -1 : 1;
  int exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
  if (exponent == 31)
    return fraction ? NAN : sign * INFINITY;
  return sign * (exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24));
}

bool isFloat(int32_t dtype) { return dtype >= LATHE_F32 && dtype <= LATHE_BF16; }

double floatOf(const lathe_tensor_t &tensor, size_t index) {
  switch (tensor.dtype) {
  case LATHE_F32:
    return elementOf<float>(tensor, index);
  case LATHE_F64:
    return elementOf<double>(tensor, index);
  case LATHE_F16:
    return fromF16(elementOf<uint16_t>(tensor, index));
  default:
    return std::bit_cast<float>(static_cast<uint32_t>(elementOf<uint16_t>(tensor, index)) << 16);
  }
}

Difference compareFloats(const lathe_tensor_t &actual, const lathe_tensor_t &expected, size_t count, double rtol,
                         double atol) {
  double largest = 0, worst = 0;
  size_t worstIndex = 0;
  for (size_t i = 0; i < count; ++i) {
    double want = floatOf(expected, i), got = floatOf(actual, i);
    if (std::isfinite(want))
      largest = std::max(largest, std::abs(want));
    bool same = want == got || (std::isnan(want) && std::isnan(got));
    double error = same ? 0 : std::abs(want - got);
    error = std::isnan(error) ? INFINITY : error;
    if (error > worst) {
      worst = error;
      worstIndex = i;
    }
  }
  double limit = atol + rtol * largest;
  std::string text = fmt::format("largest difference {:.3g}, {:.3g} of the largest magnitude {:.3g}", worst,
                                 largest > 0 ? worst / largest : worst, largest);
  if (worst > limit)
    text += fmt::format("; at element {} expects {}, got {}", worstIndex, floatOf(expected, worstIndex),
                        floatOf(actual, worstIndex));
  return {worst <= limit, text};
}

Difference compareBytes(const lathe_tensor_t &actual, const lathe_tensor_t &expected, size_t count) {
  size_t bytes = actual.size_bytes / std::max<size_t>(count, 1), different = 0, first = 0;
  for (size_t i = count; i-- > 0;)
    if (std::memcmp(static_cast<const char *>(actual.data) + i * bytes,
                    static_cast<const char *>(expected.data) + i * bytes, bytes) != 0) {
      ++different;
      first = i;
    }
  if (different == 0)
    return {true, "equal"};
  return {false, fmt::format("{} of {} elements differ, the first is {}", different, count, first)};
}

} // namespace

Difference compare(const lathe_tensor_t &actual, const lathe_tensor_t &expected, double rtol, double atol) {
  auto dtypeName = [](int32_t dtype) { return lathe_dtype_name(static_cast<lathe_dtype_t>(dtype)); };
  if (actual.dtype != expected.dtype)
    return {false, fmt::format("expects dtype {}, got {}", dtypeName(expected.dtype), dtypeName(actual.dtype))};
  auto shapeOf = [](const lathe_tensor_t &tensor) {
    return std::vector<int64_t>(tensor.shape, tensor.shape + tensor.rank);
  };
  if (shapeOf(actual) != shapeOf(expected))
    return {false, fmt::format("expects shape {}, got {}", shapeOf(expected), shapeOf(actual))};
  size_t count = actual.size_bytes / lathe_dtype_bytes(static_cast<lathe_dtype_t>(actual.dtype));
  return isFloat(actual.dtype) ? compareFloats(actual, expected, count, rtol, atol)
                               : compareBytes(actual, expected, count);
}

} // namespace lathe::cli
