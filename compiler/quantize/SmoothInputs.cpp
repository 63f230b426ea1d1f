#include "compiler/quantize/SmoothInputs.h"
#include "compiler/quantize/SmoothFactors.h"
#include "dialects/reference/Evaluate.h"
#include "dialects/support/Decisions.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "passes/quantize/ScaleProducer.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;

namespace lathe {

namespace {
/// A factor per channel instead of one per tensor: 2 % of ResNet-50's time where all of its pictures had some, and nothing
/// measurable in MiniLM.
constexpr double kWorthwhileInRows = 0.8, kWorthwhileInPictures = 0.5;
/// Of factors that go into weights on both sides: nothing is computed at run time, but the model may be wrong by some.
constexpr double kWorthwhileInWeights = 0.9;

/// No channels if the constant can't be read.
ChannelWeights weightsOf(const nn::WeightedProduct &product) {
  auto values = reference::constantTensor(product.weights->get());
  if (!values)
    return {};
  nn::WeightPlaces places(product);
  ChannelWeights weights;
  weights.outputs = size_t(places.outputs());
  weights.channels.resize(size_t(places.channels()));
  for (auto &channel : weights.channels)
    channel.reserve(size_t(values->size() / places.channels()));
  for (int64_t i = 0; i < values->size(); ++i)
    weights.channels[size_t(places.channelOf(i))].push_back({uint32_t(places.outputOf(i)), values->data<float>()[i]});
  return weights;
}

bool isFinite(const ChannelWeights &weights) {
  return !weights.channels.empty() && llvm::all_of(weights.channels, [](const auto &channel) {
    return llvm::all_of(channel, [](auto weight) { return std::isfinite(weight.value); });
  });
}

std::string gainText(const SmoothFactors &chosen, bool isEqualized) {
  double gain = 10 * std::log10(chosen.before / chosen.after);
  return llvm::formatv("channels of the input are scaled{0}: {1:f1} dB less error by the model",
                       isEqualized ? " by the weights of the product before" : "", gain)
      .str();
}

void noteFactors(func::FuncOp function, const nn::SmoothableInput &input, const ChannelStatistics &statistics) {
  std::vector<ChannelWeights> products;
  for (const nn::WeightedProduct &product : input.products)
    products.push_back(weightsOf(product));
  if (!llvm::all_of(products, isFinite))
    return;
  const bool isEqualized = nn::ProducerPath::of(input).has_value();
  const double worthwhile = isEqualized         ? kWorthwhileInWeights
                            : input.isPicture() ? kWorthwhileInPictures
                                                : kWorthwhileInRows;
  SmoothFactors chosen = chooseSmoothFactors(statistics, products, worthwhile);
  if (chosen.factors.empty())
    return;
  nn::setChannelFactors(input.value, llvm::to_vector_of<double>(chosen.factors));
  std::vector<Decision> decisions;
  for (const nn::WeightedProduct &product : input.products)
    decisions.push_back({nodeName(product.op->getLoc()), "smooth", true, gainText(chosen, isEqualized)});
  addDecisions(function, decisions);
}
} // namespace

llvm::Error noteSmoothFactors(func::FuncOp function, SampleSource &samples, Backend &backend, const TapOptions &taps) {
  SmallVector<nn::SmoothableInput> inputs = nn::smoothableInputs(function);
  if (inputs.empty())
    return llvm::Error::success();
  std::vector<ChannelStatistics> statistics;
  SmallVector<Value> points;
  for (const nn::SmoothableInput &input : inputs) {
    statistics.emplace_back(size_t(input.channels()));
    points.push_back(input.value);
  }
  auto observe = [&](const TapValue &value) {
    int64_t inner = computeProduct(value.shape.drop_front(size_t(inputs[value.point].axis + 1)));
    statistics[value.point].add({static_cast<const float *>(value.data), size_t(computeProduct(value.shape))},
                                size_t(inner));
  };
  if (llvm::Error error = runTaps(function, points, samples, backend, taps, observe))
    return error;
  for (auto [input, known] : llvm::zip_equal(inputs, statistics))
    noteFactors(function, input, known);
  return llvm::Error::success();
}

} // namespace lathe
