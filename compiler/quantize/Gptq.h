// GPTQ (Frantar et al., Accurate Post-Training Quantization for Generative Pre-trained Transformers, 2023): weights are rounded column
// after column, and what a rounding does to the product is made up for by the columns that come later.
//
// With second moments H = sum of transposed(x) * x of the product's inputs, and H = R * transposed(R), R an upper triangle, the error of
// a product is the sum of squares of E * R, E the errors of weights. Its column j is the sum of E_i * R_ij over i <= j: once those
// before j are rounded, the best number for weight j is w_j + (sum over i < j) / R_jj. This is the update of the paper's inverse factor
// without the inverse (the nearest plane algorithm of Babai, 1986).
#pragma once

#include "compiler/quantize/Matrix.h"
#include "passes/quantize/GroupedWeights.h"

namespace lathe {

/// Second moments of a product's inputs: [depth][depth], row-major, symmetric; and the number of rows that they are the sum of.
struct Moments {
  int64_t depth = 0;
  std::vector<float> values;
  int64_t rows = 0;

  float diagonal(int64_t k) const { return values[size_t(k * depth + k)]; }
  std::vector<float> diagonal() const;
  /// Products of different elements made smaller, the more the fewer rows there are per element: what few rows say of them is mostly
  /// chance (Ledoit and Wolf, A Well-Conditioned Estimator for Large-Dimensional Covariance Matrices, 2004).
  Moments shrunk() const;
};

/// R, after a small share of the mean was added to the diagonal, so that it is there for inputs that don't span all of the depth.
struct MomentsFactor {
  std::vector<float> values; // empty: the moments are zero, or not finite

  /// `firstShare` of the mean is added to the diagonal, 1 % as in the paper; more only if f32 is not enough.
  static MomentsFactor of(const Moments &moments, double firstShare = 0.01);
};

/// The error that rounding makes, a sum over all rows of inputs and all columns of the result.
double productError(const nn::WeightMatrix &weights, const nn::GroupedWeights &grouped, const MomentsFactor &factor);

/// Integers from -most to it, of the same order as the weights; `scales`: one per row.
struct ScaledIntegers {
  std::vector<int8_t> integers;
  std::vector<float> scales;
};
ScaledIntegers nearestIntegers(const nn::WeightMatrix &weights, std::vector<float> scales, float most);
ScaledIntegers gptqIntegers(const nn::WeightMatrix &weights, const MomentsFactor &factor, std::vector<float> scales,
                            float most);
double productError(const nn::WeightMatrix &weights, const ScaledIntegers &integers, const MomentsFactor &factor);

/// Rounds with the moments' factor. Grids are fitted to the weights as they are once the groups before were rounded.
nn::GroupedWeights gptq(const nn::WeightMatrix &weights, const MomentsFactor &factor, int64_t group, bool isSymmetric);

} // namespace lathe
