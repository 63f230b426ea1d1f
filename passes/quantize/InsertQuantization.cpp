// Operands of products become integers, which later passes compute with.
//
//   conv(x, w)  ->  conv(dequantize(quantize(x)), dequantize(quantize(w)))
//
// Operations say what becomes of them (Precision.h). Activations: unsigned, one scale and zero point per tensor, from the
// calibrated range; or, `int8-dynamic`, from the least and largest value at run time. Weights: signed, symmetric, a scale per
// output channel; `int4`, weights alone, in groups (GroupedWeights.h). What convolutions read is read as integers by all others,
// too (sums, pools): pictures are large. What only matrix products read stays f32 for others, so that sums of residual branches
// keep their precision. Tables of embeddings are stored as integers, too, and the matrices that recurrent cells multiply their
// state by. Assumes folded constants. A range that doesn't cover a value costs precision, nothing else.
// Jacob et al., 2018; Nagel et al., A White Paper on Neural Network Quantization, 2021, section 2.
#include "dialects/reference/Evaluate.h"
#include "dialects/support/Decisions.h"
#include "passes/Passes.h"
#include "passes/quantize/GroupedWeights.h"
#include "passes/quantize/IntegerWeights.h"
#include "passes/quantize/Precision.h"
#include "passes/quantize/Uniform.h"
#include "passes/quantize/ValueNote.h"
#include "passes/quantize/ValueRange.h"
#include "passes/quantize/WeightScales.h"
#include "passes/quantize/WeightedOperation.h"
#include "passes/support/QuantizedOrigin.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include <map>

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_INSERTQUANTIZATION
#include "passes/Passes.h.inc"

namespace nn {

static constexpr StringLiteral kRange = "lathe.range";

void setInterval(Value value, ValueInterval interval) { noteNumbers(value, kRange, {interval.low, interval.high}); }

std::optional<ValueInterval> intervalOf(Value value) {
  ArrayRef<double> range = numbersOf(value, kRange);
  return range.size() == 2 ? std::optional(ValueInterval{range[0], range[1]}) : std::nullopt;
}

ByteGrid byteGridOf(ValueInterval interval) {
  double low = std::min(interval.low, 0.0), high = std::max(interval.high, 0.0);
  double scale = std::max((high - low) / 255, double(std::numeric_limits<float>::min()));
  return {float(scale), uint8_t(std::clamp(std::nearbyint(-low / scale), 0.0, 255.0))};
}

void removeIntervals(func::FuncOp function) { removeNumbers(function, kRange); }

SmallVector<Value> calibratedInputs(func::FuncOp function) {
  llvm::SetVector<Value> inputs;
  function.walk([&](Operation *op) {
    auto product = WeightedProduct::of(op);
    auto wanted = precisionOf(op);
    if (!product || !wanted || wanted->precision != Precision::int8)
      return;
    Operation *producer = product->input->get().getDefiningOp();
    if (!producer || producer->getNumResults() == 1)
      inputs.insert(product->input->get());
  });
  return inputs.takeVector();
}

} // namespace nn

