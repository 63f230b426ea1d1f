// Weights whose products with unsigned bytes are summed in i16, several pairs in a chain.
//
// vpmaddubsw adds two products u8 * s8 and saturates; adding several of its results (vpaddw) before they are widened would wrap. The
// sum of a chain is between 255 * (sum of the negative weights) and 255 * (sum of the positive ones): it is exact for all activations
// if neither magnitude is above 128 (255 * 128 = 32640). What exceeds that is cut off into extra steps, which are multiplied and
// widened on their own, so that results are the same bits as ever. Weights of 7 bits leave few extra steps, those of 8 bits many.
// The idea of keeping outliers apart: Park, Naumov et al., Deep Learning Inference in Facebook Data Centers, 2018, section 3.2.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace lathe::x86 {

/// Elements of the depth in a step.
constexpr int64_t kChainElements = 4;

/// What was taken out of a step of a chain: weights [columns][4].
struct SplitStep {
  int64_t number; // of the step in its chain
  std::vector<int8_t> weights;
};

/// Cuts `weights`, [chain][columns][4], until the chain's sums fit i16; gives what was taken out, whose sums fit too, in as few
/// steps as are found. nullopt: weights too large for that.
std::optional<std::vector<SplitStep>> splitChain(int8_t *weights, int64_t columns, int64_t chain);

} // namespace lathe::x86
