// What precision a node is worth: from the backend's model of times, before anything is calibrated.
#pragma once

#include "backends/Backend.h"
#include "compiler/quantize/TypicalSizes.h"
#include "passes/quantize/Precision.h"

namespace lathe {

struct CostChoice {
  llvm::ArrayRef<Target> targets;  ///< none: nothing is expected to be slower, and weights have 8 bits
  std::vector<SymbolValues> sizes; ///< of use: the mean over them counts (TypicalSizes.h); not empty
  /// Of nodes in 8-bit integers; 0: 7 where products are faster with them on all targets and the weights lose little, else 8.
  unsigned weightBits = 0;
  /// May products of 4-bit weights read rows of 8-bit integers?
  bool roundsActivations = true;
  /// Should nodes become integers that are expected to be slower?
  bool takesSlower = false;
};

/// Gives nodes of 8-bit precisions (Precision.h) that are expected to be faster in f32 on all targets precision f32, with the reason,
/// and the others the bits of their weights. Making integers of an input counts to the products that read it, unless the
/// value comes from integers itself. Recurrences that a near cache holds become f32, too. Ends with weighGroups.
void weighCosts(mlir::func::FuncOp function, Backend &backend, const CostChoice &choice);

/// Says of products of precision int4 whether they read rows of 8-bit integers (kRoundedActivations): those of one input
/// together, since they share what it takes to make them. Where neither these nor rows of f32 are as fast as weights of f32,
/// gives them precision f32, with the reason.
void weighGroups(mlir::func::FuncOp function, Backend &backend, const CostChoice &choice);

/// Why a product is better in f32 than in 8-bit integers with weights of these bits; empty if it isn't, on one target at least, or
/// what is slower is taken.
std::string reasonAgainst(mlir::Operation *op, const nn::NodePrecision &wanted, Backend &backend,
                          const CostChoice &choice);

} // namespace lathe
