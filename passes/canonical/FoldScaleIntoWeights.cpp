// Constant scales and shifts beside a convolution or matrix product become part of its weights and bias. Batch
// normalization, imported as a multiplication and an addition, disappears this way.
//
//   conv(x, w, b) * s  -> conv(x, w * s, b * s)         s per output channel
//   conv(x, w, b) + t  -> conv(x, w, b + t)
//   conv(x * s, w, b)  -> conv(x, w * s, b)             s per input channel; padding with zeros stays zeros
//   conv(x + t, w, b)  -> conv(x, w, b + sum(w * t))    only without padding, where x + t would be padded with zeros
//   (x * w) * s, (x * w + t) * s, (x * s) * w           the same for matrix products with constant right side
//
// Leaves products of constants for --lathe-fold-constants. Assumes that scaling weights in their own precision is as good as
// scaling results. Jacob et al., Quantization and Training, 2018, section 3.2.
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_FOLDSCALEINTOWEIGHTS
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

DimExprs ones(MLIRContext *context, size_t count) { return DimExprs(count, dimConstant(context, 1)); }

/// A constant that broadcasts along all axes but `axis` as a vector: [size of axis], or [1] for a scalar. Null otherwise.
Value alongAxis(Value constant, RankedTensorType type, int64_t axis, OpBuilder &b) {
  DimExprs dims = dimExprs(tensorType(constant)), target = dimExprs(type);
  AffineExpr kept = dimConstant(b.getContext(), 1);
  if (dims.size() > target.size())
    return {};
  for (size_t i = 0; i < dims.size(); ++i) {
    size_t aligned = target.size() - dims.size() + i;
    if (constantDim(dims[i]) == 1)
      continue;
    if (int64_t(aligned) != axis || dims[i] != target[aligned])
      return {};
    kept = dims[i];
  }
  return createReshape(b, constant.getLoc(), constant, {kept});
}

/// `weights`, seen with axes `split` ([group, x / group] instead of x), multiplied by `scale` along `axes` of that view.
Value scaleWeights(Value weights, ArrayRef<int64_t> view, Value scale, ArrayRef<int64_t> axes, OpBuilder &b) {
  MLIRContext *context = b.getContext();
  DimExprs viewDims, scaleDims = ones(context, view.size());
  for (int64_t size : view)
    viewDims.push_back(dimConstant(context, size));
  if (!tensorType(scale).hasStaticShape() || tensorType(scale).getNumElements() != 1)
    for (int64_t axis : axes)
      scaleDims[axis] = viewDims[axis];
  Location location = weights.getLoc();
  Value seen = createReshape(b, location, weights, viewDims);
  Value factor = createReshape(b, location, scale, scaleDims);
  Value scaled = b.create<BinaryOp>(location, seen.getType(), BinaryKind::mul, seen, factor);
  return createReshape(b, location, scaled, dimExprs(tensorType(weights)));
}

//===- the three contractions -===//

/// What the patterns need of an operation with constant weights.
struct Contraction {
  Operation *op = nullptr;
  Value input, weights, bias;
  int64_t inputAxis = 0, outputAxis = 0; // the channels
  bool takesBias = false;

  static std::optional<Contraction> of(Operation *op);
  Value scaledOutputs(Value scale, OpBuilder &b) const;
  Value scaledInputs(Value scale, OpBuilder &b) const;
};

std::optional<Contraction> Contraction::of(Operation *op) {
  Contraction result;
  result.op = op;
  if (auto matmul = dyn_cast_or_null<MatmulOp>(op)) {
    result.input = matmul.getLhs();
    result.weights = matmul.getRhs();
    result.inputAxis = tensorType(result.input).getRank() - (matmul.getTransLhs() ? 2 : 1);
    result.outputAxis = tensorType(matmul).getRank() - 1;
  } else if (auto conv = dyn_cast_or_null<ConvOp>(op)) {
    result.input = conv.getInput(), result.weights = conv.getFilter(), result.bias = conv.getBias();
    result.inputAxis = result.outputAxis = conv.getChannelsLast() ? tensorType(conv).getRank() - 1 : 1;
    result.takesBias = true;
  } else if (auto conv = dyn_cast_or_null<ConvTransposeOp>(op)) {
    result.input = conv.getInput(), result.weights = conv.getFilter(), result.bias = conv.getBias();
    result.inputAxis = result.outputAxis = conv.getChannelsLast() ? tensorType(conv).getRank() - 1 : 1;
    result.takesBias = true;
  } else {
    return std::nullopt;
  }
  if (!isa<FloatType>(tensorType(result.weights).getElementType()))
    return std::nullopt;
  if (result.weights.getDefiningOp<DequantizeOp>())
    return std::nullopt; // may be computed in integers
  bool isConstant = isConstantExpression(result.weights) && (!result.bias || isConstantExpression(result.bias));
  return isConstant && tensorType(result.weights).hasStaticShape() ? std::optional(result) : std::nullopt;
}

