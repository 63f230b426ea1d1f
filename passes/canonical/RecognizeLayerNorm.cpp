// Layer and RMS normalization, written out by exporters as means, differences, powers, roots and quotients.
//
// Matches, with d = x - mean(x) and v = mean(d * d), both along all axes from one to the last:
//   d / sqrt(v + e), d * (v + e)^-0.5, d * (1 / sqrt(v + e)) * g     torch's exporters, paddle, JAX
//   x * k + (b - mean(x) * k) with k = g / sqrt(v + e)               Keras, by way of batch normalization
//   x / sqrt(mean(x * x) + e) and its other forms                    RMS normalization
// and then takes the scale and bias that follow. Assumes that common subexpressions are one value (run CSE before).
// Ba et al., Layer Normalization, 2016; Zhang and Sennrich, Root Mean Square Layer Normalization, 2019.
#include "dialects/support/Decisions.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_RECOGNIZELAYERNORM
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

/// What a sum of squares is divided by its root along: all axes from `axis` to the last.
struct Moment {
  Value input;
  int64_t axis = 0;
};

/// mean(input) along trailing axes, kept as axes of size 1.
std::optional<Moment> matchMean(Value value) {
  bool isReshaped = false;
  if (auto reshape = value.getDefiningOp<ReshapeOp>()) {
    auto reduce = reshape.getInput().getDefiningOp<ReduceOp>();
    if (!reduce || reduce.getKeepdims())
      return std::nullopt;
    DimExprs kept = dimExprs(tensorType(reduce.getInput()));
    for (int64_t axis : reduce.getAxes())
      kept[axis] = dimConstant(value.getContext(), 1);
    if (kept != dimExprs(tensorType(value)))
      return std::nullopt;
    value = reshape.getInput();
    isReshaped = true;
  }
  auto reduce = value.getDefiningOp<ReduceOp>();
  if (!reduce || reduce.getKind() != ReduceKind::mean || reduce.getAxes().empty() || reduce.getKeepdims() == isReshaped)
    return std::nullopt;
  int64_t rank = tensorType(reduce.getInput()).getRank(), first = reduce.getAxes().front();
  if (rank - first != int64_t(reduce.getAxes().size()))
    return std::nullopt;
  return Moment{reduce.getInput(), first};
}

/// x and the axis if `value` is x - mean(x).
std::optional<Moment> matchCentered(Value value) {
  BinaryOp sub = definedBy(value, BinaryKind::sub);
  auto mean = sub ? matchMean(sub.getRhs()) : std::nullopt;
  return mean && mean->input == sub.getLhs() ? mean : std::nullopt;
}

/// 1 / sqrt(mean(squared * squared) + epsilon)
struct InverseRoot {
  Value squared;
  int64_t axis = 0;
  double epsilon = 0;
};

/// The deviation below the root: sqrt(v) or v^0.5.
Value matchRoot(Value value) {
  if (UnaryOp sqrt = definedBy(value, UnaryKind::sqrt))
    return sqrt.getInput();
  auto pow = matchWithScalar(value, BinaryKind::pow);
  return pow && pow->scalar == 0.5 ? pow->input : Value();
}

/// mean(squared * squared) + epsilon.
std::optional<InverseRoot> matchDeviation(Value value) {
  auto sum = value ? matchWithScalar(value, BinaryKind::add) : std::nullopt;
  auto mean = sum ? matchMean(sum->input) : std::nullopt;
  if (!mean || sum->scalar < 0)
    return std::nullopt;
  Product square = flattenProduct(mean->input);
  if (square.coefficient != 1 || square.factors.size() != 2 || square.factors[0] != square.factors[1])
    return std::nullopt;
  return InverseRoot{square.factors[0], mean->axis, sum->scalar};
}

std::optional<InverseRoot> matchInverseRoot(Value value) {
  if (UnaryOp reciprocal = definedBy(value, UnaryKind::reciprocal))
    return matchDeviation(matchRoot(reciprocal.getInput()));
  if (BinaryOp div = definedBy(value, BinaryKind::div); div && scalarConstant(div.getLhs()) == 1.0)
    return matchDeviation(matchRoot(div.getRhs()));
  auto pow = matchWithScalar(value, BinaryKind::pow);
  return pow && pow->scalar == -0.5 ? matchDeviation(pow->input) : std::nullopt;
}

