// GELU, written out by exporters: 0.5 * x * (1 + erf(x / sqrt 2)) and its tanh approximation, in any order of operands.
// Hendrycks and Gimpel, Gaussian Error Linear Units, 2016.
//
// Assumes that constants within 5e-5 of the formula's are meant to be the formula's (exporters round them).
#include "dialects/support/Decisions.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/support/Match.h"
#include <numbers>

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_RECOGNIZEGELU
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

/// x if `value` is x / sqrt(2).
Value matchErfArgument(Value value, Value x) {
  Product product = flattenProduct(value);
  bool matches = isNear(product.coefficient, 1 / std::numbers::sqrt2) && product.take(x) && product.factors.empty();
  return matches ? x : Value();
}

/// True if `value` is 0.044715 * x^power.
bool isCubicTerm(Value value, Value x, int power) {
  Product product = flattenProduct(value);
  for (int i = 0; i < power; ++i)
    if (!product.take(x))
      return false;
  return product.factors.empty() && isNear(product.coefficient, 0.044715);
}

/// True if `value` is sqrt(2 / pi) * (x + 0.044715 x^3), or the same with x taken out: ... * x * (1 + 0.044715 x^2).
bool isTanhArgument(Value value, Value x) {
  Product product = flattenProduct(value);
  if (!isNear(product.coefficient, std::sqrt(2 / std::numbers::pi)))
    return false;
  bool takenOut = product.take(x);
  BinaryOp sum = product.factors.size() == 1 ? definedBy(product.factors[0], BinaryKind::add) : BinaryOp();
  if (!sum)
    return false;
  Value first = sum.getLhs(), second = sum.getRhs();
  if (takenOut)
    return (scalarConstant(first) == 1.0 && isCubicTerm(second, x, 2)) ||
           (scalarConstant(second) == 1.0 && isCubicTerm(first, x, 2));
  return (first == x && isCubicTerm(second, x, 3)) || (second == x && isCubicTerm(first, x, 3));
}

/// mul(mul(x, 0.5), add(erf(mul(x, 0.7071)), 1))  ->  unary gelu x
/// mul(mul(x, 0.5), add(tanh(...), 1))            ->  unary gelu_tanh x
struct GeluOfProduct : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    if (op.getKind() != BinaryKind::mul && op.getKind() != BinaryKind::div)
      return rewriter.notifyMatchFailure(op, "not a product");
    Product product = flattenProduct(op.getOutput());
    if (product.factors.size() != 2 || !isNear(product.coefficient, 0.5))
      return rewriter.notifyMatchFailure(op, "not half the product of two factors");
    for (int i = 0; i < 2; ++i)
      if (succeeded(replace(op, product.factors[i], product.factors[1 - i], rewriter)))
        return success();
    return rewriter.notifyMatchFailure(op, "no factor is 1 + erf(x / sqrt 2) or its tanh approximation");
  }

  static LogicalResult replace(BinaryOp op, Value x, Value factor, PatternRewriter &rewriter) {
    auto sum = matchWithScalar(factor, BinaryKind::add);
    if (!sum || sum->scalar != 1 || x.getType() != op.getType())
      return failure();
    auto inner = sum->input.getDefiningOp<UnaryOp>();
    if (!inner)
      return failure();
    bool isErf = inner.getKind() == UnaryKind::erf && matchErfArgument(inner.getInput(), x);
    bool isTanh = inner.getKind() == UnaryKind::tanh && isTanhArgument(inner.getInput(), x);
    if (!isErf && !isTanh)
      return failure();
    recordDecision(op, "recognize", true, isErf ? "computed as one gelu" : "computed as one gelu (tanh form)");
    Location location = locationBetween(op, x);
    rewriter.replaceOp(op, createUnary(rewriter, location, isErf ? UnaryKind::gelu : UnaryKind::gelu_tanh, x));
    return success();
  }
};

struct RecognizeGelu : impl::RecognizeGeluBase<RecognizeGelu> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<GeluOfProduct>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace lathe