/// [a, b, k..] -> [group, a / group, b, k..]
SmallVector<int64_t> splitFirst(ArrayRef<int64_t> shape, int64_t group) {
  SmallVector<int64_t> view = {group, shape[0] / group};
  view.append(shape.begin() + 1, shape.end());
  return view;
}

Value Contraction::scaledOutputs(Value scale, OpBuilder &b) const {
  ArrayRef<int64_t> shape = tensorType(weights).getShape();
  if (auto matmul = dyn_cast<MatmulOp>(op))
    return scaleWeights(weights, shape, scale, int64_t(shape.size()) - (matmul.getTransRhs() ? 2 : 1), b);
  if (isa<ConvOp>(op))
    return scaleWeights(weights, shape, scale, 0, b); // [M, C / group, k..]
  return scaleWeights(weights, splitFirst(shape, cast<ConvTransposeOp>(op).getGroup()), scale, {0, 2},
                      b); // [C, M / group, k..]
}

Value Contraction::scaledInputs(Value scale, OpBuilder &b) const {
  ArrayRef<int64_t> shape = tensorType(weights).getShape();
  if (auto matmul = dyn_cast<MatmulOp>(op))
    return scaleWeights(weights, shape, scale, int64_t(shape.size()) - (matmul.getTransRhs() ? 1 : 2), b);
  if (auto conv = dyn_cast<ConvOp>(op))
    return scaleWeights(weights, splitFirst(shape, conv.getGroup()), scale, {0, 2}, b);
  return scaleWeights(weights, shape, scale, 0, b);
}

/// A copy of the contraction with other operands.
Operation *rebuild(const Contraction &old, Location location, Value input, Value weights, Value bias, OpBuilder &b) {
  Operation *op = b.clone(*old.op);
  op->setLoc(location);
  op->setOperand(0, input);
  op->setOperand(1, weights);
  if (auto conv = dyn_cast<ConvOp>(op))
    conv.getBiasMutable().assign(bias ? ValueRange(bias) : ValueRange());
  else if (auto transpose = dyn_cast<ConvTransposeOp>(op))
    transpose.getBiasMutable().assign(bias ? ValueRange(bias) : ValueRange());
  return op;
}

/// bias + shift, shift of one element or one per channel.
Value addToBias(Value bias, Value shift, int64_t channels, OpBuilder &b) {
  auto type = RankedTensorType::get({channels}, tensorType(shift).getElementType());
  if (bias)
    return b.create<BinaryOp>(shift.getLoc(), type, BinaryKind::add, bias, shift);
  return shift.getType() == type ? shift : b.create<BroadcastOp>(shift.getLoc(), type, shift).getOutput();
}

/// The constant that `op` multiplies its left operand by (1 / c for a division), as a vector along `axis`; null if it is none.
Value scaleAlong(BinaryOp op, RankedTensorType type, int64_t axis, OpBuilder &b) {
  bool isScale = op.getKind() == BinaryKind::mul || op.getKind() == BinaryKind::div;
  if (!isScale || !isa<FloatType>(type.getElementType()) || !isConstantExpression(op.getRhs()))
    return {};
  Value scale = alongAxis(op.getRhs(), type, axis, b);
  return scale && op.getKind() == BinaryKind::div ? createUnary(b, op.getLoc(), UnaryKind::reciprocal, scale) : scale;
}

int64_t outputChannels(const Contraction &c) { return tensorType(c.op->getResult(0)).getDimSize(c.outputAxis); }

//===- patterns -===//

/// mul(contraction(x, w, b), s)  ->  contraction(x, w * s, b * s)
struct ScaleAfter : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    auto contraction = Contraction::of(op.getLhs().getDefiningOp());
    if (!contraction || !contraction->op->hasOneUse() || op.getLhs().getType() != op.getType())
      return rewriter.notifyMatchFailure(op,
                                         "the left operand is no contraction with constant weights and this one use");
    Value scale = scaleAlong(op, tensorType(op), contraction->outputAxis, rewriter);
    if (!scale)
      return rewriter.notifyMatchFailure(op, "not multiplied by a constant per channel");
    Value bias = contraction->bias;
    if (bias)
      bias = rewriter.create<BinaryOp>(op.getLoc(), bias.getType(), BinaryKind::mul, bias, scale);
    Operation *scaled = rebuild(*contraction, fusedLocation({contraction->op, op}), contraction->input,
                                contraction->scaledOutputs(scale, rewriter), bias, rewriter);
    rewriter.replaceOp(op, scaled);
    return success();
  }
};