namespace {
using namespace nn;

/// Clips integers to [-most, most]: a quantization only knows the bounds of its type.
Value clipped(Value x, Value scale, double most, OpBuilder &b) {
  auto bound = [&](double integer) {
    Value limit = createScalar(b, x.getLoc(), b.getF32Type(), integer);
    return b.create<BinaryOp>(x.getLoc(), scale.getType(), BinaryKind::mul, scale, limit);
  };
  Value low = b.create<BinaryOp>(x.getLoc(), x.getType(), BinaryKind::max, x, bound(-most));
  return b.create<BinaryOp>(x.getLoc(), x.getType(), BinaryKind::min, low, bound(most));
}

/// The scales of weights, one for each index of `axis`, as a constant that broadcasts to them.
Value scaleConstant(ConstantOp weights, int64_t axis, ArrayRef<float> scales, OpBuilder &b) {
  SmallVector<int64_t> shape(size_t(tensorType(weights).getRank()), 1);
  shape[size_t(axis)] = int64_t(scales.size());
  auto type = RankedTensorType::get(shape, b.getF32Type());
  return b.create<ConstantOp>(weights.getLoc(), type, DenseElementsAttr::get(type, scales));
}

/// Integers of `bits` bits of constant weights, dequantized: a scale for each index of `axis`. Null if they are not finite.
Value quantizedConstant(ConstantOp constant, int64_t axis, unsigned bits, OpBuilder &b) {
  auto values = reference::constantTensor(constant);
  auto scales = values ? weightScales(*values, axis, bits) : std::nullopt;
  if (!scales)
    return {};
  Value scale = scaleConstant(constant, axis, *scales, b);
  Value inside = bits < 8 ? clipped(constant, scale, mostInteger(bits), b) : constant;
  Value integers = createQuantize(b, constant.getLoc(), inside, scale, {}, b.getIntegerType(8));
  return createDequantize(b, constant.getLoc(), integers, scale, {});
}

/// The same of integers that were rounded ahead; null if there are none.
Value roundedAhead(const WeightedProduct &product, OpBuilder &b) {
  auto weights = integerWeightsOf(product.op);
  ConstantOp constant = product.constant();
  RankedTensorType type = tensorType(constant);
  if (!weights || weights->integers.shape() != type.getShape() ||
      int64_t(weights->scales.size()) != type.getDimSize(unsigned(product.outputAxis)))
    return {};
  Value scale = scaleConstant(constant, product.outputAxis, weights->scales, b);
  Value integers = b.create<ConstantOp>(constant.getLoc(), weights->integers.type(), weights->integers.toAttribute());
  return createDequantize(b, constant.getLoc(), integers, scale, {});
}

/// Scale and zero point of unsigned 8-bit integers.
struct Parameters {
  Value scale, zero;
};

Type unsignedByte(OpBuilder &b) { return b.getIntegerType(8, /*isSigned=*/false); }

Parameters fixedParameters(ValueInterval interval, Location location, OpBuilder &b) {
  ByteGrid grid = byteGridOf(interval);
  return {createScalar(b, location, b.getF32Type(), grid.scale), createScalar(b, location, unsignedByte(b), grid.zero)};
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

/// Integers of `x`, dequantized right behind it.
Value quantizedInput(Value x, bool isDynamic) {
  OpBuilder b(x.getContext());
  b.setInsertionPointAfterValue(x);
  Location location = x.getLoc();
  Parameters p = isDynamic ? measuredParameters(x, location, b) : fixedParameters(*intervalOf(x), location, b);
  Value integers = createQuantize(b, location, x, p.scale, p.zero, unsignedByte(b));
  setQuantizedOrigin(integers.getDefiningOp(), originOf(x), p.scale, p.zero);
  return createDequantize(b, location, integers, p.scale, p.zero);
}

/// Makes the operands `products`, and all others that read a picture that is shared, read integers of `x`.
void replaceUses(Value x, bool isDynamic, bool isShared, ArrayRef<OpOperand *> products) {
  Value replaced = quantizedInput(x, isDynamic);
  Operation *quantize = replaced.getDefiningOp<DequantizeOp>().getInput().getDefiningOp();
  bool isPicture = isShared && llvm::any_of(products, [](OpOperand *use) { return isa<ConvOp>(use->getOwner()); });
  if (isPicture)
    x.replaceUsesWithIf(replaced, [&](OpOperand &use) {
      return use.getOwner() != quantize && !use.getOwner()->hasTrait<OpTrait::IsTerminator>();
    });
  for (OpOperand *use : products)
    use->set(replaced);
}

struct InsertQuantization : impl::InsertQuantizationBase<InsertQuantization> {
  using InsertQuantizationBase::InsertQuantizationBase;
  using Uses = llvm::MapVector<Value, SmallVector<OpOperand *>>;

  void decide(Operation *op, bool isTaken, const Twine &reason) {
    decisions.push_back({nodeName(op->getLoc()), "quantize", isTaken, reason.str()});
  }

  void visitProduct(const WeightedProduct &product, const NodePrecision &wanted, Uses &calibrated, Uses &measured) {
    if (wanted.precision == Precision::f32)
      return decide(product.op, false, wanted.reason);
    if (wanted.precision == Precision::int4)
      return visitGrouped(product, wanted);
    bool isDynamic = wanted.precision == Precision::int8Dynamic;
    if (isDynamic && !isa<MatmulOp>(product.op))
      return decide(product.op, false, "convolutions have calibrated ranges or none");
    if (!isDynamic && !intervalOf(product.input->get()))
      return decide(product.op, false, "the input was not calibrated");
    OpBuilder b(product.op);
    Value weights = roundedAhead(product, b);
    if (!weights)
      weights = quantizedConstant(product.constant(), product.outputAxis, wanted.weightBits, b);
    if (!weights)
      return decide(product.op, false, "weights are not finite");
    if (!wanted.reason.empty())
      decide(product.op, true, wanted.reason);
    product.weights->set(weights);
    (isDynamic ? measured : calibrated)[product.input->get()].push_back(product.input);
  }

  /// Weights of 4 bits, without data.
  void visitGrouped(const WeightedProduct &product, const NodePrecision &wanted) {
    auto matmul = dyn_cast<MatmulOp>(product.op);
    std::string reason = matmul ? reasonAgainstIntegerWeights(matmul) : "convolutions have no weights of 4 bits";
    if (!reason.empty())
      return decide(product.op, false, reason);
    // Products of one matrix share its integers.
    Value &shared = grouped[{product.weights->get().getAsOpaquePointer(), {product.outputAxis, wanted.groupSize}}];
    if (!shared) {
      auto weights = WeightMatrix::of(product);
      if (!weights)
        return decide(product.op, false, "weights are not finite");
      OpBuilder b(product.op->getContext());
      b.setInsertionPointAfter(product.constant());
      shared = createGrouped(b, product, roundToNearest(*weights, nullptr, wanted.groupSize));
    }
    product.weights->set(shared);
  }

  /// Weights that are read as numbers wherever they are used: as integers with a scale for each index of `axis`.
  void storeAsIntegers(OpOperand &weights, int64_t axis, const NodePrecision &wanted, const char *what,
                       const char *notFinite) {
    Operation *op = weights.getOwner();
    if (wanted.precision == Precision::f32)
      return decide(op, false, wanted.reason);
    OpBuilder b(op);
    Value integers = quantizedConstant(weights.get().getDefiningOp<ConstantOp>(), axis, wanted.weightBits, b);
    decide(op, bool(integers), integers ? std::string(what) + " stored as integers" : std::string(notFinite));
    if (integers)
      weights.set(integers);
  }

  void runOnOperation() override {
    decisions.clear();
    grouped.clear();
    Uses calibrated, measured;
    getOperation().walk([&](Operation *op) {
      auto wanted = precisionOf(op);
      if (!wanted)
        return;
      if (auto product = WeightedProduct::of(op))
        visitProduct(*product, *wanted, calibrated, measured);
      else if (lookedUpTable(op)) // embeddings
        storeAsIntegers(cast<GatherOp>(op).getInputMutable(), 0, *wanted, "rows of the table are",
                        "the table is not finite");
      else if (recurrenceMatrices(op)) // a scale per gate and unit, for both directions; states stay f32
        storeAsIntegers(cast<RecurrentOp>(op).getRecurrenceMutable(), 1, *wanted, "the recurrence's weights are",
                        "weights are not finite");
    });
    for (auto &[input, products] : measured)
      replaceUses(input, /*isDynamic=*/true, /*isShared=*/false, products);
    for (auto &[input, products] : calibrated)
      replaceUses(input, /*isDynamic=*/false, /*isShared=*/!isolated, products);
    removeIntervals(getOperation());
    removePrecisions(getOperation());
    removeIntegerWeights(getOperation());
    addDecisions(getOperation(), decisions);
  }

  std::vector<Decision> decisions;
  std::map<std::pair<void *, std::pair<int64_t, int64_t>>, Value>
      grouped; // by matrix, axis of the columns and size of groups
};

} // namespace
} // namespace lathe
