#include "backends/x86/ChainSplit.h"
#include <algorithm>

namespace lathe::x86 {

namespace {
constexpr int kMost = 128; // of the magnitudes that are added in an i16

/// Two neighbors of a step are added by one instruction.
constexpr int64_t kPair = 2;

/// One way to split a chain: steps from `first` on give first.
class Splitting {
public:
  Splitting(const int8_t *weights, int64_t columns, int64_t chain, int64_t first)
      : columns(columns), chain(chain), first(first), kept(weights, weights + chain * columns * kChainElements),
        taken(kept.size()) {}

  bool run() {
    for (int64_t cell = 0; cell < columns * kChainElements; cell += kPair)
      if (!limit(cell, 1) || !limit(cell, -1))
        return false;
    return true;
  }

  std::vector<SplitStep> extras() const {
    std::vector<SplitStep> steps;
    for (int64_t step = 0; step < chain; ++step) {
      auto begin = taken.begin() + step * stepSize(), end = begin + stepSize();
      if (std::any_of(begin, end, [](int8_t weight) { return weight != 0; }))
        steps.push_back({step, std::vector<int8_t>(begin, end)});
    }
    return steps;
  }

  const std::vector<int8_t> &rest() const { return kept; }

private:
  int64_t stepSize() const { return columns * kChainElements; }

  /// Magnitude of a weight of this sign; 0 for the other sign.
  static int magnitude(int weight, int sign) { return std::max(weight * sign, 0); }

  /// Takes what is too much of one sign out of the pairs at `cell` of all steps.
  bool limit(int64_t cell, int sign) {
    int excess = -kMost;
    for (int64_t step = 0; step < chain; ++step)
      for (int64_t i = 0; i < kPair; ++i)
        excess += magnitude(kept[step * stepSize() + cell + i], sign);
    for (int64_t turn = 0; turn < chain && excess > 0; ++turn) {
      int room = kMost;
      for (int64_t i = 0; i < kPair; ++i) {
        const int64_t at = (first + turn) % chain * stepSize() + cell + i;
        const int part = std::min({magnitude(kept[at], sign), excess, room});
        kept[at] = int8_t(kept[at] - sign * part), taken[at] = int8_t(taken[at] + sign * part);
        excess -= part, room -= part;
      }
    }
    return excess <= 0;
  }

  int64_t columns, chain, first;
  std::vector<int8_t> kept, taken;
};
} // namespace

std::optional<std::vector<SplitStep>> splitChain(int8_t *weights, int64_t columns, int64_t chain) {
  std::optional<std::vector<SplitStep>> best;
  std::vector<int8_t> rest;
  for (int64_t first = 0; first < chain && (!best || !best->empty()); ++first) {
    Splitting splitting(weights, columns, chain, first);
    if (!splitting.run())
      continue;
    std::vector<SplitStep> extras = splitting.extras();
    if (best && extras.size() >= best->size())
      continue;
    best = std::move(extras), rest = splitting.rest();
  }
  if (best)
    std::copy(rest.begin(), rest.end(), weights);
  return best;
}

} // namespace lathe::x86
