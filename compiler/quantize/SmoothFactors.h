// Factors between the channels of what a product reads and its weights, by which both lose less as integers.
//
//   x w  =  (x / s) (s w)      s: one per channel
//
// A few channels of a transformer's activations are much larger than all others, which then have few of a tensor's 256 steps left.
// s[k] = largest |x[k]|^a / largest |w[k]|^(1 - a) moves their size into the weights, which have a scale per output. No exponent is
// right for all products, so each one's is the one with the least error by the model
//
//   sum over k of |w[k]|^2 E[error of x[k]]^2  +  sum over k, n of E[x[k]^2] (error of w[k, n])^2
//
// of independent rounding errors, computed on rows from calibration. Xiao et al., SmoothQuant, 2023, section 4; the exponent is one for
// the whole model there.
#pragma once

#include "compiler/quantize/ChannelStatistics.h"

namespace lathe {

/// Constant weights of a product. An output's weights are integers of one scale.
struct ChannelWeights {
  struct Weight {
    uint32_t output;
    float value;
  };
  std::vector<std::vector<Weight>> channels; // the weights that each channel is multiplied by
  size_t outputs = 0;
};

struct SmoothFactors {
  std::vector<float> factors; // s, finite and positive; empty: none are better than these
  double before = 0;          // squared error of a row of results by the model, without them
  double after = 0;           // and with them
};

/// Of one input and all products that read it as 8-bit integers. Factors that leave more than `worthwhile` of the error are not worth
/// a multiplication. `weightSteps`: the largest integer of a weight.
SmoothFactors chooseSmoothFactors(const ChannelStatistics &input, llvm::ArrayRef<ChannelWeights> products,
                                  double worthwhile, int weightSteps = 127);

} // namespace lathe
