// The weights of products that read one value, rounded as each asks for.
#pragma once

#include "compiler/quantize/Awq.h"
#include "dialects/support/Decisions.h"

namespace lathe {

struct RoundedProduct {
  mlir::Operation *op;
  nn::GroupedWeights weights;
  bool readsDivided; // of the input divided by RoundedProducts::inputFactors
};

struct RoundedProducts {
  std::vector<RoundedProduct> products; // without those that are left to nearest numbers without data
  std::vector<float> inputFactors;      // empty: the input stays as it is
};

/// Rounds the weights of `products`, operations of precision int4 that read values of these moments. `adaRoundSteps`: of that method.
/// What a method gained is among `decisions`. Nothing is changed yet: replaceWeights does.
RoundedProducts roundProducts(llvm::ArrayRef<mlir::Operation *> products, const Moments &moments, int adaRoundSteps,
                              std::vector<Decision> &decisions);

/// Puts the rounded weights into the products. Where the input is to be divided, a normalization that gives it to them alone does
/// it, or an operation of its own.
void replaceWeights(const RoundedProducts &rounded);

} // namespace lathe
