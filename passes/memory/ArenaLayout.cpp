// Finding the smallest arena is NP-hard (dynamic storage allocation), but real networks are easy: few values are large, and
// they live briefly. So values are placed one after the other, each into the tightest gap that is free during its whole
// life (best fit), in several orders: largest first, most byte-steps first, those of the fullest step first, in order of
// birth. While the best result is above the lower bound, the value that sticks out at the top is moved to the front of the
// order and the placement repeated: it then gets a low place, and smaller ones fill up around it.
#include "passes/memory/ArenaLayout.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <numeric>

namespace lathe {

namespace {
using Order = std::vector<unsigned>;

int64_t lastStep(llvm::ArrayRef<LiveRange> ranges) {
  int64_t last = -1;
  for (const LiveRange &range : ranges)
    last = std::max(last, range.last);
  return last;
}

/// Live bytes in each step.
std::vector<int64_t> liveBytes(llvm::ArrayRef<LiveRange> ranges) {
  std::vector<int64_t> live(lastStep(ranges) + 2);
  for (const LiveRange &range : ranges) {
    live[range.first] += range.sizeBytes;
    live[range.last + 1] -= range.sizeBytes;
  }
  std::partial_sum(live.begin(), live.end(), live.begin());
  return live;
}

/// Start of the tightest gap of `sizeBytes` between the blocks (offset, end), sorted by offset; behind all where none fits.
int64_t bestGap(llvm::ArrayRef<std::pair<int64_t, int64_t>> blocks, int64_t sizeBytes) {
  int64_t end = 0, best = -1, bestSize = INT64_MAX;
  for (auto [blockStart, blockEnd] : blocks) {
    int64_t gap = blockStart - end;
    if (gap >= sizeBytes && gap < bestSize)
      std::tie(best, bestSize) = std::pair(end, gap);
    end = std::max(end, blockEnd);
  }
  return best >= 0 ? best : end;
}

ArenaLayout place(llvm::ArrayRef<LiveRange> ranges, const Order &order) {
  ArenaLayout layout;
  layout.offsets.assign(ranges.size(), 0);
  std::vector<unsigned> placed;
  std::vector<std::pair<int64_t, int64_t>> blocks;
  for (unsigned index : order) {
    const LiveRange &range = ranges[index];
    blocks.clear();
    for (unsigned other : placed)
      if (range.meets(ranges[other]))
        blocks.emplace_back(layout.offsets[other], layout.offsets[other] + ranges[other].sizeBytes);
    llvm::sort(blocks);
    layout.offsets[index] = bestGap(blocks, range.sizeBytes);
    layout.sizeBytes = std::max(layout.sizeBytes, layout.offsets[index] + range.sizeBytes);
    if (range.sizeBytes)
      placed.push_back(index);
  }
  return layout;
}

/// All indices, sorted by falling key; equal keys by index.
template <typename Key> Order orderBy(llvm::ArrayRef<LiveRange> ranges, Key key) {
  Order order(ranges.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](unsigned a, unsigned b) { return key(ranges[a]) > key(ranges[b]); });
  return order;
}

std::vector<Order> startOrders(llvm::ArrayRef<LiveRange> ranges) {
  std::vector<int64_t> live = liveBytes(ranges);
  int64_t fullest = std::max_element(live.begin(), live.end()) - live.begin();
  auto isInFullest = [&](const LiveRange &r) { return r.first <= fullest && fullest <= r.last; };
  return {
      orderBy(ranges, [](const LiveRange &r) { return std::pair(r.sizeBytes, r.last - r.first); }),
      orderBy(ranges, [](const LiveRange &r) { return double(r.sizeBytes) * double(r.last - r.first + 1); }),
      orderBy(ranges, [&](const LiveRange &r) { return std::pair(isInFullest(r), r.sizeBytes); }),
      orderBy(ranges, [](const LiveRange &r) { return std::pair(-r.first, r.sizeBytes); }),
  };
}

/// Moves the value that ends at the top of the arena to the front.
void promoteTop(llvm::ArrayRef<LiveRange> ranges, const ArenaLayout &layout, Order &order) {
  auto top =
      llvm::find_if(order, [&](unsigned i) { return layout.offsets[i] + ranges[i].sizeBytes == layout.sizeBytes; });
  std::rotate(order.begin(), top, top + 1);
}
} // namespace

int64_t peakLiveBytes(llvm::ArrayRef<LiveRange> ranges) {
  std::vector<int64_t> live = liveBytes(ranges);
  return *std::max_element(live.begin(), live.end());
}

ArenaLayout layoutArena(llvm::ArrayRef<LiveRange> input, int64_t alignment) {
  std::vector<LiveRange> ranges(input.begin(), input.end());
  for (LiveRange &range : ranges)
    range.sizeBytes = llvm::alignTo(range.sizeBytes, alignment);
  int64_t bound = peakLiveBytes(ranges);
  // A few million steps of work whatever the number of ranges: below a second.
  int64_t rounds = std::clamp<int64_t>(int64_t(40'000'000) / int64_t(ranges.size() * ranges.size() + 1), 4, 200);
  ArenaLayout best;
  best.sizeBytes = INT64_MAX;
  for (Order &order : startOrders(ranges))
    for (int64_t round = 0; round < rounds && best.sizeBytes > bound; ++round) {
      ArenaLayout layout = place(ranges, order);
      promoteTop(ranges, layout, order);
      if (layout.sizeBytes < best.sizeBytes)
        best = std::move(layout);
    }
  return ranges.empty() ? ArenaLayout() : best;
}

} // namespace lathe
