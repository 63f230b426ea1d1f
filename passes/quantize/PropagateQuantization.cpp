// Data is moved as integers: a quarter of the bytes, and products find their operands dequantized.
//
//   transpose(dequantize(q))           ->  dequantize(transpose(q))
//   gather(dequantize(q, s))           ->  dequantize(gather(q), gather(s))  with a scale per row
//   quantize(max_pool(x))              ->  max_pool(quantize(x))             where x is computed for it alone
//   quantize(concat(x, y))             ->  concat(quantize(x), quantize(y))
//   quantize(dequantize(q, s, z), s, z)  ->  q
//   zero points of 0                     ->  none
//   quantize(relu(x), s, z)              ->  quantize(x, s, z)               where 0 is the lowest integer; the same for other bounds
//
// All of them are exact: scales are positive, so that a maximum of integers is the integer of the maximum. Assumes one scale and
// zero point per tensor (transposes take others, too). Integers of other ranges (concat) are quantized again, which their model asks
// for.
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/quantize/Uniform.h"
#include "passes/support/QuantizedOrigin.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_PROPAGATEQUANTIZATION
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

/// True for operations that copy elements of operand 0, or take the largest.
bool movesElements(Operation *op) {
  if (auto pool = dyn_cast<PoolOp>(op))
    return pool.getKind() == PoolKind::pool_max;
  if (auto pad = dyn_cast<PadOp>(op))
    return pad.getMode() != PadMode::constant || !pad.getValue() || scalarConstant(pad.getValue()) == 0.0;
  if (auto resize = dyn_cast<ResizeOp>(op))
    return resize.getMode() == ResizeMode::nearest && resize.getCoordinates() != CoordinateMode::tf_crop_and_resize;
  return isa<ReshapeOp, TransposeOp, SliceOp, BroadcastOp, TileOp, GatherOp>(op);
}

RankedTensorType withElements(Value like, Type element) { return makeTensorType(dimExprs(tensorType(like)), element); }

/// `op`, which moves elements, on integers.
Value moveIntegers(Operation *op, Value integers, Value zero, OpBuilder &b) {
  Operation *copy = b.clone(*op);
  removeOrigin(copy);
  copy->setOperand(0, integers);
  copy->getResult(0).setType(withElements(op->getResult(0), tensorType(integers).getElementType()));
  auto pad = dyn_cast<PadOp>(copy);
  if (pad && pad.getMode() == PadMode::constant) {
    b.setInsertionPoint(copy);
    pad.getValueMutable().clear();
    if (zero)
      pad.getValueMutable().assign(createReshape(b, op->getLoc(), zero, {}));
    b.setInsertionPointAfter(copy);
  }
  return copy->getResult(0);
}

/// Scales or zero points (may be null) of a tensor of this rank, transposed with it.
Value transposed(Value entries, TransposeOp op, OpBuilder &b) {
  if (!entries || tensorType(entries).getRank() == 0)
    return entries;
  DimExprs dims = dimExprs(tensorType(entries));
  dims.insert(dims.begin(), tensorType(op).getRank() - dims.size(), dimConstant(b.getContext(), 1));
  return createTranspose(b, op.getLoc(), createReshape(b, op.getLoc(), entries, dims), op.getPermutation());
}

/// gather(dequantize(q, s)) -> dequantize(gather(q), gather(s))   for rows with a scale each
struct GatherBeforeDequantize : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  static bool isPerRow(Value entries, int64_t rank) {
    DimExprs dims = dimExprs(tensorType(entries));
    return int64_t(dims.size()) == rank &&
           llvm::all_of(ArrayRef(dims).drop_front(), [](AffineExpr dim) { return constantDim(dim) == 1; });
  }

  LogicalResult matchAndRewrite(GatherOp op, PatternRewriter &b) const override {
    auto uniform = Uniform::of(op.getInput());
    int64_t rank = tensorType(op.getInput()).getRank();
    if (!uniform || uniform->isPerTensor() || op.getAxis() != 0 || !isPerRow(uniform->scale, rank) ||
        (uniform->zero && !isPerRow(uniform->zero, rank)))
      return b.notifyMatchFailure(op, "no rows of dequantized elements with a scale each");
    auto gathered = [&](Value rows) -> Value {
      DimExprs dims = dimExprs(tensorType(op));
      if (rows && rows != uniform->integers)
        for (int64_t axis = 1; axis < rank; ++axis)
          dims[dims.size() - axis] = dimConstant(b.getContext(), 1);
      return rows ? b.create<GatherOp>(op.getLoc(), makeTensorType(dims, tensorType(rows).getElementType()), rows,
                                       op.getIndices(), 0)
                  : Value();
    };
    Value integers = gathered(uniform->integers), scale = gathered(uniform->scale), zero = gathered(uniform->zero);
    b.replaceOp(op, createDequantize(b, op.getLoc(), integers, scale, zero));
    return success();
  }
};

