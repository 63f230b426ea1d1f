// Operands of products become integers, which later passes compute with.
//
//   conv(x, w)  ->  conv(dequantize(quantize(x)), dequantize(quantize(w)))
//
// Activations: unsigned, one scale and zero point per tensor, from the calibrated range; or, `dynamic`, from the least and largest
// value at run time. Weights: signed, symmetric, a scale per output channel. What convolutions read is read as integers by all
// others, too (sums, pools): pictures are large. What only matrix products read stays f32 for others, so that sums of residual
// branches keep their precision. Tables of embeddings are stored as integers, too. Assumes folded constants. A range that doesn't cover a value costs precision, nothing else.
// Jacob et al., 2018; Nagel et al., A White Paper on Neural Network Quantization, 2021, section 2.
#include "dialects/reference/Evaluate.h"
#include "dialects/support/Decisions.h"
#include "passes/Passes.h"
#include "passes/quantize/Uniform.h"
#include "passes/quantize/ValueRange.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Regex.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_INSERTQUANTIZATION
#include "passes/Passes.h.inc"

namespace nn {

namespace {
constexpr StringLiteral kRange = "lathe.range";

/// A product with constant weights in f32.
struct WeightedProduct {
  Operation *op;
  OpOperand *input, *weights;
  int64_t outputAxis; // of the weights

  static std::optional<WeightedProduct> of(Operation *op) {
    if (!isa<MatmulOp, ConvOp>(op) || !tensorType(op->getResult(0)).getElementType().isF32())
      return std::nullopt;
    WeightedProduct product{op, &op->getOpOperand(0), &op->getOpOperand(1), 0};
    auto constant = product.weights->get().getDefiningOp<ConstantOp>();
    if (!constant || product.input->get().getDefiningOp<ConstantOp>() || !tensorType(constant).hasStaticShape())
      return std::nullopt;
    if (auto matmul = dyn_cast<MatmulOp>(op)) {
      if (tensorType(constant).getRank() != 2)
        return std::nullopt;
      product.outputAxis = matmul.getTransRhs() ? 0 : 1;
    }
    return product;
  }
};

bool isKept(Operation *op, StringRef keep) { return !keep.empty() && llvm::Regex(keep).match(nodeName(op->getLoc())); }
} // namespace

void setInterval(Value value, ValueInterval interval) {
  Attribute attribute = DenseF64ArrayAttr::get(value.getContext(), {interval.low, interval.high});
  if (auto argument = dyn_cast<BlockArgument>(value))
    cast<func::FuncOp>(argument.getOwner()->getParentOp()).setArgAttr(argument.getArgNumber(), kRange, attribute);
  else
    value.getDefiningOp()->setAttr(kRange, attribute);
}

std::optional<ValueInterval> intervalOf(Value value) {
  Attribute attribute;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()))
      attribute = function.getArgAttr(argument.getArgNumber(), kRange);
  } else {
    attribute = value.getDefiningOp()->getAttr(kRange);
  }
  auto range = dyn_cast_or_null<DenseF64ArrayAttr>(attribute);
  return range && range.size() == 2 ? std::optional(ValueInterval{range[0], range[1]}) : std::nullopt;
}

void removeIntervals(func::FuncOp function) {
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    function.removeArgAttr(i, StringAttr::get(function.getContext(), kRange));
  function.walk([](Operation *op) { op->removeAttr(kRange); });
}

SmallVector<Value> quantizableInputs(func::FuncOp function, StringRef keep) {
  llvm::SetVector<Value> inputs;
  function.walk([&](Operation *op) {
    auto product = WeightedProduct::of(op);
    Operation *producer = product ? product->input->get().getDefiningOp() : nullptr;
    if (product && !isKept(op, keep) && (!producer || producer->getNumResults() == 1))
      inputs.insert(product->input->get());
  });
  return inputs.takeVector();
}

} // namespace nn

