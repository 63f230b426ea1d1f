// Activation functions that exporters write out in parts: hard_sigmoid, hard_swish, swish, mish, sigmoid, softplus, relu,
// leaky_relu, and softmax.
//
// Assumes that a NaN input may come out as the activation's own NaN rule says (max(NaN, 0) is 0 in some runtimes).
// Howard et al., Searching for MobileNetV3, 2019 (hard_swish); Misra, Mish, 2019; Ramachandran et al., Swish, 2017.
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_RECOGNIZEACTIVATION
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

bool isFloating(Value value) { return isa<FloatType>(tensorType(value).getElementType()); }

/// clip(scale * input + shift, 0, 1)
struct UnitRamp {
  Value input;
  double scale = 0, shift = 0;
};

/// factor * value as a ramp, where value is a clipped affine function or a hard_sigmoid (of `input`, if given).
std::optional<UnitRamp> matchUnitRamp(Value value, double factor, Value input = {}) {
  Affine outer = flattenAffine(value);
  outer.scale *= factor;
  outer.shift *= factor;
  if (UnaryOp ramp = definedBy(outer.input, UnaryKind::hard_sigmoid))
    if (isNear(outer.scale, 1) && outer.shift == 0)
      return UnitRamp{ramp.getInput(), ramp.getAlpha().convertToDouble(), ramp.getBeta().convertToDouble()};
  auto clip = matchClip(outer.input);
  if (!clip || outer.scale <= 0 || std::abs(outer.scale * clip->low + outer.shift) > 1e-6 ||
      !isNear(outer.scale * clip->high + outer.shift, 1))
    return std::nullopt;
  Affine inner = flattenAffine(clip->input, input);
  return UnitRamp{inner.input, outer.scale * inner.scale, outer.scale * inner.shift + outer.shift};
}

/// max(x, 0) -> relu x;  max(x, a * x) with 0 < a < 1 -> leaky_relu x
struct ReluOfMax : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    if (op.getKind() != BinaryKind::max || !isFloating(op.getOutput()))
      return rewriter.notifyMatchFailure(op, "not a floating maximum");
    if (auto max = matchWithScalar(op.getOutput(), BinaryKind::max)) {
      if (max->scalar != 0 || max->input.getType() != op.getType())
        return rewriter.notifyMatchFailure(op, "not a maximum with 0");
      rewriter.replaceOp(op, createUnary(rewriter, op.getLoc(), UnaryKind::relu, max->input));
      return success();
    }
    for (auto [x, line] : {std::pair(op.getLhs(), op.getRhs()), std::pair(op.getRhs(), op.getLhs())})
      if (auto mul = matchWithScalar(line, BinaryKind::mul);
          mul && mul->input == x && mul->scalar > 0 && mul->scalar < 1) {
        rewriter.replaceOp(op, createUnary(rewriter, op.getLoc(), UnaryKind::leaky_relu, x, mul->scalar));
        return success();
      }
    return rewriter.notifyMatchFailure(op, "not a maximum with 0 or with a smaller multiple");
  }
};

/// select(x > 0, x, a * x) -> leaky_relu x   (also >=, and < or <= with the branches exchanged)
struct LeakyReluOfSelect : OpRewritePattern<SelectOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SelectOp op, PatternRewriter &rewriter) const override {
    auto compare = op.getCondition().getDefiningOp<BinaryOp>();
    if (!compare || scalarConstant(compare.getRhs()) != 0.0 || !isFloating(op.getOutput()))
      return rewriter.notifyMatchFailure(op, "the condition is no comparison with 0");
    BinaryKind kind = compare.getKind();
    bool isAbove = kind == BinaryKind::greater || kind == BinaryKind::greater_equal;
    if (!isAbove && kind != BinaryKind::less && kind != BinaryKind::less_equal)
      return rewriter.notifyMatchFailure(op, "the condition is no order");
    Value x = compare.getLhs();
    auto mul = matchWithScalar(isAbove ? op.getRhs() : op.getLhs(), BinaryKind::mul);
    if ((isAbove ? op.getLhs() : op.getRhs()) != x || !mul || mul->input != x || x.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "the branches are not x and a multiple of x");
    rewriter.replaceOp(op, createUnary(rewriter, op.getLoc(), UnaryKind::leaky_relu, x, mul->scalar));
    return success();
  }
};

/// clip(a * x + b, 0, 1) -> hard_sigmoid x;  clip(x + 3, 0, 6) / 6 likewise
struct HardSigmoidOfClip : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    if (!isFloating(op.getOutput()))
      return rewriter.notifyMatchFailure(op, "not floating");
    auto ramp = matchUnitRamp(op.getOutput(), 1);
    if (!ramp || ramp->input.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "not a ramp from 0 to 1");
    if (ramp->scale == 1 && ramp->shift == 0)
      return rewriter.notifyMatchFailure(op, "a plain clip, as cheap as hard_sigmoid");
    rewriter.replaceOp(
        op, createUnary(rewriter, op.getLoc(), UnaryKind::hard_sigmoid, ramp->input, ramp->scale, ramp->shift));
    return success();
  }
};

