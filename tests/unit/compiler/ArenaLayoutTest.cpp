// Invariants of memory planning on random programs, and cases with a known best layout.
#include "passes/memory/ArenaLayout.h"
#include <catch2/catch_test_macros.hpp>
#include <random>

using lathe::ArenaLayout;
using lathe::layoutArena;
using lathe::LiveRange;
using lathe::peakLiveBytes;

namespace {
constexpr int64_t kAlignment = 64;

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// Peak of the sizes as they are stored.
int64_t alignedPeak(std::vector<LiveRange> ranges) {
  for (LiveRange &range : ranges)
    range.sizeBytes = aligned(range.sizeBytes);
  return peakLiveBytes(ranges);
}

/// True if no two ranges share a byte in a step, all inside the arena and aligned.
bool isValid(const std::vector<LiveRange> &ranges, const ArenaLayout &layout) {
  if (layout.offsets.size() != ranges.size())
    return false;
  for (size_t i = 0; i < ranges.size(); ++i) {
    int64_t begin = layout.offsets[i], end = begin + ranges[i].sizeBytes;
    if (begin < 0 || begin % kAlignment || end > layout.sizeBytes)
      return false;
    for (size_t j = 0; j < i; ++j)
      if (ranges[i].meets(ranges[j]) && begin < layout.offsets[j] + ranges[j].sizeBytes && layout.offsets[j] < end)
        return false;
  }
  return true;
}

std::vector<LiveRange> randomRanges(std::mt19937 &random, int count, int64_t steps, int64_t maxBytes) {
  std::vector<LiveRange> ranges;
  for (int i = 0; i < count; ++i) {
    int64_t first = random() % steps;
    int64_t length = random() % 10 == 0 ? random() % steps : random() % 4;
    ranges.push_back({int64_t(random() % maxBytes), first, std::min(steps - 1, first + length)});
  }
  return ranges;
}
} // namespace

TEST_CASE("random programs: no overlap, never below the peak, close to it") {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    std::vector<LiveRange> ranges = randomRanges(random, 1 + round * 3, 1 + round, 1 << (4 + round % 20));
    ArenaLayout layout = layoutArena(ranges, kAlignment);
    INFO("round " << round);
    REQUIRE(isValid(ranges, layout));
    REQUIRE(layout.sizeBytes >= alignedPeak(ranges));
    CHECK(layout.sizeBytes <= alignedPeak(ranges) * 1.25);
  }
}

TEST_CASE("a chain of layers needs its two largest neighbours only") {
  std::vector<LiveRange> ranges;
  for (int64_t i = 0; i < 50; ++i)
    ranges.push_back({1000 + 137 * i % 977, i, i + 1});
  ArenaLayout layout = layoutArena(ranges, kAlignment);
  REQUIRE(isValid(ranges, layout));
  CHECK(layout.sizeBytes == alignedPeak(ranges));
}

TEST_CASE("blocks with a residual reach the peak") {
  // input of a block lives until its end; three values inside
  std::vector<LiveRange> ranges;
  for (int64_t block = 0; block < 16; ++block) {
    int64_t step = block * 4;
    ranges.push_back({802816, step, step + 4});
    ranges.push_back({200704, step + 1, step + 2});
    ranges.push_back({200704, step + 2, step + 3});
  }
  ArenaLayout layout = layoutArena(ranges, kAlignment);
  REQUIRE(isValid(ranges, layout));
  CHECK(layout.sizeBytes == alignedPeak(ranges));
}

TEST_CASE("layouts are repeatable") {
  std::mt19937 random(3);
  std::vector<LiveRange> ranges = randomRanges(random, 100, 40, 100000);
  ArenaLayout first = layoutArena(ranges, kAlignment), second = layoutArena(ranges, kAlignment);
  CHECK(first.offsets == second.offsets);
  CHECK(first.sizeBytes == second.sizeBytes);
}

TEST_CASE("empty programs and empty values take no memory") {
  CHECK(layoutArena({}, kAlignment).sizeBytes == 0);
  std::vector<LiveRange> ranges = {{0, 0, 3}, {0, 1, 1}};
  CHECK(layoutArena(ranges, kAlignment).sizeBytes == 0);
}