/// move(dequantize(q)) -> dequantize(move(q))
struct MoveBeforeDequantize : RewritePattern {
  explicit MoveBeforeDequantize(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &b) const override {
    auto uniform = movesElements(op) ? Uniform::of(op->getOperand(0)) : std::nullopt;
    if (!uniform)
      return b.notifyMatchFailure(op, "does not move dequantized elements");
    auto transpose = dyn_cast<TransposeOp>(op);
    if (!transpose && !uniform->isPerTensor())
      return b.notifyMatchFailure(op, "scales differ between elements");
    Value moved = moveIntegers(op, uniform->integers, uniform->zero, b);
    Value scale = transpose ? transposed(uniform->scale, transpose, b) : uniform->scale;
    Value zero = transpose ? transposed(uniform->zero, transpose, b) : uniform->zero;
    setQuantizedOrigin(moved.getDefiningOp(), lathe::originOf(op), scale, zero);
    Value result = createDequantize(b, fusedLocation({uniform->op, op}), moved, scale, zero);
    moveOrigin(op, result.getDefiningOp());
    b.replaceOp(op, result);
    return success();
  }
};

/// concat(dequantize(p, s, z), dequantize(q, s, z)) -> dequantize(concat(p, q), s, z)
struct ConcatBeforeDequantize : OpRewritePattern<ConcatOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ConcatOp op, PatternRewriter &b) const override {
    auto first = Uniform::of(op.getInputs().front());
    if (!first || !first->isPerTensor())
      return b.notifyMatchFailure(op, "not of dequantized tensors");
    SmallVector<Value> integers;
    for (Value input : op.getInputs()) {
      auto other = Uniform::of(input);
      if (!other || !areSame(other->scale, first->scale) || !areSame(other->zero, first->zero) ||
          tensorType(other->integers).getElementType() != tensorType(first->integers).getElementType())
        return b.notifyMatchFailure(op, "scales differ");
      integers.push_back(other->integers);
    }
    auto type = withElements(op, tensorType(first->integers).getElementType());
    Value whole = b.create<ConcatOp>(op.getLoc(), type, integers, op.getAxis());
    b.replaceOp(op, createDequantize(b, op.getLoc(), whole, first->scale, first->zero));
    return success();
  }
};

/// quantize(move(x)) -> move(quantize(x))
struct QuantizeBeforeMove : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &b) const override {
    Operation *producer = op.getInput().getDefiningOp();
    if (!hasOneElement(op.getScale()) || (op.getZero() && !hasOneElement(op.getZero())))
      return b.notifyMatchFailure(op, "scales differ between elements");
    if (!producer || !producer->hasOneUse())
      return b.notifyMatchFailure(op, "the input is not computed for this alone");
    Type integers = tensorType(op).getElementType();
    auto quantized = [&](Value x) { return createQuantize(b, op.getLoc(), x, op.getScale(), op.getZero(), integers); };
    if (auto concat = dyn_cast<ConcatOp>(producer)) {
      SmallVector<Value> parts = llvm::map_to_vector(concat.getInputs(), quantized);
      auto whole = b.create<ConcatOp>(concat.getLoc(), op.getType(), parts, concat.getAxis());
      moveOrigin(op, whole);
      b.replaceOp(op, whole);
      return success();
    }
    if (!movesElements(producer) || isa<BroadcastOp, TileOp, GatherOp>(producer) ||
        isa<BlockArgument>(producer->getOperand(0)))
      return b.notifyMatchFailure(op, "the input is not moved, or there would be more to quantize");
    Value moved = moveIntegers(producer, quantized(producer->getOperand(0)), op.getZero(), b);
    moveOrigin(op, moved.getDefiningOp());
    b.replaceOp(op, moved);
    return success();
  }
};

