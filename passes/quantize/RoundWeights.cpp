#include "passes/quantize/RoundWeights.h"
#include "passes/quantize/WeightScales.h"
#include <cmath>

using namespace mlir;

namespace lathe::nn {

namespace {
/// A weight that could be rounded to its other neighbour, in steps of the output's scale.
struct Flip {
  int64_t place;
  int8_t step;         // that is added to the integer
  double shift;        // of the mean of the results
  double squaredError; // more than now
};

class OutputRounding {
public:
  OutputRounding(const reference::Tensor &weights, float scale, const WeightPlaces &places, ChannelMoments moments,
                 double most, reference::Tensor &result)
      : weights(weights), scale(scale), places(places), moments(moments), most(most), result(result) {}

  /// To the nearest integer, remembering what else it could be.
  void add(int64_t place) {
    double exact = weights.data<float>()[place] / scale, nearest = std::clamp(std::nearbyint(exact), -most, most);
    auto channel = size_t(places.channelOf(place));
    result.mutableData<int8_t>()[place] = int8_t(nearest);
    shift += (nearest - exact) * moments.means[channel];
    scatter += (nearest - exact) * (nearest - exact) * moments.squares[channel];
    double step = exact < nearest ? -1 : 1, off = std::abs(nearest - exact);
    if (off < 0.5 && off > 0 && std::abs(nearest + step) <= most)
      flips.push_back({place, int8_t(step), step * moments.means[channel], (1 - 2 * off) * moments.squares[channel]});
  }

  void keepMean() {
    constexpr double isLost = 0.5; // among errors that no mean tells of
    llvm::erase_if(flips, [&](const Flip &flip) { return flip.shift * shift >= 0; });
    llvm::stable_sort(flips, [](const Flip &a, const Flip &b) {
      return a.squaredError * std::abs(b.shift) < b.squaredError * std::abs(a.shift);
    });
    for (const Flip &flip : flips) {
      if (shift * shift <= isLost * scatter)
        return;
      double after = shift + flip.shift;
      if (after * after + flip.squaredError >= shift * shift)
        continue;
      result.mutableData<int8_t>()[flip.place] += flip.step;
      shift = after;
    }
  }

private:
  const reference::Tensor &weights;
  float scale;
  const WeightPlaces &places;
  ChannelMoments moments;
  double most;
  reference::Tensor &result;
  double shift = 0, scatter = 0; // error of the mean of results, and sum of squared errors, of the nearest integers
  std::vector<Flip> flips;
};
} // namespace

reference::Tensor roundKeepingMean(const reference::Tensor &weights, ArrayRef<float> scales, const WeightPlaces &places,
                                   ChannelMoments moments, unsigned bits) {
  Builder b(weights.elementType().getContext());
  auto result = reference::Tensor::allocate(RankedTensorType::get(weights.shape(), b.getIntegerType(8)));
  std::vector<OutputRounding> outputs;
  for (float scale : scales)
    outputs.emplace_back(weights, scale, places, moments, mostInteger(bits), result);
  for (int64_t i = 0; i < weights.size(); ++i)
    outputs[size_t(places.outputOf(i))].add(i);
  for (OutputRounding &output : outputs)
    output.keepMean();
  return result;
}

} // namespace lathe::nn
