// Schedules of random graphs, and cases with a known best order.
#include "passes/memory/StepOrder.h"
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <numeric>
#include <random>

using lathe::orderSteps;
using lathe::peakOf;
using lathe::Step;

namespace {
/// Step i computes value i from the values of the steps that it comes after.
std::vector<Step> graph(const std::vector<std::vector<unsigned>> &operands) {
  std::vector<Step> steps;
  for (unsigned i = 0; i < operands.size(); ++i) {
    Step step;
    step.after.assign(operands[i].begin(), operands[i].end());
    step.values.assign(operands[i].begin(), operands[i].end());
    step.values.push_back(i);
    steps.push_back(step);
  }
  return steps;
}

std::vector<unsigned> given(size_t count) {
  std::vector<unsigned> order(count);
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

bool isPossible(const std::vector<Step> &steps, const std::vector<unsigned> &order) {
  std::vector<unsigned> place(steps.size(), steps.size());
  for (unsigned i = 0; i < order.size(); ++i)
    place[order[i]] = i;
  if (order.size() != steps.size())
    return false;
  for (unsigned i = 0; i < steps.size(); ++i)
    for (unsigned before : steps[i].after)
      if (place[i] == steps.size() || place[before] >= place[i])
        return false;
  return true;
}
} // namespace

TEST_CASE("the peak counts what a step reads and writes") {
  std::vector<Step> chain = graph({{}, {0}, {1}});
  CHECK(peakOf(chain, {10, 20, 40}, {0, 1, 2}) == 60);
}

TEST_CASE("a branch is finished before the next one begins") {
  // Large values 0, 2, 4 shrink to 1, 3, 5, which meet in 6.
  std::vector<Step> steps = graph({{}, {}, {}, {0}, {1}, {2}, {3, 4, 5}});
  std::vector<int64_t> sizes = {100, 100, 100, 1, 1, 1, 1};
  CHECK(peakOf(steps, sizes, given(7)) == 301);
  std::vector<unsigned> order = orderSteps(steps, sizes);
  CHECK(isPossible(steps, order));
  CHECK(peakOf(steps, sizes, order) == 103);
}

TEST_CASE("a value that grows is computed late") {
  // 2 is large and wanted at the end only.
  std::vector<Step> steps = graph({{}, {0}, {0}, {1}, {3}, {2, 4}});
  std::vector<int64_t> sizes = {1, 50, 100, 50, 1, 1};
  std::vector<unsigned> order = orderSteps(steps, sizes);
  CHECK(isPossible(steps, order));
  CHECK(peakOf(steps, sizes, order) == 102);
}

TEST_CASE("the given order stays where none is better") {
  std::vector<Step> steps = graph({{}, {0}, {1}, {2}});
  CHECK(orderSteps(steps, {1, 2, 3, 4}) == given(4));
  CHECK(orderSteps({}, {}).empty());
}

TEST_CASE("orders of random graphs are possible and no worse") {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    unsigned count = 1 + random() % 60;
    std::vector<std::vector<unsigned>> operands(count);
    std::vector<int64_t> sizes;
    for (unsigned i = 0; i < count; ++i) {
      for (unsigned j = 0; j < i; ++j)
        if (random() % (i - j + 1) == 0 || random() % 30 == 0)
          operands[i].push_back(j);
      sizes.push_back(random() % 1000);
    }
    std::vector<Step> steps = graph(operands);
    std::vector<unsigned> order = orderSteps(steps, sizes);
    REQUIRE(isPossible(steps, order));
    REQUIRE(peakOf(steps, sizes, order) <= peakOf(steps, sizes, given(count)));
  }
}