/// A whole normalization: the input, whether its mean is taken off first, and what the result is multiplied with.
struct Normalization {
  Value input, scale;
  int64_t axis = 0;
  double epsilon = 0;
  bool rms = false;
};

/// The normalization that divides `numerator` by the root of its own mean square.
std::optional<Normalization> normalizationOf(Value numerator, const InverseRoot &root) {
  if (root.squared != numerator)
    return std::nullopt;
  auto centered = matchCentered(numerator);
  if (centered && centered->axis == root.axis)
    return Normalization{centered->input, {}, root.axis, root.epsilon, false};
  return Normalization{numerator, {}, root.axis, root.epsilon, true};
}

void replaceByLayerNorm(Operation *op, const Normalization &norm, Value bias, PatternRewriter &rewriter) {
  recordDecision(op, "recognize", true,
                 norm.rms ? "computed as one RMS normalization" : "computed as one layer normalization");
  Location location = locationBetween(op, norm.input);
  rewriter
      .replaceOpWithNewOp<LayerNormOp>(op, op->getResult(0).getType(), norm.input, norm.scale, bias, norm.axis,
                                       APFloat(norm.epsilon), norm.rms)
      ->setLoc(location);
}

/// Sizes of a scale or bias without leading ones, if they are those of the normalized axes; failure otherwise.
FailureOr<DimExprs> parameterDims(Value parameter, Value input, int64_t axis) {
  DimExprs dims = dimExprs(tensorType(parameter)), normalized = dimExprs(tensorType(input));
  normalized.erase(normalized.begin(), normalized.begin() + axis);
  while (dims.size() > normalized.size() && constantDim(dims.front()) == 1)
    dims.erase(dims.begin());
  return dims == normalized ? FailureOr<DimExprs>(dims) : FailureOr<DimExprs>(failure());
}

/// div(d, sqrt(v + e))  ->  layer_norm x
struct NormOfQuotient : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    if (op.getKind() != BinaryKind::div)
      return rewriter.notifyMatchFailure(op, "not a quotient");
    auto root = matchDeviation(matchRoot(op.getRhs()));
    if (!root)
      return rewriter.notifyMatchFailure(op, "the divisor is not sqrt(mean(d * d) + epsilon) along trailing axes");
    auto norm = normalizationOf(op.getLhs(), *root);
    if (!norm || norm->input.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "what is divided is not what is squared");
    replaceByLayerNorm(op, *norm, {}, rewriter);
    return success();
  }
};

/// mul(d, 1 / sqrt(v + e)) and mul(d, mul(1 / sqrt(v + e), g))  ->  layer_norm x [scale g]
struct NormOfProduct : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    if (op.getKind() != BinaryKind::mul)
      return rewriter.notifyMatchFailure(op, "not a product");
    Product product = flattenProduct(op.getOutput());
    std::optional<InverseRoot> root;
    for (Value factor : SmallVector<Value>(product.factors))
      if (!root && (root = matchInverseRoot(factor)))
        product.take(factor);
    if (!root || product.coefficient != 1 || !product.take(root->squared) || product.factors.size() > 1)
      return rewriter.notifyMatchFailure(op, "not d, its inverse deviation and at most one scale");
    auto norm = normalizationOf(root->squared, *root);
    if (!norm || norm->input.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "types differ");
    if (!product.factors.empty()) {
      auto dims = parameterDims(product.factors[0], norm->input, norm->axis);
      if (failed(dims))
        return rewriter.notifyMatchFailure(op, "the scale has not the sizes of the normalized axes");
      norm->scale = createReshape(rewriter, op.getLoc(), product.factors[0], *dims);
    }
    replaceByLayerNorm(op, *norm, {}, rewriter);
    return success();
  }
};

