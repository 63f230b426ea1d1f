#include "compiler/search/Candidates.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

namespace lathe {

Candidates::Candidates(const QuantizationStudy &study, llvm::ArrayRef<NodeCosts> costs) : nodes(study.nodes.size()) {
  for (size_t i = 0; i < nodes; ++i)
    addNode(i, study.nodes[i], costs[i]);
  // Most gain for the error first: steps of one node are in this order already.
  llvm::stable_sort(steps,
                    [](const Step &a, const Step &b) { return a.cost * b.squaredError < b.cost * a.squaredError; });
}

/// The steps down the hull of the node's own precisions.
void Candidates::addNode(size_t index, const QuantizationStudy::Node &node, const NodeCosts &costs) {
  double squaredError = 0, cost = costs.f32;
  while (true) {
    std::optional<Step> best;
    for (auto [choice, price] : llvm::zip_equal(node.choices, costs.choices)) {
      // Equal errors would divide by 0; a node without any loses nothing by its cheapest precision.
      double more = std::max(choice.error * choice.error - squaredError, 1e-30), less = price - cost;
      if (less < 0 && (!best || less * best->squaredError < best->cost * more))
        best = Step{index, choice.precision, more, less};
    }
    if (!best)
      return;
    steps.push_back(*best);
    squaredError += best->squaredError, cost += best->cost;
  }
}

std::vector<nn::Precision> Candidates::precisions(size_t number) const {
  std::vector<nn::Precision> result(nodes, nn::Precision::f32);
  for (const Step &step : llvm::ArrayRef(steps).take_front(number))
    result[step.node] = step.precision;
  return result;
}

double Candidates::error(size_t number) const {
  double sum = 0;
  for (const Step &step : llvm::ArrayRef(steps).take_front(number))
    sum += step.squaredError;
  return std::sqrt(sum);
}

size_t Candidates::within(double limit) const {
  size_t number = 0;
  while (number + 1 < count() && error(number + 1) <= limit)
    ++number;
  return number;
}

} // namespace lathe
