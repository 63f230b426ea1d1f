// Scales of symmetric integer weights, one per output channel.
#pragma once

#include "dialects/reference/Tensor.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace lathe::nn {

/// The largest integer of `bits` bits; the least is its negative.
double mostInteger(unsigned bits);

/// A scale for each index of `axis` of f32 weights. With 8 bits the largest magnitude of a channel is the largest integer; with fewer,
/// that of least squared error is: what is larger will be clipped. nullopt: a weight is not finite.
std::optional<llvm::SmallVector<float>> weightScales(const reference::Tensor &weights, int64_t axis, unsigned bits);

/// Squares of weights over squares of what rounding to these integers does to them, in decibels.
double weightSqnr(const reference::Tensor &weights, int64_t axis, unsigned bits);

} // namespace lathe::nn