/// mul(add(matmul(x, w), t), s)  ->  add(matmul(x, w * s), t * s)
struct ScaleAfterShift : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    BinaryOp add = definedBy(op.getLhs(), BinaryKind::add);
    auto contraction = add ? Contraction::of(add.getLhs().getDefiningOp()) : std::nullopt;
    if (!contraction || contraction->takesBias || !add->hasOneUse() || !contraction->op->hasOneUse())
      return rewriter.notifyMatchFailure(op, "the left operand is no shifted matrix product with this one use");
    if (!isConstantExpression(add.getRhs()) || add.getLhs().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "the shift is not constant, or widens the product");
    Value scale = scaleAlong(op, tensorType(op), contraction->outputAxis, rewriter);
    if (!scale)
      return rewriter.notifyMatchFailure(op, "not multiplied by a constant per channel");
    Location location = fusedLocation({contraction->op, add, op});
    Operation *scaled =
        rebuild(*contraction, location, contraction->input, contraction->scaledOutputs(scale, rewriter), {}, rewriter);
    Value shift = rewriter.create<BinaryOp>(location, BinaryKind::mul, add.getRhs(), scale);
    rewriter.replaceOpWithNewOp<BinaryOp>(op, op.getType(), BinaryKind::add, scaled->getResult(0), shift)
        ->setLoc(location);
    return success();
  }
};

/// add(conv(x, w, b), t)  ->  conv(x, w, b + t)
struct ShiftAfter : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    auto contraction = Contraction::of(op.getLhs().getDefiningOp());
    if (!contraction || !contraction->takesBias || !contraction->op->hasOneUse() ||
        op.getLhs().getType() != op.getType())
      return rewriter.notifyMatchFailure(op,
                                         "the left operand is no convolution with constant weights and this one use");
    if (op.getKind() != BinaryKind::add || !isConstantExpression(op.getRhs()))
      return rewriter.notifyMatchFailure(op, "nothing constant is added");
    Value shift = alongAxis(op.getRhs(), tensorType(op), contraction->outputAxis, rewriter);
    if (!shift)
      return rewriter.notifyMatchFailure(op, "what is added is not per channel");
    Value bias = addToBias(contraction->bias, shift, outputChannels(*contraction), rewriter);
    rewriter.replaceOp(op, rebuild(*contraction, fusedLocation({contraction->op, op}), contraction->input,
                                   contraction->weights, bias, rewriter));
    return success();
  }
};

/// contraction(mul(x, s), w)  ->  contraction(x, w * s)
template <typename OpTy> struct ScaleBefore : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    auto contraction = Contraction::of(op);
    auto mul = contraction ? contraction->input.template getDefiningOp<BinaryOp>() : BinaryOp();
    if (!mul || !mul->hasOneUse() || mul.getLhs().getType() != mul.getType())
      return rewriter.notifyMatchFailure(op, "the input is no product used only here, or the weights are not constant");
    Value scale = scaleAlong(mul, tensorType(mul), contraction->inputAxis, rewriter);
    if (!scale)
      return rewriter.notifyMatchFailure(op, "the input is not multiplied by a constant per channel");
    rewriter.replaceOp(op, rebuild(*contraction, fusedLocation({mul, op}), mul.getLhs(),
                                   contraction->scaledInputs(scale, rewriter), contraction->bias, rewriter));
    return success();
  }
};

/// conv(add(x, t), w, b)  ->  conv(x, w, b + sum(w * t))   without padding
struct ShiftBefore : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ConvOp op, PatternRewriter &rewriter) const override {
    auto contraction = Contraction::of(op);
    BinaryOp add = contraction ? definedBy(contraction->input, BinaryKind::add) : BinaryOp();
    if (!add || !add->hasOneUse() || add.getLhs().getType() != add.getType() || !isConstantExpression(add.getRhs()))
      return rewriter.notifyMatchFailure(
          op, "the input is no sum with a constant used only here, or the weights are not constant");
    if (llvm::any_of(op.getPads(), [](int64_t pad) { return pad != 0; }))
      return rewriter.notifyMatchFailure(op, "zeros are padded after the shift");
    Value shift = alongAxis(add.getRhs(), tensorType(add), contraction->inputAxis, rewriter);
    if (!shift)
      return rewriter.notifyMatchFailure(op, "what is added is not per channel");
    Value products = contraction->scaledInputs(shift, rewriter);
    SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(1, tensorType(products).getRank()));
    Value sums = rewriter.create<ReduceOp>(op.getLoc(), ReduceKind::sum, products, axes, /*keepdims=*/false);
    Value bias = addToBias(contraction->bias, sums, outputChannels(*contraction), rewriter);
    rewriter.replaceOp(
        op, rebuild(*contraction, fusedLocation({add, op}), add.getLhs(), contraction->weights, bias, rewriter));
    return success();
  }
};

struct FoldScaleIntoWeights : impl::FoldScaleIntoWeightsBase<FoldScaleIntoWeights> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ScaleAfter, ScaleAfterShift, ShiftAfter, ScaleBefore<MatmulOp>, ScaleBefore<ConvOp>,
                 ScaleBefore<ConvTransposeOp>, ShiftBefore>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace lathe
