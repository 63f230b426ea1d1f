// Element-wise algebra: neutral operands, constants that meet; casts, broadcasts, pads and slices that a neighbor absorbs.
//
// Assumes real arithmetic where constants are merged: (x * a) * b becomes x * (a * b), which may differ in the last bit.
// Division by a constant stays a division, because floor(x / c) is common and must be exact. Operations that do nothing
// (reshape of reshape, transpose of transpose, whole slices) are folded by the operations themselves.
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_SIMPLIFYALGEBRA
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

/// x + 0, x - 0, x * 1, x / 1, x ^ 1  ->  x
struct NeutralOperand : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  static std::optional<double> neutral(BinaryKind kind) {
    switch (kind) {
    case BinaryKind::add:
    case BinaryKind::sub:
      return 0.0;
    case BinaryKind::mul:
    case BinaryKind::div:
    case BinaryKind::pow:
      return 1.0;
    default:
      return std::nullopt;
    }
  }

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    auto number = neutral(op.getKind());
    if (!number)
      return rewriter.notifyMatchFailure(op, "kind has no neutral operand");
    auto match = matchWithScalar(op.getOutput(), op.getKind());
    if (!match || match->scalar != *number)
      return rewriter.notifyMatchFailure(op, "no operand is neutral");
    if (match->input.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "the constant broadcasts the other operand");
    rewriter.replaceOp(op, match->input);
    return success();
  }
};

/// c + x -> x + c, c * x -> x * c, x - c -> x + (-c): later patterns look for constants at the right of add and mul
struct ConstantToTheRight : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    bool isCommutative = op.getKind() == BinaryKind::add || op.getKind() == BinaryKind::mul;
    if (isCommutative && isConstantExpression(op.getLhs()) && !isConstantExpression(op.getRhs())) {
      rewriter.modifyOpInPlace(op, [&] {
        Value lhs = op.getLhs();
        op.getLhsMutable().assign(op.getRhs());
        op.getRhsMutable().assign(lhs);
      });
      return success();
    }
    if (op.getKind() != BinaryKind::sub || !isa<FloatType>(getElementTypeOrSelf(op.getType())))
      return rewriter.notifyMatchFailure(op, "not a commutative kind with a constant at the left, nor a subtraction");
    if (!isConstantExpression(op.getRhs()) || isConstantExpression(op.getLhs()))
      return rewriter.notifyMatchFailure(op, "what is subtracted is not a constant");
    Value negated = createUnary(rewriter, op.getLoc(), UnaryKind::neg, op.getRhs());
    rewriter.replaceOpWithNewOp<BinaryOp>(op, op.getType(), BinaryKind::add, op.getLhs(), negated);
    return success();
  }
};

/// (x * a) * b -> x * (a * b), (x + a) + b -> x + (a + b)   for constants a, b
struct MergeConstants : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    if (op.getKind() != BinaryKind::add && op.getKind() != BinaryKind::mul)
      return rewriter.notifyMatchFailure(op, "not an addition or multiplication");
    BinaryOp inner = definedBy(op.getLhs(), op.getKind());
    if (!inner || !inner->hasOneUse())
      return rewriter.notifyMatchFailure(op, "the left operand is no operation of this kind with one use");
    if (!isConstantExpression(op.getRhs()) || !isConstantExpression(inner.getRhs()) ||
        isConstantExpression(inner.getLhs()))
      return rewriter.notifyMatchFailure(op, "the right operands are not constants");
    Location location = fusedLocation({inner, op});
    Value merged = rewriter.create<BinaryOp>(location, op.getKind(), inner.getRhs(), op.getRhs());
    rewriter.replaceOpWithNewOp<BinaryOp>(op, op.getType(), op.getKind(), inner.getLhs(), merged);
    return success();
  }
};

/// x ^ 2 -> x * x, x ^ 0.5 -> sqrt(x), x ^ -1 -> 1 / x
struct PowerOfConstant : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    auto pow = matchWithScalar(op.getOutput(), BinaryKind::pow);
    if (!pow || pow->input.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "not a power by a scalar constant");
    if (!isa<FloatType>(getElementTypeOrSelf(op.getType())))
      return rewriter.notifyMatchFailure(op, "not floating");
    if (pow->scalar == 2)
      rewriter.replaceOpWithNewOp<BinaryOp>(op, op.getType(), BinaryKind::mul, pow->input, pow->input);
    else if (pow->scalar == 0.5)
      rewriter.replaceOp(op, createUnary(rewriter, op.getLoc(), UnaryKind::sqrt, pow->input));
    else if (pow->scalar == -1)
      rewriter.replaceOp(op, createUnary(rewriter, op.getLoc(), UnaryKind::reciprocal, pow->input));
    else
      return rewriter.notifyMatchFailure(op, "no cheaper form of this exponent");
    return success();
  }
};

/// cast(cast(x : A -> B) -> C)  ->  cast(x : A -> C)   when B holds every value of A
struct CastOfCast : OpRewritePattern<CastOp> {
  using OpRewritePattern::OpRewritePattern;

