// Second moments of windows against sums that are written out.
#include "compiler/quantize/WindowMoments.h"
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <numeric>

using namespace lathe;
using Catch::Approx;

namespace {
std::vector<float> counted(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), -3.0f);
  return values;
}

/// Two groups of one channel, a window of 2 x 3, stride 2 and 1, dilation 1 and 2, a border of one above and left.
ProductWindows twoGroups(int64_t channelAxis) { return {2, 1, channelAxis, {2, 3}, {2, 1}, {1, 1, 0, 0}, {1, 2}}; }

double at(const std::vector<float> &x, int64_t channel, int64_t y, int64_t column) {
  bool isInside = y >= 0 && y < 4 && column >= 0 && column < 6;
  return isInside ? x[size_t(channel * 24 + y * 6 + column)] : 0;
}

/// Of taps a and b over all windows of a picture of 4 x 6.
double momentOf(const std::vector<float> &x, int64_t channel, int64_t a, int64_t b) {
  double sum = 0;
  for (int64_t y = 0; y < 2; ++y)
    for (int64_t column = 0; column < 3; ++column)
      sum += at(x, channel, 2 * y - 1 + a / 3, column - 1 + a % 3 * 2) *
             at(x, channel, 2 * y - 1 + b / 3, column - 1 + b % 3 * 2);
  return sum;
}
} // namespace

TEST_CASE("moments: windows of a picture, channels first and last") {
  const std::vector<float> x = counted(48);
  std::vector<float> last(48);
  for (size_t channel = 0; channel < 2; ++channel)
    for (size_t i = 0; i < 24; ++i)
      last[2 * i + channel] = x[channel * 24 + i];
  WindowMoments first(twoGroups(1)), other(twoGroups(3));
  first.add(x.data(), {1, 2, 4, 6}, 1000);
  other.add(last.data(), {1, 4, 6, 2}, 1000);
  for (int64_t group = 0; group < 2; ++group) {
    CHECK(first.moments[size_t(group)].rows == 6);
    for (int64_t a = 0; a < 6; ++a)
      for (int64_t b = a; b < 6; ++b) {
        const double want = momentOf(x, group, a, b);
        CHECK(first.moments[size_t(group)].values[size_t(a * 6 + b)] == Approx(want));
        CHECK(other.moments[size_t(group)].values[size_t(a * 6 + b)] == Approx(want));
      }
  }
}

TEST_CASE("moments: rows of a matrix, all or some") {
  const std::vector<float> x = counted(12);
  const ProductWindows rows{1, 3, 1, {}, {}, {}, {}};
  WindowMoments all(rows), some(rows);
  all.add(x.data(), {2, 2, 3}, 4);
  CHECK(all.moments[0].rows == 4);
  CHECK(all.moments[0].values[1] == Approx(-3 * -2 + 0 * 1 + 3 * 4 + 6 * 7));
  some.add(x.data(), {2, 2, 3}, 2);
  CHECK(some.moments[0].rows == 2);
  some.add(x.data(), {0, 2, 3}, 2);
  CHECK(some.moments[0].rows == 2);
}
