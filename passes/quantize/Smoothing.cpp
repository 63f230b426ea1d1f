#include "passes/quantize/Smoothing.h"
#include "passes/quantize/Precision.h"
#include "passes/quantize/ValueNote.h"
#include "passes/quantize/WeightedOperation.h"

using namespace mlir;

namespace lathe::nn {

static constexpr StringLiteral kFactors = "lathe.channel_factors";

void setChannelFactors(Value value, ArrayRef<double> factors) { noteNumbers(value, kFactors, factors); }
ArrayRef<double> channelFactorsOf(Value value) { return numbersOf(value, kFactors); }
void removeChannelFactors(func::FuncOp function) { removeNumbers(function, kFactors); }

namespace {
bool readsCalibrated(const WeightedProduct &product) {
  auto precision = precisionOf(product.op);
  return precision && precision->precision == Precision::int8;
}

bool canSmooth(const SmoothableInput &input) {
  Operation *producer = input.value.getDefiningOp();
  bool isPicture = input.isPicture();
  size_t readers = size_t(std::distance(input.value.user_begin(), input.value.user_end()));
  return (!producer || producer->getNumResults() == 1) && !ShapedType::isDynamic(input.channels()) &&
         (!isPicture || readers == 1) && llvm::all_of(input.products, [&](const WeightedProduct &product) {
           return isa<ConvOp>(product.op) == isPicture && product.inputAxis() == input.axis;
         });
}
} // namespace

int64_t SmoothableInput::channels() const { return tensorType(value).getShape()[size_t(axis)]; }
bool SmoothableInput::isPicture() const { return isa<ConvOp>(products.front().op); }

SmallVector<SmoothableInput> smoothableInputs(func::FuncOp function) {
  llvm::MapVector<Value, SmoothableInput> inputs;
  function.walk([&](Operation *op) {
    auto product = WeightedProduct::of(op);
    if (!product || !readsCalibrated(*product))
      return;
    Value value = product->input->get();
    inputs.try_emplace(value, SmoothableInput{value, product->inputAxis(), {}})
        .first->second.products.push_back(*product);
  });
  SmallVector<SmoothableInput> result;
  for (auto &[value, input] : inputs)
    if (canSmooth(input))
      result.push_back(std::move(input));
  return result;
}

} // namespace lathe::nn