/// quantize(dequantize(q, s, z), s, z) -> q
struct QuantizeOfDequantized : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &b) const override {
    auto uniform = Uniform::of(op.getInput());
    if (!uniform || op.getBlock() != 0 || uniform->integers.getType() != op.getType() ||
        !areSame(uniform->scale, op.getScale()) || !areSame(uniform->zero, op.getZero()))
      return b.notifyMatchFailure(op, "not what was dequantized with this scale");
    b.replaceOp(op, uniform->integers);
    return success();
  }
};

SmallVector<MutableOperandRange> zerosOf(QuantizeOp op) { return {op.getZeroMutable()}; }
SmallVector<MutableOperandRange> zerosOf(DequantizeOp op) { return {op.getZeroMutable()}; }
SmallVector<MutableOperandRange> zerosOf(ConvOp op) { return {op.getInputZeroMutable(), op.getFilterZeroMutable()}; }
SmallVector<MutableOperandRange> zerosOf(MatmulOp op) { return {op.getLhsZeroMutable(), op.getRhsZeroMutable()}; }

/// A zero point of 0 is none.
template <class OpT> struct DropZero : OpRewritePattern<OpT> {
  using OpRewritePattern<OpT>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpT op, PatternRewriter &b) const override {
    for (MutableOperandRange zero : zerosOf(op))
      if (!zero.empty() && uniformConstant(zero[0].get()) == 0.0) {
        b.modifyOpInPlace(op, [&] { zero.clear(); });
        return success();
      }
    return b.notifyMatchFailure(op, "there is no zero point of 0");
  }
};

/// quantize(clip(x), s, z) -> quantize(x, s, z)
struct ClipBySaturation : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  /// The integer before it is saturated, as nn.quantize computes it.
  static double integerOf(double value, double scale, double zero) {
    return double(std::nearbyint(float(value) / float(scale))) + zero;
  }

  /// What is clipped to bounds at which integers are saturated anyway; null for anything else.
  static Value clipped(Value value, function_ref<double(double)> integerOf, double lowest, double highest) {
    if (UnaryOp relu = definedBy(value, UnaryKind::relu); relu && integerOf(0) <= lowest)
      return relu.getInput();
    if (auto max = matchWithScalar(value, BinaryKind::max); max && integerOf(max->scalar) <= lowest)
      return max->input;
    if (auto min = matchWithScalar(value, BinaryKind::min); min && integerOf(min->scalar) >= highest)
      return min->input;
    return {};
  }

  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &b) const override {
    auto type = cast<IntegerType>(tensorType(op).getElementType());
    double span = std::ldexp(1.0, int(type.getWidth())), lowest = type.isUnsigned() ? 0 : -span / 2;
    auto zero = op.getZero() ? scalarConstant(op.getZero()) : std::optional(0.0);
    auto scale = scalarConstant(op.getScale());
    if (!zero || !scale || !(*scale > 0))
      return b.notifyMatchFailure(op, "scale and zero point are not known");
    auto integer = [&](double value) { return integerOf(value, *scale, *zero); };
    Value inside = clipped(op.getInput(), integer, lowest, lowest + span - 1);
    if (!inside || inside.getType() != op.getInput().getType())
      return b.notifyMatchFailure(op, "no clip, or integers are not saturated at its bounds");
    b.modifyOpInPlace(op, [&] { op.getInputMutable().assign(inside); });
    return success();
  }
};

struct PropagateQuantization : impl::PropagateQuantizationBase<PropagateQuantization> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<MoveBeforeDequantize, GatherBeforeDequantize, ConcatBeforeDequantize, QuantizeBeforeMove,
                 QuantizeOfDequantized, ClipBySaturation, DropZero<QuantizeOp>, DropZero<DequantizeOp>,
                 DropZero<ConvOp>, DropZero<MatmulOp>>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace lathe
