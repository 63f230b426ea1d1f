#include "compiler/calibrate/Histogram.h"
#include "llvm/ADT/StringSwitch.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace lathe {

namespace {
constexpr size_t kHalf = 1024; // bins on one side
constexpr int kSteps = 255;    // of an 8-bit range
/// How much more an error of a clipped value counts than one of rounding: they all have one sign, add up in sums, and values that were
/// not seen reach further.
constexpr double kClippedCount = 4;
} // namespace

std::optional<RangeMethod> parseRangeMethod(llvm::StringRef text) {
  return llvm::StringSwitch<std::optional<RangeMethod>>(text)
      .Case("min-max", RangeMethod::minMax)
      .Case("percentile", RangeMethod::percentile)
      .Case("mse", RangeMethod::mse)
      .Case("entropy", RangeMethod::entropy)
      .Default(std::nullopt);
}

Histogram::Histogram() : bins(2 * kHalf) {}

/// Makes all bins together reach `magnitude`.
void Histogram::widen(double magnitude) {
  if (width == 0)
    width = magnitude / kHalf;
  while (magnitude > width * kHalf) {
    std::vector<double> merged(2 * kHalf);
    for (size_t i = 0; i < 2 * kHalf; ++i)
      merged[kHalf / 2 + i / 2] += bins[i];
    bins = std::move(merged);
    width *= 2;
  }
}

void Histogram::add(llvm::ArrayRef<float> values, llvm::ArrayRef<float> weights, size_t inner) {
  double least = low, most = high;
  for (float value : values)
    if (std::isfinite(value)) {
      least = std::min<double>(least, value);
      most = std::max<double>(most, value);
    } else {
      ++strange;
    }
  low = least, high = most;
  if (double magnitude = std::max(-low, high); magnitude > 0)
    widen(magnitude);
  double perUnit = width > 0 ? 1 / width : 0;
  size_t channel = 0, left = inner; // of the channel's values
  for (float value : values) {
    double weight = weights.empty() ? 1 : weights[channel];
    if (std::isfinite(value)) {
      double bin = std::floor(value * perUnit) + double(kHalf);
      bins[size_t(std::clamp(bin, 0.0, double(2 * kHalf - 1)))] += weight;
      total += weight;
    }
    if (--left == 0)
      left = inner, channel = channel + 1 < weights.size() ? channel + 1 : 0;
  }
}

double Histogram::center(size_t bin) const {
  // Most values of the bin at 0 are 0 exactly: rectified ones.
  return bin == kHalf ? 0 : (double(bin) - double(kHalf) + 0.5) * width;
}

Range Histogram::range(RangeMethod method, double outliers) const {
  switch (method) {
  case RangeMethod::minMax:
    return {low, high};
  case RangeMethod::percentile:
    return percentile(outliers);
  case RangeMethod::mse:
    return extended(leastError());
  case RangeMethod::entropy:
    return leastDivergence();
  }
  return {low, high};
}

Range Histogram::percentile(double outliers) const {
  double allowed = std::floor(outliers * total);
  Range result{low, high};
  double below = 0, above = 0;
  for (size_t bin = 0; bin < kHalf && below + bins[bin] <= allowed; ++bin) {
    below += bins[bin];
    result.low = std::max(low, (double(bin) + 1 - double(kHalf)) * width);
  }
  for (size_t bin = 2 * kHalf - 1; bin >= kHalf && above + bins[bin] <= allowed; --bin) {
    above += bins[bin];
    result.high = std::min(high, (double(bin) - double(kHalf)) * width);
  }
  return {std::min(result.low, 0.0), std::max(result.high, 0.0)};
}