/// x * f(x)  ->  hard_swish (f a ramp of slope 1/6), swish (f = sigmoid(a x)), mish (f = tanh(softplus(x)))
struct GatedByItself : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    if ((op.getKind() != BinaryKind::mul && op.getKind() != BinaryKind::div) || !isFloating(op.getOutput()))
      return rewriter.notifyMatchFailure(op, "not a floating product");
    Product product = flattenProduct(op.getOutput());
    if (product.factors.size() != 2)
      return rewriter.notifyMatchFailure(op, "not a product of two factors");
    for (int i = 0; i < 2; ++i)
      if (Value gated = gate(op, product.factors[i], product.factors[1 - i], product.coefficient, rewriter)) {
        rewriter.replaceOp(op, gated);
        return success();
      }
    return rewriter.notifyMatchFailure(op, "no factor is a known gate of the other");
  }

  static Value gate(BinaryOp op, Value x, Value factor, double coefficient, PatternRewriter &rewriter) {
    if (x.getType() != op.getType())
      return {};
    if (auto ramp = matchUnitRamp(factor, coefficient, x); ramp && ramp->input == x)
      return isNear(ramp->scale, 1.0 / 6) && isNear(ramp->shift, 0.5)
                 ? createUnary(rewriter, op.getLoc(), UnaryKind::hard_swish, x)
                 : Value();
    auto unary = factor.getDefiningOp<UnaryOp>();
    if (!unary || !isNear(coefficient, 1))
      return {};
    if (unary.getKind() == UnaryKind::sigmoid) {
      Affine argument = flattenAffine(unary.getInput(), x);
      if (argument.input == x && argument.shift == 0)
        return createUnary(rewriter, op.getLoc(), UnaryKind::swish, x, argument.scale);
    }
    UnaryOp inner = definedBy(unary.getInput(), UnaryKind::softplus);
    if (unary.getKind() == UnaryKind::tanh && inner && inner.getInput() == x)
      return createUnary(rewriter, op.getLoc(), UnaryKind::mish, x);
    return {};
  }
};

/// 1 / (1 + exp(-x)) -> sigmoid x
template <typename OpTy> struct SigmoidOfExp : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  static Value denominator(UnaryOp op) { return op.getKind() == UnaryKind::reciprocal ? op.getInput() : Value(); }
  static Value denominator(BinaryOp op) {
    return op.getKind() == BinaryKind::div && scalarConstant(op.getLhs()) == 1.0 ? op.getRhs() : Value();
  }

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    Value below = denominator(op);
    auto sum = below ? matchWithScalar(below, BinaryKind::add) : std::nullopt;
    UnaryOp exp = sum && sum->scalar == 1 ? definedBy(sum->input, UnaryKind::exp) : UnaryOp();
    if (!exp)
      return rewriter.notifyMatchFailure(op, "not 1 / (1 + exp(..))");
    Product exponent = flattenProduct(exp.getInput());
    if (exponent.coefficient != -1 || exponent.factors.size() != 1 || exponent.factors[0].getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "the exponent is not -x");
    rewriter.replaceOp(op, createUnary(rewriter, op.getLoc(), UnaryKind::sigmoid, exponent.factors[0]));
    return success();
  }
};

/// log(1 + exp(x)) -> softplus x
struct SoftplusOfLog : OpRewritePattern<UnaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(UnaryOp op, PatternRewriter &rewriter) const override {
    if (op.getKind() != UnaryKind::log)
      return rewriter.notifyMatchFailure(op, "not a logarithm");
    auto sum = matchWithScalar(op.getInput(), BinaryKind::add);
    UnaryOp exp = sum && sum->scalar == 1 ? definedBy(sum->input, UnaryKind::exp) : UnaryOp();
    if (!exp || exp.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "not the logarithm of 1 + exp(..)");
    rewriter.replaceOp(op, createUnary(rewriter, op.getLoc(), UnaryKind::softplus, exp.getInput()));
    return success();
  }
};

/// e / sum(e) with e = exp(x - max(x)) -> softmax x   (sums and maxima along one axis)
struct SoftmaxOfParts : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  static std::optional<int64_t> axisOf(Value value, ReduceKind kind, Value of) {
    auto reduce = value.getDefiningOp<ReduceOp>();
    bool matches = reduce && reduce.getKind() == kind && reduce.getKeepdims() && reduce.getInput() == of;
    return matches && reduce.getAxes().size() == 1 ? std::optional(reduce.getAxes()[0]) : std::nullopt;
  }

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    UnaryOp exp = op.getKind() == BinaryKind::div ? definedBy(op.getLhs(), UnaryKind::exp) : UnaryOp();
    BinaryOp shifted = exp ? definedBy(exp.getInput(), BinaryKind::sub) : BinaryOp();
    if (!shifted)
      return rewriter.notifyMatchFailure(op, "not exp(x - ..) divided");
    auto sumAxis = axisOf(op.getRhs(), ReduceKind::sum, exp.getOutput());
    auto maxAxis = axisOf(shifted.getRhs(), ReduceKind::max, shifted.getLhs());
    if (!sumAxis || sumAxis != maxAxis)
      return rewriter.notifyMatchFailure(op, "not the sum and maximum along one axis");
    if (shifted.getLhs().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "types differ");
    rewriter.replaceOpWithNewOp<SoftmaxOp>(op, op.getType(), shifted.getLhs(), *sumAxis, /*log=*/false);
    return success();
  }
};

struct RecognizeActivation : impl::RecognizeActivationBase<RecognizeActivation> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ReluOfMax, LeakyReluOfSelect, HardSigmoidOfClip, GatedByItself, SigmoidOfExp<UnaryOp>,
                 SigmoidOfExp<BinaryOp>, SoftplusOfLog, SoftmaxOfParts>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace lathe
