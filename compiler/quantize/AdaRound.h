// AdaRound (Nagel et al., Up or Down? Adaptive Rounding for Post-Training Quantization, 2020): each weight goes up or down as the error
// of the product asks for. The choice is a number between 0 and 1 that Adam (Kingma and Ba, 2015) moves, with a penalty that grows on
// what is neither.
//
// Differences from the paper: the error is that of all samples at once, from their second moments, so that few steps are enough; and
// their number follows from the matrices' sizes, not from a clock, so that the result is the same each time.
#pragma once

#include "compiler/quantize/Gptq.h"

namespace lathe {

/// Rounds to the grids of `start` (whose integers are not looked at). Takes `steps` products of the weights with the moments.
nn::GroupedWeights adaRound(const nn::WeightMatrix &weights, const MomentsFactor &factor,
                            const nn::GroupedWeights &start, int steps);

/// Steps for a program of products with so many multiplications per step: 60 to 200, fewer for large ones.
int adaRoundSteps(double multiplications);

} // namespace lathe
