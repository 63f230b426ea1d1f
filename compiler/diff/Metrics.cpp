#include "compiler/diff/Metrics.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <limits>

namespace lathe::diff {

void ErrorSums::add(llvm::ArrayRef<float> expected, llvm::ArrayRef<float> got) {
  for (auto [e, g] : llvm::zip_equal(expected, got)) {
    ++elements;
    if (!std::isfinite(e) || !std::isfinite(g)) {
      notFinite += !(e == g || (std::isnan(e) && std::isnan(g)));
      continue;
    }
    double difference = double(g) - double(e);
    expected2 += double(e) * e;
    got2 += double(g) * g;
    product += double(e) * g;
    error2 += difference * difference;
    largestError = std::max(largestError, std::abs(difference));
    largestExpected = std::max(largestExpected, std::abs(double(e)));
  }
}

double ErrorSums::sqnr() const {
  if (error2 == 0)
    return std::numeric_limits<double>::infinity();
  return 10 * std::log10(expected2 / error2);
}

double ErrorSums::cosine() const {
  if (expected2 == 0 || got2 == 0)
    return expected2 == got2 ? 1 : 0;
  return std::min(1.0, product / std::sqrt(expected2 * got2));
}

double ErrorSums::relative() const {
  if (error2 == 0)
    return 0;
  return expected2 == 0 ? std::numeric_limits<double>::infinity() : std::sqrt(error2 / expected2);
}

void ChannelSums::add(llvm::ArrayRef<float> expected, llvm::ArrayRef<float> got, int64_t outer, int64_t channels,
                      int64_t inner) {
  if (sums.empty())
    sums.resize(size_t(channels));
  if (int64_t(sums.size()) != channels)
    return;
  for (int64_t i = 0; i < outer * channels; ++i) {
    Sum &sum = sums[size_t(i % channels)];
    for (size_t j = size_t(i * inner), end = j + size_t(inner); j < end; ++j) {
      if (!std::isfinite(expected[j]) || !std::isfinite(got[j]))
        continue;
      double error = double(got[j]) - double(expected[j]);
      sum.error += error;
      sum.error2 += error * error;
      sum.magnitude = std::max(sum.magnitude, std::abs(double(expected[j])));
      sum.low = sum.count ? std::min(sum.low, double(expected[j])) : expected[j];
      sum.high = sum.count ? std::max(sum.high, double(expected[j])) : expected[j];
      ++sum.count;
    }
  }
}

double ChannelSums::biasShare() const {
  double energy = 0, ofMeans = 0;
  for (const Sum &sum : sums) {
    if (sum.count < 2)
      return 0;
    double mean2 = sum.error * sum.error / double(sum.count); // n * mean^2
    double noise = (sum.error2 - mean2) / double(sum.count - 1);
    ofMeans += std::max(0.0, mean2 - noise); // the mean of n independent errors has variance noise / n
    energy += sum.error2;
  }
  return energy == 0 ? 0 : ofMeans / energy;
}

double ChannelSums::low() const {
  double result = std::numeric_limits<double>::infinity();
  for (const Sum &sum : sums)
    result = std::min(result, sum.low);
  return result;
}

double ChannelSums::high() const {
  double result = -std::numeric_limits<double>::infinity();
  for (const Sum &sum : sums)
    result = std::max(result, sum.high);
  return result;
}

RepresentationSums::RepresentationSums(double scale, int64_t zero, bool isSigned)
    : scale(scale), lowest(double((isSigned ? -128 : 0) - zero) * scale),
      highest(double((isSigned ? 127 : 255) - zero) * scale) {}

void RepresentationSums::add(llvm::ArrayRef<float> expected) {
  for (float value : expected) {
    if (!std::isfinite(value))
      continue;
    ++count;
    double over = std::max({0.0, lowest - value, value - highest});
    // What is nearer than a step could be rounding.
    if (over > scale) {
      ++clipped;
      clip2 += over * over;
    } else {
      double error = std::nearbyint(value / scale) * scale - value;
      round2 += error * error;
    }
  }
}

} // namespace lathe::diff
