// Which nodes to make integers of, by what each one loses and gains.
#pragma once

#include "compiler/quantize/Study.h"

namespace lathe {

/// Cost of a node in one precision; in any unit, the same for all.
struct NodeCosts {
  double f32 = 0;
  std::vector<double> choices; // one for each of QuantizationStudy::Node::choices
};

/// Assignments of precisions, from all in f32 to the cheapest: the lower convex hull of (squared error, cost), where squared errors and
/// costs of nodes add up. No assignment is cheaper than the hull at its error, but between two of its points (Everett, Generalized
/// Lagrange Multiplier Method, 1963).
class Candidates {
public:
  Candidates(const QuantizationStudy &study, llvm::ArrayRef<NodeCosts> costs);

  /// Of assignments; number 0 is f32.
  size_t count() const { return steps.size() + 1; }
  /// Of each node of the study.
  std::vector<nn::Precision> precisions(size_t number) const;
  /// Predicted: root of the nodes' summed squares.
  double error(size_t number) const;
  /// The last one whose error is at most this.
  size_t within(double error) const;

private:
  struct Step {
    size_t node;
    nn::Precision precision;
    double squaredError, cost; // of this precision more than of the one before
  };
  void addNode(size_t index, const QuantizationStudy::Node &node, const NodeCosts &costs);

  size_t nodes;
  std::vector<Step> steps;
};

} // namespace lathe
