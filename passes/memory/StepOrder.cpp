#include "passes/memory/StepOrder.h"
#include <algorithm>
#include <numeric>
#include <set>

using namespace llvm;

namespace lathe {

int64_t peakOf(ArrayRef<Step> steps, ArrayRef<int64_t> sizes, ArrayRef<unsigned> order) {
  std::vector<unsigned> touches(sizes.size());
  for (const Step &step : steps)
    for (unsigned value : step.values)
      ++touches[value];
  std::vector<bool> isLive(sizes.size());
  int64_t live = 0, peak = 0;
  for (unsigned index : order) {
    for (unsigned value : steps[index].values)
      if (!isLive[value]) {
        isLive[value] = true;
        live += sizes[value];
      }
    peak = std::max(peak, live);
    for (unsigned value : steps[index].values)
      if (--touches[value] == 0)
        live -= sizes[value];
  }
  return peak;
}

namespace {

/// One list schedule: of the steps whose predecessors are done, the one that adds least memory; of equals, the first.
class ListSchedule {
public:
  ListSchedule(ArrayRef<Step> steps, ArrayRef<int64_t> sizes)
      : steps(steps), sizes(sizes), waitsFor(steps.size()), next(steps.size()), touches(sizes.size()),
        isLive(sizes.size()) {
    for (auto [index, step] : enumerate(steps)) {
      waitsFor[index] = step.after.size();
      for (unsigned before : step.after)
        next[before].push_back(index);
      for (unsigned value : step.values)
        ++touches[value];
      if (step.after.empty())
        ready.insert(index);
    }
  }

  std::vector<unsigned> run() {
    std::vector<unsigned> order;
    while (!ready.empty()) {
      unsigned index =
          *std::min_element(ready.begin(), ready.end(), [&](unsigned x, unsigned y) { return added(x) < added(y); });
      order.push_back(index);
      finish(index);
    }
    return order;
  }

private:
  /// Bytes that are live after the step and weren't before.
  int64_t added(unsigned index) const {
    int64_t bytes = 0;
    for (unsigned value : steps[index].values)
      bytes += (isLive[value] ? 0 : sizes[value]) - (touches[value] == 1 ? sizes[value] : 0);
    return bytes;
  }

  void finish(unsigned index) {
    ready.erase(index);
    for (unsigned value : steps[index].values) {
      isLive[value] = true;
      --touches[value];
    }
    for (unsigned later : next[index])
      if (--waitsFor[later] == 0)
        ready.insert(later);
  }

  ArrayRef<Step> steps;
  ArrayRef<int64_t> sizes;
  std::vector<unsigned> waitsFor;
  std::vector<SmallVector<unsigned, 4>> next;
  std::vector<unsigned> touches; // by steps that are to come
  std::vector<bool> isLive;
  std::set<unsigned> ready;
};

/// The same steps from the last to the first.
std::vector<Step> reversed(ArrayRef<Step> steps) {
  std::vector<Step> result(steps.size());
  unsigned last = steps.size() - 1;
  for (auto [index, step] : enumerate(steps)) {
    result[last - index].values = step.values;
    for (unsigned before : step.after)
      result[last - before].after.push_back(last - index);
  }
  return result;
}

std::vector<unsigned> scheduleBackwards(ArrayRef<Step> steps, ArrayRef<int64_t> sizes) {
  std::vector<Step> mirrored = reversed(steps);
  std::vector<unsigned> order = ListSchedule(mirrored, sizes).run();
  std::reverse(order.begin(), order.end());
  for (unsigned &index : order)
    index = steps.size() - 1 - index;
  return order;
}
} // namespace

std::vector<unsigned> orderSteps(ArrayRef<Step> steps, ArrayRef<int64_t> sizes) {
  std::vector<unsigned> best(steps.size());
  std::iota(best.begin(), best.end(), 0u);
  int64_t least = peakOf(steps, sizes, best);
  for (const auto &schedule : {ListSchedule(steps, sizes).run(), scheduleBackwards(steps, sizes)})
    if (int64_t peak = peakOf(steps, sizes, schedule); peak < least) {
      least = peak;
      best = schedule;
    }
  return best;
}

} // namespace lathe