  static bool holdsEveryValue(Type narrow, Type wide) {
    if (narrow == wide || narrow.isInteger(1))
      return true;
    auto fromFloat = dyn_cast<FloatType>(narrow), toFloat = dyn_cast<FloatType>(wide);
    if (fromFloat && toFloat)
      return toFloat.getWidth() > fromFloat.getWidth(); // f16 and bf16 hold values that the other has not
    if (fromFloat)
      return false;
    unsigned width = narrow.getIntOrFloatBitWidth();
    if (toFloat)
      return width <= toFloat.getFPMantissaWidth();
    return narrow.isUnsignedInteger() == wide.isUnsignedInteger()
               ? width <= wide.getIntOrFloatBitWidth()
               : narrow.isUnsignedInteger() && width < wide.getIntOrFloatBitWidth();
  }

  LogicalResult matchAndRewrite(CastOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<CastOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "the input is no cast");
    Type from = tensorType(inner.getInput()).getElementType(), through = tensorType(op.getInput()).getElementType();
    if (!holdsEveryValue(from, through))
      return rewriter.notifyMatchFailure(op, "the inner cast loses values");
    rewriter.replaceOpWithNewOp<CastOp>(op, op.getType(), inner.getInput());
    return success();
  }
};

/// binary(broadcast(x), y) -> binary(x, y)   when x and y alone give the result's sizes; nn.select likewise
template <typename OpTy> struct BroadcastIntoElementwise : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  /// Sizes of the operands under broadcasting, with `changed` in place of operand `index`.
  static FailureOr<DimExprs> broadcastWith(OpTy op, unsigned index, Value changed) {
    DimExprs dims;
    for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
      auto wider = broadcastDims(dims, dimExprs(tensorType(i == index ? changed : operand)));
      if (failed(wider))
        return failure();
      dims = *wider;
    }
    return dims;
  }

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
      auto broadcast = operand.template getDefiningOp<BroadcastOp>();
      if (!broadcast)
        continue;
      auto dims = broadcastWith(op, index, broadcast.getInput());
      if (failed(dims) || *dims != dimExprs(tensorType(op.getOutput())))
        continue;
      rewriter.modifyOpInPlace(op, [&, i = index] { op->setOperand(i, broadcast.getInput()); });
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no operand is a broadcast that the others make needless");
  }
};

/// conv(pad(x)) -> conv(x) with wider pads   for pads with zeros along spatial axes
struct PadIntoConv : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  /// What is added before and after each axis; nullopt if not constant or negative.
  static std::optional<SmallVector<std::pair<int64_t, int64_t>>> paddedBy(PadOp pad) {
    DimExprs in = dimExprs(tensorType(pad.getInput())), out = dimExprs(tensorType(pad.getOutput()));
    SmallVector<std::pair<int64_t, int64_t>> result;
    for (auto [axis, low] : llvm::enumerate(pad.getLow().getResults())) {
      auto before = constantDim(simplifyDim(low)), after = constantDim(simplifyDim(out[axis] - in[axis] - low));
      if (!before || !after || *before < 0 || *after < 0)
        return std::nullopt;
      result.push_back({*before, *after});
    }
    return result;
  }

  LogicalResult matchAndRewrite(ConvOp op, PatternRewriter &rewriter) const override {
    auto pad = op.getInput().getDefiningOp<PadOp>();
    if (!pad || pad.getMode() != PadMode::constant)
      return rewriter.notifyMatchFailure(op, "the input is not padded with a constant");
    if (op.getInputZero())
      return rewriter.notifyMatchFailure(op, "the zero point is no zero");
    if (pad.getValue() && scalarConstant(pad.getValue()) != 0.0)
      return rewriter.notifyMatchFailure(op, "the padding is not zero");
    auto amounts = paddedBy(pad);
    if (!amounts)
      return rewriter.notifyMatchFailure(op, "the padding is not constant or cuts");
    size_t channelAxis = op.getChannelsLast() ? amounts->size() - 1 : 1, firstSpatial = op.getChannelsLast() ? 1 : 2;
    if ((*amounts)[0] != std::pair<int64_t, int64_t>() || (*amounts)[channelAxis] != std::pair<int64_t, int64_t>())
      return rewriter.notifyMatchFailure(op, "the padding is not only spatial");
    SmallVector<int64_t> pads(op.getPads());
    size_t spatialAxes = pads.size() / 2;
    for (size_t i = 0; i < spatialAxes; ++i) {
      pads[i] += (*amounts)[firstSpatial + i].first;
      pads[spatialAxes + i] += (*amounts)[firstSpatial + i].second;
    }
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().assign(pad.getInput());
      op.setPads(pads);
      op->setLoc(fusedLocation({pad, op}));
    });
    return success();
  }
};

