#include "compiler/quantize/Study.h"
#include "dialects/reference/Evaluate.h"
#include "passes/quantize/IntegerWeights.h"
#include "passes/quantize/Smoothing.h"
#include "passes/quantize/ValueRange.h"

using namespace mlir;

namespace lathe {

namespace {
/// The input of a product that is computed in calibrated integers; null of all others.
Value calibratedInput(Operation *op) {
  auto product = nn::WeightedProduct::of(op);
  auto precision = nn::precisionOf(op);
  return product && precision && precision->precision == nn::Precision::int8 ? product->input->get() : Value();
}

int64_t weightBytes(Operation *op) {
  nn::ConstantOp constant = nn::quantizableWeights(op);
  return constant ? 4 * nn::tensorType(constant).getNumElements() : 0;
}

/// Of each output.
std::vector<float> largestWeights(const nn::WeightedProduct &product) {
  auto weights = reference::constantTensor(product.weights->get());
  if (!weights)
    return {};
  nn::WeightPlaces places(product);
  std::vector<float> largest(size_t(places.outputs()));
  for (int64_t i = 0; i < weights->size(); ++i) {
    float &entry = largest[size_t(places.outputOf(i))];
    entry = std::max(entry, std::abs(weights->data<float>()[i]));
  }
  return largest;
}

template <class Visit> void forEachNode(func::FuncOp function, Visit visit) {
  for (auto [index, node] : llvm::enumerate(nn::quantizableNodes(function)))
    visit(index, node);
}
} // namespace

/// The same type in another context.
static RankedTensorType typeIn(MLIRContext &context, const reference::Tensor &tensor) {
  Type element = tensor.elementType();
  Builder b(&context);
  if (auto integer = dyn_cast<IntegerType>(element))
    return RankedTensorType::get(tensor.shape(),
                                 IntegerType::get(&context, integer.getWidth(), integer.getSignedness()));
  Type result = element.isBF16()  ? b.getBF16Type()
                : element.isF16() ? b.getF16Type()
                : element.isF64() ? b.getF64Type()
                                  : b.getF32Type();
  return RankedTensorType::get(tensor.shape(), result);
}

void addSample(const reference::Tensors &sample, QuantizationStudy &study) {
  reference::Tensors &copies = study.samples.emplace_back();
  for (const reference::Tensor &tensor : sample) {
    auto copy = reference::Tensor::allocate(typeIn(study.context, tensor));
    std::memcpy(copy.mutableData<char>(), tensor.data<char>(), size_t(tensor.sizeBytes()));
    copies.push_back(std::move(copy));
  }
}

void recordNodes(func::FuncOp function, QuantizationStudy &study) {
  study.nodes.clear();
  study.isFloatOutput.clear();
  ArrayRef<Type> results = function.getResultTypes();
  for (Type type : results.take_front(study.outputs.value_or(results.size())))
    study.isFloatOutput.push_back(cast<RankedTensorType>(type).getElementType().isF32());
  forEachNode(function, [&](size_t, const nn::QuantizableNode &node) {
    QuantizationStudy::Node entry;
    entry.name = node.name;
    auto precision = nn::precisionOf(node.op);
    if (precision && precision->precision != nn::Precision::f32) {
      entry.chosen = precision->precision;
      entry.choices.push_back({entry.chosen, 0});
      if (llvm::is_contained(node.candidates, nn::Precision::int4) && entry.chosen != nn::Precision::int4)
        entry.choices.push_back({nn::Precision::int4, 0});
    }
    entry.weightBytes = weightBytes(node.op);
    study.nodes.push_back(std::move(entry));
  });
}

void recordFactors(func::FuncOp function, QuantizationStudy &study) {
  forEachNode(function, [&](size_t index, const nn::QuantizableNode &node) {
    if (Value input = calibratedInput(node.op)) {
      ArrayRef<double> factors = nn::channelFactorsOf(input);
      study.nodes[index].factors.assign(factors.begin(), factors.end());
    }
  });
}

void recordRanges(func::FuncOp function, QuantizationStudy &study) {
  forEachNode(function, [&](size_t index, const nn::QuantizableNode &node) {
    Value input = calibratedInput(node.op);
    auto interval = input ? nn::intervalOf(input) : std::nullopt;
    if (!interval)
      return;
    QuantizationStudy::Node &entry = study.nodes[index];
    entry.range = {interval->low, interval->high};
    if (auto weights = nn::integerWeightsOf(node.op)) {
      entry.integers.assign(weights->integers.data<int8_t>(),
                            weights->integers.data<int8_t>() + weights->integers.size());
      entry.scales.assign(weights->scales.begin(), weights->scales.end());
      entry.largest = largestWeights(*nn::WeightedProduct::of(node.op));
    }
  });
}

void applyChoices(func::FuncOp function, const QuantizationStudy &study) {
  forEachNode(function, [&](size_t index, const nn::QuantizableNode &node) {
    const QuantizationStudy::Node &entry = study.nodes[index];
    if (entry.choices.empty())
      return;
    auto precision = nn::precisionOf(node.op).value_or(nn::NodePrecision());
    precision.precision = entry.chosen;
    precision.reason = entry.chosen == nn::Precision::f32 ? "chosen by --quantize auto" : "";
    nn::setPrecision(node.op, precision);
  });
}

void applyFactors(func::FuncOp function, const QuantizationStudy &study) {
  forEachNode(function, [&](size_t index, const nn::QuantizableNode &node) {
    Value input = calibratedInput(node.op);
    if (input && !study.nodes[index].factors.empty())
      nn::setChannelFactors(input, study.nodes[index].factors);
  });
}

/// The node after this one may have scaled this one's outputs when it was in integers, and not do so now: integers are the same
/// then, but scales are not (passes/quantize/ScaleProducer.h).
static SmallVector<float> presentScales(const nn::WeightedProduct &product, const QuantizationStudy::Node &entry) {
  SmallVector<float> scales(entry.scales.begin(), entry.scales.end());
  std::vector<float> largest = largestWeights(product);
  if (largest.size() == entry.largest.size() && largest.size() == scales.size())
    for (auto [scale, now, before] : llvm::zip_equal(scales, largest, entry.largest))
      if (before > 0 && now != before)
        scale *= now / before;
  return scales;
}

static nn::IntegerWeights integerWeights(Operation *op, const QuantizationStudy::Node &entry) {
  nn::WeightedProduct product = *nn::WeightedProduct::of(op);
  RankedTensorType type = nn::tensorType(product.constant());
  auto integers =
      reference::Tensor::allocate(RankedTensorType::get(type.getShape(), IntegerType::get(op->getContext(), 8)));
  llvm::copy(entry.integers, integers.mutableData<int8_t>());
  return {std::move(integers), presentScales(product, entry)};
}

void applyRanges(func::FuncOp function, const QuantizationStudy &study) {
  forEachNode(function, [&](size_t index, const nn::QuantizableNode &node) {
    if (Value input = calibratedInput(node.op)) {
      const QuantizationStudy::Node &entry = study.nodes[index];
      nn::setInterval(input, {entry.range.low, entry.range.high});
      if (!entry.integers.empty())
        nn::setIntegerWeights(node.op, integerWeights(node.op, entry));
    }
  });
}

} // namespace lathe
