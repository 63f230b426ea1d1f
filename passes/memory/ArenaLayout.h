// Puts values with known sizes and lifetimes into one piece of memory. No IR here: see PlanArena.cpp for where the values
// come from, docs/Memory.md for the whole picture.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <vector>

namespace lathe {

/// A value that needs `sizeBytes` of memory during steps first..last, both included.
struct LiveRange {
  int64_t sizeBytes = 0, first = 0, last = 0;

  bool meets(const LiveRange &other) const { return first <= other.last && other.first <= last; }
};

struct ArenaLayout {
  std::vector<int64_t> offsets; // one per range
  int64_t sizeBytes = 0;
};

/// The largest sum of sizes that are live in one step: no layout can be smaller.
int64_t peakLiveBytes(llvm::ArrayRef<LiveRange> ranges);

/// Offsets, all multiples of `alignment`, such that no two ranges that meet in time overlap in memory. The best of several
/// greedy layouts, improved while it is above the peak. Deterministic; time grows with the square of the number of ranges.
ArenaLayout layoutArena(llvm::ArrayRef<LiveRange> ranges, int64_t alignment);

} // namespace lathe