/// slice(conv(x)) -> conv(x) with fewer pads   where the slice cuts off the end of padded axes (causal convolutions)
struct SliceIntoConv : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp op, PatternRewriter &rewriter) const override {
    auto conv = op.getInput().getDefiningOp<ConvOp>();
    if (!conv || !conv->hasOneUse() || llvm::any_of(op.getSteps(), [](int64_t step) { return step != 1; }))
      return rewriter.notifyMatchFailure(op, "not a run of a convolution used only here");
    DimExprs from = dimExprs(tensorType(conv)), to = dimExprs(tensorType(op));
    SmallVector<int64_t> pads(conv.getPads());
    int64_t spatialAxes = pads.size() / 2, firstSpatial = conv.getChannelsLast() ? 1 : 2;
    for (int64_t axis = 0; axis < int64_t(from.size()); ++axis) {
      auto start = constantDim(simplifyDim(op.getStarts().getResult(axis))),
           cut = constantDim(simplifyDim(from[axis] - to[axis]));
      if (start != 0 || !cut)
        return rewriter.notifyMatchFailure(op, "not cut at the end, or not by a constant");
      int64_t spatial = axis - firstSpatial;
      bool isSpatial = spatial >= 0 && spatial < spatialAxes;
      if (*cut != 0 && (!isSpatial || conv.getStrides()[spatial] != 1 || pads[spatialAxes + spatial] < *cut))
        return rewriter.notifyMatchFailure(op, "cuts more than what comes from padding");
      if (isSpatial)
        pads[spatialAxes + spatial] -= *cut;
    }
    Location location = fusedLocation({conv, op});
    rewriter
        .replaceOpWithNewOp<ConvOp>(op, op.getType(), conv.getInput(), conv.getFilter(), conv.getBias(),
                                    conv.getInputZero(), conv.getFilterZero(), conv.getStrides(), pads,
                                    conv.getDilations(), conv.getGroup(), conv.getChannelsLast())
        ->setLoc(location);
    return success();
  }
};

/// reshape(transpose(reshape(x)))  ->  transpose(x)   where axes are merged, moved together and split again
///
/// torch's dynamo exporter flattens the batches of keys before it transposes them.
struct TransposeOfMerged : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<TransposeOp>();
    auto merge = transpose ? transpose.getInput().getDefiningOp<ReshapeOp>() : ReshapeOp();
    if (!merge || tensorType(merge.getInput()).getRank() != tensorType(op).getRank() ||
        tensorType(merge).getRank() >= tensorType(op).getRank())
      return rewriter.notifyMatchFailure(op, "not a transpose of merged axes");
    auto groups = matchGroups(merge);
    if (!groups)
      return rewriter.notifyMatchFailure(op, "the inner reshape does more than merge neighbors");
    SmallVector<int64_t> permutation = expandGroups(transpose.getPermutation(), *groups);
    DimExprs from = dimExprs(tensorType(merge.getInput())), dims;
    for (int64_t axis : permutation)
      dims.push_back(from[axis]);
    if (dims != dimExprs(tensorType(op)))
      return rewriter.notifyMatchFailure(op, "the outer reshape splits differently");
    rewriter.replaceOp(op, createTranspose(rewriter, transpose.getLoc(), merge.getInput(), permutation));
    return success();
  }
};

/// gather(x, 3) -> reshape(slice(x))   for a constant index (unbinding heads, picking the class token)
struct GatherOfConstantIndex : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp op, PatternRewriter &rewriter) const override {
    auto type = tensorType(op.getIndices());
    auto index = type.hasStaticShape() && type.getNumElements() == 1 ? scalarConstant(op.getIndices()) : std::nullopt;
    DimExprs dims = dimExprs(tensorType(op.getInput()));
    auto size = constantDim(dims[op.getAxis()]);
    int64_t axis = op.getAxis(), at = index ? int64_t(*index) : 0;
    // Without a known size a negative index can't be placed, nor any be known to lie inside.
    if (!index || !size || at < -*size || at >= *size)
      return rewriter.notifyMatchFailure(op, "not one constant index inside a known size");
    SmallVector<AffineExpr> starts(dims.size(), dimConstant(getContext(), 0));
    starts[axis] = dimConstant(getContext(), at < 0 ? at + *size : at);
    dims[axis] = dimConstant(getContext(), 1);
    Value slice = rewriter.create<SliceOp>(op.getLoc(), makeTensorType(dims, tensorType(op).getElementType()),
                                           op.getInput(), AffineMapAttr::get(symbolMap(starts, getContext())),
                                           rewriter.getDenseI64ArrayAttr(SmallVector<int64_t>(dims.size(), 1)));
    rewriter.replaceOp(op, createReshape(rewriter, op.getLoc(), slice, dimExprs(tensorType(op))));
    return success();
  }
};

struct SimplifyAlgebra : impl::SimplifyAlgebraBase<SimplifyAlgebra> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<NeutralOperand, ConstantToTheRight, MergeConstants, PowerOfConstant, CastOfCast,
                 BroadcastIntoElementwise<BinaryOp>, BroadcastIntoElementwise<SelectOp>, PadIntoConv, SliceIntoConv,
                 TransposeOfMerged, GatherOfConstantIndex>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace lathe
