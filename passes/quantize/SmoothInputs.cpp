// Channels of what products read become alike, at the weights' expense.
//
//   matmul(x, w)  ->  matmul(x * (1 / s), w * s)      s per index of what is summed over; for convolutions: per input channel
//
// Where x comes from a product through what factors pass, its weights are divided instead (ScaleProducer.h). Else the multiplication costs
// little: --lathe-fold-quantize-scale joins it with the one by the scale. Others (residual sums) read x as it was. Assumes `lathe.channel_factors` (s) from calibration, positive and finite; values without are left alone.
// Xiao et al., SmoothQuant, 2023, section 4.
#include "dialects/reference/Evaluate.h"
#include "passes/Passes.h"
#include "passes/quantize/ScaleProducer.h"
#include "passes/quantize/Uniform.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_SMOOTHINPUTS
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

FailureOr<Value> scaledWeights(const WeightedProduct &product, ArrayRef<double> factors) {
  ConstantOp constant = product.constant();
  auto values = reference::constantTensor(constant);
  if (!values)
    return failure();
  reference::Tensor result = reference::Tensor::allocate(values->type());
  WeightPlaces places(product);
  for (int64_t i = 0; i < result.size(); ++i)
    result.mutableData<float>()[i] = float(values->data<float>()[i] * factors[size_t(places.channelOf(i))]);
  OpBuilder b(product.op);
  return Value(b.create<ConstantOp>(constant.getLoc(), tensorType(constant), result.toAttribute()));
}

Value scaledInput(const SmoothableInput &input, ArrayRef<float> inverse) {
  Value x = input.value;
  OpBuilder b(x.getContext());
  b.setInsertionPointAfterValue(x);
  SmallVector<int64_t> shape(size_t(tensorType(x).getRank() - input.axis), 1);
  shape[0] = input.channels();
  auto type = RankedTensorType::get(shape, b.getF32Type());
  Value constant = b.create<ConstantOp>(x.getLoc(), type, DenseElementsAttr::get(type, ArrayRef<float>(inverse)));
  return b.create<BinaryOp>(x.getLoc(), x.getType(), BinaryKind::mul, x, constant);
}

struct SmoothInputs : impl::SmoothInputsBase<SmoothInputs> {
  /// All of its products are scaled, or none.
  void smooth(const SmoothableInput &input, ArrayRef<double> factors) {
    SmallVector<Value> weights;
    for (const WeightedProduct &product : input.products) {
      FailureOr<Value> scaled = scaledWeights(product, factors);
      if (failed(scaled))
        return;
      weights.push_back(*scaled);
    }
    SmallVector<float> inverse = llvm::map_to_vector(factors, [](double factor) { return float(1 / factor); });
    auto path = ProducerPath::of(input);
    Value scaled = path && path->scale(inverse) ? input.value : scaledInput(input, inverse);
    for (auto [product, constant] : llvm::zip_equal(input.products, weights)) {
      product.weights->set(constant);
      product.input->set(scaled);
    }
  }

  void runOnOperation() override {
    for (const SmoothableInput &input : smoothableInputs(getOperation()))
      if (ArrayRef<double> factors = channelFactorsOf(input.value); int64_t(factors.size()) == input.channels())
        smooth(input, factors);
    removeChannelFactors(getOperation());
  }
};

} // namespace
} // namespace lathe