/// add(mul(x, k), sub(b, mul(mean(x), k))) with k = g / sqrt(v + e)  ->  layer_norm x scale g bias b
struct NormOfShiftedProduct : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    if (op.getKind() != BinaryKind::add)
      return rewriter.notifyMatchFailure(op, "not a sum");
    for (auto [scaled, shift] : {std::pair(op.getLhs(), op.getRhs()), std::pair(op.getRhs(), op.getLhs())}) {
      BinaryOp product = definedBy(scaled, BinaryKind::mul), sub = definedBy(shift, BinaryKind::sub);
      BinaryOp mean = sub ? definedBy(sub.getRhs(), BinaryKind::mul) : BinaryOp();
      if (product && mean)
        return replace(op, product, sub.getLhs(), mean, rewriter);
    }
    return rewriter.notifyMatchFailure(op, "not x * k + (b - mean * k)");
  }

  /// The operand of both products is k; the others are x and its mean.
  static LogicalResult replace(BinaryOp op, BinaryOp product, Value bias, BinaryOp meanProduct,
                               PatternRewriter &rewriter) {
    for (auto [x, k] : {std::pair(product.getLhs(), product.getRhs()), std::pair(product.getRhs(), product.getLhs())})
      for (auto [m, n] : {std::pair(meanProduct.getLhs(), meanProduct.getRhs()),
                          std::pair(meanProduct.getRhs(), meanProduct.getLhs())}) {
        auto mean = matchMean(m);
        if (n != k || !mean || mean->input != x || x.getType() != op.getType())
          continue;
        auto norm = matchFactor(k, x, mean->axis);
        auto biasDims = parameterDims(bias, x, mean->axis);
        if (!norm || failed(biasDims))
          continue;
        if (norm->scale) {
          auto dims = parameterDims(norm->scale, x, norm->axis);
          if (failed(dims))
            continue;
          norm->scale = createReshape(rewriter, op.getLoc(), norm->scale, *dims);
        }
        replaceByLayerNorm(op, *norm, createReshape(rewriter, op.getLoc(), bias, *biasDims), rewriter);
        return success();
      }
    return rewriter.notifyMatchFailure(op, "not x * k + (b - mean(x) * k) with k = g / sqrt(v + e)");
  }

  static std::optional<Normalization> matchFactor(Value k, Value x, int64_t axis) {
    Product product = flattenProduct(k);
    for (Value factor : SmallVector<Value>(product.factors)) {
      auto root = matchInverseRoot(factor);
      auto centered = root ? matchCentered(root->squared) : std::nullopt;
      if (!centered || centered->input != x || centered->axis != axis || root->axis != axis)
        continue;
      product.take(factor);
      if (product.coefficient == 1 && product.factors.size() <= 1)
        return Normalization{x, product.factors.empty() ? Value() : product.factors[0], axis, root->epsilon, false};
    }
    return std::nullopt;
  }
};

/// mul(layer_norm x, g) -> layer_norm x scale g;  add(layer_norm x scale g, b) -> layer_norm x scale g bias b
struct ParametersOfNorm : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    bool isScale = op.getKind() == BinaryKind::mul;
    if (!isScale && op.getKind() != BinaryKind::add)
      return rewriter.notifyMatchFailure(op, "not a scale or shift");
    bool isLeft = op.getLhs().getDefiningOp<LayerNormOp>() != nullptr;
    auto norm = (isLeft ? op.getLhs() : op.getRhs()).getDefiningOp<LayerNormOp>();
    if (!norm || !norm->hasOneUse() || norm.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "no operand is a normalization used only here");
    if (norm.getBias() || (isScale && norm.getScale()) || (!isScale && norm.getRms()))
      return rewriter.notifyMatchFailure(op, "the normalization has this parameter already, or can't have it");
    Value parameter = isLeft ? op.getRhs() : op.getLhs();
    auto dims = parameterDims(parameter, norm.getInput(), norm.getAxis());
    if (failed(dims))
      return rewriter.notifyMatchFailure(op, "the operand has not the sizes of the normalized axes");
    Location location = fusedLocation({norm, op});
    parameter = createReshape(rewriter, location, parameter, *dims);
    rewriter
        .replaceOpWithNewOp<LayerNormOp>(op, op.getType(), norm.getInput(), isScale ? parameter : norm.getScale(),
                                         isScale ? Value() : parameter, norm.getAxis(), norm.getEpsilon(),
                                         norm.getRms())
        ->setLoc(location);
    return success();
  }
};

struct RecognizeLayerNorm : impl::RecognizeLayerNormBase<RecognizeLayerNorm> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<NormOfQuotient, NormOfProduct, NormOfShiftedProduct, ParametersOfNorm>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace lathe
