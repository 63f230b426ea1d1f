// Integers of weights that keep the mean of a product's results.
//
// Rounding errors of a product's weights add up where its input's channels have means: sum over k of error[k, n] * mean[k] is the same in
// all results of output n, and the next layers get it as a shift (Nagel et al., Data-Free Quantization through Weight Equalization and
// Bias Correction, 2019, section 4.2, takes it off the bias). Here weights are rounded to the other neighbour until it is gone, those
// first that cost least, so that nothing but the integers changes.
#pragma once

#include "dialects/reference/Tensor.h"
#include "passes/quantize/ValueRange.h"
#include "passes/quantize/WeightedOperation.h"

namespace lathe::nn {

/// i8 integers of f32 weights, in the same order, from -mostInteger(bits) to it. `scales`: one per output; `moments` of each channel. The
/// squared error of a result by the model (squared mean error + sum of squared errors * mean squares) is at most that of the nearest
/// integers.
reference::Tensor roundKeepingMean(const reference::Tensor &weights, llvm::ArrayRef<float> scales,
                                   const WeightPlaces &places, ChannelMoments moments, unsigned bits);

} // namespace lathe::nn
