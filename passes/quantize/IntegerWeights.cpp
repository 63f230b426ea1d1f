#include "passes/quantize/IntegerWeights.h"

using namespace mlir;

namespace lathe::nn {

static constexpr StringLiteral kIntegers = "lathe.integer_weights", kScales = "lathe.integer_scales";

void setIntegerWeights(Operation *op, const IntegerWeights &weights) {
  op->setAttr(kIntegers, weights.integers.toAttribute());
  op->setAttr(kScales, DenseF32ArrayAttr::get(op->getContext(), weights.scales));
}

std::optional<IntegerWeights> integerWeightsOf(Operation *op) {
  auto integers = op->getAttrOfType<ElementsAttr>(kIntegers);
  auto scales = op->getAttrOfType<DenseF32ArrayAttr>(kScales);
  if (!integers || !scales || !integers.getElementType().isSignlessInteger(8))
    return std::nullopt;
  auto tensor = reference::Tensor::fromAttribute(integers);
  if (tensor)
    return IntegerWeights{std::move(*tensor), SmallVector<float>(scales.asArrayRef())};
  llvm::consumeError(tensor.takeError());
  return std::nullopt;
}

void removeIntegerWeights(func::FuncOp function) {
  function.walk([](Operation *op) {
    op->removeAttr(kIntegers);
    op->removeAttr(kScales);
  });
}

} // namespace lathe::nn