/// The best of ranges that are cut by up to 4 of 5 on either side, one side after the other.
template <class CostFn> Range Histogram::search(CostFn cost) const {
  constexpr int candidates = 80;
  Range best{low, high};
  double bestCost = cost(best);
  for (bool isHigh : {true, false}) {
    Range start = best;
    for (int i = 1; i < candidates; ++i) {
      Range cut = start;
      (isHigh ? cut.high : cut.low) *= 1 - 0.8 * i / candidates;
      if (cut.high - cut.low <= 0)
        continue;
      if (double c = cost(cut); c < bestCost)
        bestCost = c, best = cut;
    }
  }
  return best;
}

/// How far the largest values of one side lie beyond the least of them, in the mean: of a tail that falls exponentially, what its largest
/// value grows by when there are e times as many (Pickands, Statistical Inference Using Extreme Order Statistics, 1975).
double Histogram::meanExcess(bool isHigh) const {
  constexpr double share = 0.01, fewest = 10;
  const double wanted = std::max(share * total, fewest);
  double count = 0, sum = 0;
  for (size_t i = 0; i < kHalf && count < wanted; ++i) { // from the end to 0
    const double own = bins[isHigh ? 2 * kHalf - 1 - i : i];
    count += own;
    sum += own * double(kHalf - i);
    if (count >= wanted || i + 1 == kHalf)
      return count > 0 ? (sum / count - double(kHalf - i)) * width : 0;
  }
  return 0;
}

/// As far as a million values would reach, by what was seen of fewer; at most three times as far.
Range Histogram::extended(Range range) const {
  constexpr double expected = 1e6, most = 3;
  const double growth = std::log(expected / std::max(total, 1.0));
  if (growth <= 0)
    return range;
  return {std::max(range.low - growth * meanExcess(false), most * range.low),
          std::min(range.high + growth * meanExcess(true), most * range.high)};
}

double Histogram::squaredError(Range range) const {
  double step = (range.high - range.low) / kSteps, sum = 0;
  // Values inside of a bin are rounded anywhere: a step's uniform error where bins are wider than steps is no reason to cut.
  double inside = step * step / 12;
  for (size_t bin = 0; bin < 2 * kHalf; ++bin) {
    if (bins[bin] == 0)
      continue;
    double x = center(bin), clipped = x < range.low ? range.low - x : x > range.high ? x - range.high : 0;
    sum += bins[bin] * (clipped > 0 ? kClippedCount * clipped * clipped : x == 0 ? 0 : inside);
  }
  return sum;
}

Range Histogram::leastError() const {
  return search([&](Range range) { return squaredError(range); });
}

/// Kullback-Leibler divergence of the distribution with `range`'s steps from what was seen; what is clipped counts at the ends.
double Histogram::divergence(Range range) const {
  double step = (range.high - range.low) / kSteps;
  std::vector<double> mass(kSteps + 1), filled(kSteps + 1);
  auto levelOf = [&](double x) { return size_t(std::clamp(std::round((x - range.low) / step), 0.0, double(kSteps))); };
  double clipped[2] = {0, 0};
  for (size_t bin = 0; bin < 2 * kHalf; ++bin) {
    double x = center(bin);
    if (bins[bin] == 0)
      continue;
    if (x < range.low || x > range.high) {
      clipped[x > range.high] += bins[bin];
      continue;
    }
    mass[levelOf(x)] += bins[bin];
    filled[levelOf(x)] += 1;
  }
  double inside = total - clipped[0] - clipped[1], sum = 0;
  if (inside <= 0)
    return std::numeric_limits<double>::infinity();
  for (size_t bin = 0; bin < 2 * kHalf; ++bin) {
    double x = center(bin);
    if (bins[bin] == 0 || x < range.low || x > range.high)
      continue;
    size_t level = levelOf(x);
    double p = bins[bin] + (level == 0 ? clipped[0] : 0) / std::max(filled[0], 1.0) +
               (level == kSteps ? clipped[1] : 0) / std::max(filled[kSteps], 1.0);
    double q = mass[level] / filled[level];
    sum += p / total * std::log(p * inside / (q * total));
  }
  return sum;
}

Range Histogram::leastDivergence() const {
  return search([&](Range range) { return divergence(range); });
}

} // namespace lathe
