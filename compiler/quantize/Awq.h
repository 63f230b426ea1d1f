// AWQ (Lin et al., Activation-aware Weight Quantization for LLM Compression and Acceleration, 2024): weights that meet large
// activations are rounded more finely, by scaling their channels of the depth up, and the activations down.
#pragma once

#include "compiler/quantize/Gptq.h"
#include "llvm/ADT/ArrayRef.h"

namespace lathe {

/// A factor per channel of the depth for weights; activations are divided by it.
struct ChannelScales {
  std::vector<float> factors;
  double errorShare = 1; // of the products' squared error without factors

  /// Inputs divided by the factors have these moments (diagonal and factor only).
  MomentsFactor divided(const MomentsFactor &factor) const;
  std::vector<float> divided(std::vector<float> diagonal) const;
  nn::WeightMatrix multiplied(const nn::WeightMatrix &weights) const;
};

/// Factors (root mean square of the channel)^alpha, with the alpha of 0, 0.1, ..., 1 that gives all products of one input the least
/// error. Measured on a part of the rows of large matrices.
ChannelScales awqScales(llvm::ArrayRef<nn::WeightMatrix> products, const Moments &moments, const MomentsFactor &factor,
                        int64_t group);

} // namespace lathe
