// A division by the scale of a result becomes a multiplication that costs nothing.
//
//   quantize(relu(dequantize(sums, s) + b), t)  ->  quantize(relu(dequantize(sums, s / t) + b / t), 1)
//
// The factor 1 / t goes up to scales and constants through what is linear or, since t > 0, keeps its form: sums, relu, bounds; and
// into constant factors. Where it meets anything else, it stands as a product before the quantization, still cheaper than a division. The quotient's last bit
// may be another one, which changes a result that lies in the middle of two steps.
#include "dialects/support/Origin.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/quantize/Uniform.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_FOLDQUANTIZESCALE
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

bool keepsScale(Operation *op) {
  if (auto unary = dyn_cast<UnaryOp>(op))
    return unary.getKind() == UnaryKind::relu || unary.getKind() == UnaryKind::leaky_relu;
  auto binary = dyn_cast<BinaryOp>(op);
  return binary &&
         llvm::is_contained({BinaryKind::add, BinaryKind::sub, BinaryKind::min, BinaryKind::max}, binary.getKind());
}

/// Is `value` arithmetic on dequantized integers of at most 16 bits and constants? Within a few levels, since operands may be shared.
bool isOfSmallIntegers(Value value, unsigned levels = 12) {
  if (isConstantExpression(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (auto dequantize = dyn_cast_or_null<DequantizeOp>(op))
    return getElementTypeOrSelf(dequantize.getInput()).getIntOrFloatBitWidth() <= 16;
  bool isArithmetic = isa_and_nonnull<BinaryOp>(op);
  if (auto unary = dyn_cast_or_null<UnaryOp>(op))
    isArithmetic = unary.getKind() == UnaryKind::relu || unary.getKind() == UnaryKind::neg;
  return isArithmetic && levels > 0 &&
         llvm::all_of(op->getOperands(), [&](Value operand) { return isOfSmallIntegers(operand, levels - 1); });
}

/// The constant operand of a multiplication; null if there is none.
OpOperand *constantFactor(Operation *op) {
  auto binary = dyn_cast<BinaryOp>(op);
  if (!binary || binary.getKind() != BinaryKind::mul)
    return nullptr;
  auto constant = llvm::find_if(op->getOpOperands(), [](OpOperand &o) { return isConstantExpression(o.get()); });
  return constant == op->getOpOperands().end() ? nullptr : &*constant;
}

/// Can `value` be multiplied by a positive number without an operation more at run time?
bool isScaledForFree(Value value) {
  if (isConstantExpression(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || !op->hasOneUse())
    return false;
  if (auto dequantize = dyn_cast<DequantizeOp>(op))
    return dequantize.getBlock() == 0;
  return constantFactor(op) || keepsScale(op) && llvm::all_of(op->getOperands(), isScaledForFree);
}

Value multiplied(Value value, double factor, OpBuilder &b) {
  Value scalar = createScalar(b, value.getLoc(), b.getF32Type(), factor);
  return b.create<BinaryOp>(value.getLoc(), value.getType(), BinaryKind::mul, value, scalar);
}

/// A value with isScaledForFree times `factor`.
Value scaled(Value value, double factor, OpBuilder &b) {
  if (isConstantExpression(value))
    return multiplied(value, factor, b);
  Operation *op = value.getDefiningOp(), *copy = b.clone(*op);
  scaleOrigin(copy, factor);
  b.setInsertionPoint(copy);
  if (isa<DequantizeOp>(op)) {
    copy->setOperand(1, multiplied(op->getOperand(1), factor, b));
  } else if (OpOperand *constant = constantFactor(copy)) {
    constant->set(multiplied(constant->get(), factor, b));
  } else {
    for (OpOperand &operand : copy->getOpOperands())
      operand.set(scaled(operand.get(), factor, b));
  }
  b.setInsertionPointAfter(copy);
  return copy->getResult(0);
}

struct MultiplyInstead : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const override {
    auto scale = scalarConstant(op.getScale());
    if (!scale || !(*scale > 0) || *scale == 1 || op.getBlock() != 0)
      return rewriter.notifyMatchFailure(op, "the scale is 1, not known or not positive");
    double factor = 1 / *scale;
    if (!(float(factor) > 0) || std::isinf(float(factor)))
      return rewriter.notifyMatchFailure(op, "the scale has no inverse in f32");
    Value input = op.getInput();
    bool isResult = !isa<BlockArgument>(input);
    if (!isResult)
      return rewriter.notifyMatchFailure(op, "an input of the model is divided as ONNX says");
    if (isOfSmallIntegers(input))
      return rewriter.notifyMatchFailure(op, "many results lie in the middle of two steps");
    Value product = isScaledForFree(input) ? scaled(input, factor, rewriter) : multiplied(input, factor, rewriter);
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().assign(product);
      op.getScaleMutable().assign(createScalar(rewriter, op.getLoc(), rewriter.getF32Type(), 1));
    });
    return success();
  }
};

struct FoldQuantizeScale : impl::FoldQuantizeScaleBase<FoldQuantizeScale> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<MultiplyInstead>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace lathe
