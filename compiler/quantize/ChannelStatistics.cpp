#include "compiler/quantize/ChannelStatistics.h"
#include <algorithm>
#include <cmath>

namespace lathe {

namespace {
constexpr size_t kMaxValues = 1 << 18, kMaxRows = 1024;

/// Marsaglia, Xorshift RNGs, 2003; here so that all machines draw the same rows.
uint64_t drawn(uint64_t &state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

float finite(float value) { return std::isfinite(value) ? value : 0; }
} // namespace

ChannelStatistics::ChannelStatistics(size_t channels)
    : low(channels), high(channels),
      maxRows(std::clamp<size_t>(kMaxValues / std::max<size_t>(channels, 1), 16, kMaxRows)) {}

void ChannelStatistics::add(llvm::ArrayRef<float> values, size_t inner) {
  size_t size = channels() * inner;
  for (size_t start = 0; size != 0 && start + size <= values.size(); start += size) {
    for (size_t channel = 0; channel < channels(); ++channel)
      for (float value : values.slice(start + channel * inner, inner)) {
        low[channel] = std::min(low[channel], finite(value));
        high[channel] = std::max(high[channel], finite(value));
      }
    for (size_t i = 0; i < inner; ++i)
      addRow(values.data() + start + i, inner);
  }
}

void ChannelStatistics::addRow(const float *first, size_t stride) {
  uint64_t place = seen++;
  if (place < maxRows)
    sample.resize(sample.size() + channels());
  else
    place = drawn(random) % seen;
  if (place >= maxRows)
    return;
  for (size_t channel = 0; channel < channels(); ++channel)
    sample[place * channels() + channel] = finite(first[channel * stride]);
}

} // namespace lathe