namespace {
using namespace nn;

/// Largest magnitude of the weights of each output channel.
SmallVector<double> magnitudes(const reference::Tensor &weights, int64_t axis) {
  SmallVector<double> result(weights.dim(axis), 0);
  const float *data = weights.data<float>();
  int64_t inner = 1;
  for (int64_t size : weights.shape().drop_front(axis + 1))
    inner *= size;
  for (int64_t i = 0; i < weights.size(); ++i) {
    double &magnitude = result[size_t(i / inner % weights.dim(axis))];
    magnitude = std::max(magnitude, double(std::abs(data[i])));
  }
  return result;
}

/// Integers of constant weights, dequantized: a scale for each index of `axis`. Null if they are not finite.
Value quantizedConstant(ConstantOp constant, int64_t axis, OpBuilder &b) {
  auto values = reference::Tensor::fromAttribute(constant.getValue());
  if (!values) {
    llvm::consumeError(values.takeError());
    return {};
  }
  SmallVector<float> scales;
  for (double magnitude : magnitudes(*values, axis)) {
    if (!std::isfinite(magnitude))
      return {};
    scales.push_back(std::max(float(magnitude / 127), std::numeric_limits<float>::min()));
  }
  SmallVector<int64_t> shape(values->rank(), 1);
  shape[axis] = values->dim(axis);
  auto type = RankedTensorType::get(shape, b.getF32Type());
  Value scale = b.create<ConstantOp>(constant.getLoc(), type, DenseElementsAttr::get(type, ArrayRef<float>(scales)));
  Value integers = createQuantize(b, constant.getLoc(), constant, scale, {}, b.getIntegerType(8));
  return createDequantize(b, constant.getLoc(), integers, scale, {});
}

/// Scale and zero point of unsigned 8-bit integers.
struct Parameters {
  Value scale, zero;
};

Type unsignedByte(OpBuilder &b) { return b.getIntegerType(8, /*isSigned=*/false); }

Parameters fixedParameters(ValueInterval interval, Location location, OpBuilder &b) {
  double low = std::min(interval.low, 0.0), high = std::max(interval.high, 0.0);
  double scale = std::max((high - low) / 255, double(std::numeric_limits<float>::min()));
  double zero = std::clamp(std::nearbyint(-low / scale), 0.0, 255.0);
  return {createScalar(b, location, b.getF32Type(), scale), createScalar(b, location, unsignedByte(b), zero)};
}

/// From the least and largest value; a tensor of zeros has a scale of 0.
Parameters measuredParameters(Value x, Location location, OpBuilder &b) {
  auto scalar = RankedTensorType::get({}, b.getF32Type());
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, tensorType(x).getRank()));
  Value none = createScalar(b, location, b.getF32Type(), 0);
  auto extreme = [&](ReduceKind reduce, BinaryKind kind) -> Value {
    Value value = b.create<ReduceOp>(location, reduce, x, axes, /*keepdims=*/false);
    return b.create<BinaryOp>(location, scalar, kind, value, none);
  };
  Value low = extreme(ReduceKind::min, BinaryKind::min), high = extreme(ReduceKind::max, BinaryKind::max);
  Value span = b.create<BinaryOp>(location, scalar, BinaryKind::sub, high, low);
  Value scale =
      b.create<BinaryOp>(location, scalar, BinaryKind::mul, span, createScalar(b, location, b.getF32Type(), 1.0 / 255));
  Value distance = createUnary(b, location, UnaryKind::neg, low);
  return {scale, createQuantize(b, location, distance, scale, {}, unsignedByte(b))};
}

struct InsertQuantization : impl::InsertQuantizationBase<InsertQuantization> {
  using InsertQuantizationBase::InsertQuantizationBase;

  std::string reasonAgainst(const WeightedProduct &product) {
    if (isKept(product.op, keep))
      return "kept in f32 by --keep";
    if (dynamic && !isa<MatmulOp>(product.op))
      return "convolutions have calibrated ranges or none";
    if (!dynamic && !intervalOf(product.input->get()))
      return "the input was not calibrated";
    return "";
  }

  /// Integers of `x`, dequantized right behind it.
  Value quantizedInput(Value x) {
    OpBuilder b(x.getContext());
    b.setInsertionPointAfterValue(x);
    Location location = x.getLoc();
    Parameters p = dynamic ? measuredParameters(x, location, b) : fixedParameters(*intervalOf(x), location, b);
    Value integers = createQuantize(b, location, x, p.scale, p.zero, unsignedByte(b));
    return createDequantize(b, location, integers, p.scale, p.zero);
  }

  void replaceUses(Value x, ArrayRef<OpOperand *> products) {
    Value replaced = quantizedInput(x);
    Operation *quantize = replaced.getDefiningOp<DequantizeOp>().getInput().getDefiningOp();
    bool isPicture = !dynamic && llvm::any_of(products, [](OpOperand *use) { return isa<ConvOp>(use->getOwner()); });
    if (isPicture)
      x.replaceUsesWithIf(replaced, [&](OpOperand &use) {
        return use.getOwner() != quantize && !use.getOwner()->hasTrait<OpTrait::IsTerminator>();
      });
    for (OpOperand *use : products)
      use->set(replaced);
  }

  /// Rows of large tables that are looked up (embeddings) have a scale each.
  void quantizeTable(GatherOp op, std::vector<Decision> &decisions) {
    constexpr int64_t fewest = 1 << 14; // elements
    auto constant = op.getInput().getDefiningOp<ConstantOp>();
    if (!constant || op.getAxis() != 0 || !tensorType(constant).getElementType().isF32() ||
        tensorType(constant).getRank() != 2 || tensorType(constant).getNumElements() < fewest)
      return;
    OpBuilder b(op);
    Value table = isKept(op, keep) ? Value() : quantizedConstant(constant, 0, b);
    decisions.push_back({nodeName(op->getLoc()), "quantize", bool(table),
                         table              ? "rows of the table are stored as integers"
                         : isKept(op, keep) ? "kept in f32 by --keep"
                                            : "the table is not finite"});
    if (table)
      op.getInputMutable().assign(table);
  }

  void runOnOperation() override {
    llvm::MapVector<Value, SmallVector<OpOperand *>> inputs;
    std::vector<Decision> decisions;
    getOperation().walk([&](Operation *op) {
      auto product = WeightedProduct::of(op);
      if (!product)
        return;
      std::string reason = reasonAgainst(*product);
      OpBuilder b(op);
      Value weights = reason.empty() ? quantizedConstant(product->weights->get().getDefiningOp<ConstantOp>(),
                                                         product->outputAxis, b)
                                     : Value();
      if (reason.empty() && !weights)
        reason = "weights are not finite";
      if (!reason.empty())
        return decisions.push_back({nodeName(op->getLoc()), "quantize", false, reason});
      product->weights->set(weights);
      inputs[product->input->get()].push_back(product->input);
    });
    for (auto &[value, products] : inputs)
      replaceUses(value, products);
    getOperation().walk([&](GatherOp op) { quantizeTable(op, decisions); });
    removeIntervals(getOperation());
    addDecisions(getOperation(), decisions);
  }
};

} // namespace
} // namespace lathe
