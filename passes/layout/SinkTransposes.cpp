// Transposes move towards each other and to the borders of a function, so that those around convolutions cancel.
//
//   %1 = nn.transpose %x {0, 3, 1, 2}           %1 = nn.unary relu %x
//   %2 = nn.unary relu %1                 ->    %2 = nn.transpose %1 {0, 3, 1, 2}
//
// Downwards through everything that can work along permuted axes: element-wise operations, concatenations, reductions, pads,
// slices, resizes (interpolation stays channels-last), softmax, reshapes that add or drop axes of size 1. Operands that are
// not transposed have to be constants, or tensors whose transpose moves nothing (all but some axes have size 1); one that is
// neither is transposed only if that makes up for others. Upwards only where more transposes vanish than appear: through
// element-wise operations, concatenations and pads. What remains is recorded. Does nothing where nothing is computed
// channels-last, so that the transposes of transformers stay where their kernels read them.
#include "dialects/support/Decisions.h"
#include "dialects/support/Origin.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/layout/Permute.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_SINKTRANSPOSES
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

/// op(transpose(x), y..)  ->  transpose(op(x, transpose'(y)..))
struct SinkThrough : RewritePattern {
  explicit SinkThrough(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  /// Transposed constants don't count: one would sink past another, which is transposed for that, and so on.
  static TransposeOp transposedOperand(Operation *op) {
    for (Value operand : dataOperands(op))
      if (auto transpose = operand.getDefiningOp<TransposeOp>(); transpose && !isConstantExpression(operand))
        if (!isElementwise(op) || tensorType(transpose).getRank() == tensorType(op->getResult(0)).getRank())
          return transpose;
    return {};
  }

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!canPermute(op))
      return rewriter.notifyMatchFailure(op, "can't work along permuted axes");
    TransposeOp first = transposedOperand(op);
    if (!first)
      return rewriter.notifyMatchFailure(op, "no operand of the result's rank is transposed");
    SmallVector<int64_t> permutation(first.getPermutation());
    int vanishing = 0, appearing = 0;
    for (Value operand : dataOperands(op)) {
      auto transpose = operand.getDefiningOp<TransposeOp>();
      if (transpose && transpose.getPermutation() == ArrayRef<int64_t>(permutation))
        ++vanishing;
      else if (!movesForFree(operand, permutation))
        ++appearing;
    }
    if (appearing > 0 && appearing + 1 > vanishing)
      return rewriter.notifyMatchFailure(op, "other operands would have to be transposed");
    if (spoilsRows(op, permutation))
      return rewriter.notifyMatchFailure(op, "would work along an axis that is not the last");
    permuteThrough(op, permutation, rewriter);
    return success();
  }
};

/// transpose(op(transpose'(x), y..))  ->  op(x, transpose(y)..)   where transpose and transpose' cancel
struct HoistThroughElementwise : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp transpose, PatternRewriter &rewriter) const override {
    Operation *op = transpose.getInput().getDefiningOp();
    if (!op || !isElementwise(op) || !op->hasOneUse())
      return rewriter.notifyMatchFailure(transpose, "the input is no element-wise operation used only here");
    SmallVector<int64_t> inverse = inversePermutation(transpose.getPermutation());
    int cancelling = 0, appearing = 0;
    for (Value operand : op->getOperands()) {
      auto inner = operand.getDefiningOp<TransposeOp>();
      // Transposed constants are left by SinkThrough: to count them would undo what it did, without end.
      bool isComputed = inner && !isConstantExpression(inner);
      if (isComputed && inner->hasOneUse() && inner.getPermutation() == ArrayRef<int64_t>(inverse))
        ++cancelling;
      else if (!inner && !movesForFree(operand, inverse))
        ++appearing;
    }
    if (cancelling == 0 || appearing > cancelling)
      return rewriter.notifyMatchFailure(transpose, "as many transposes would appear as vanish");
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(createUnpermuted(operand, inverse, rewriter));
    Operation *moved = rewriter.clone(*op);
    moved->setOperands(operands);
    moved->getResult(0).setType(withElementType(tensorType(transpose), tensorType(op->getResult(0)).getElementType()));
    permuteOrigin(moved, transpose.getPermutation());
    rewriter.replaceOp(transpose, moved);
    return success();
  }
};

/// transpose(pad(concat(transpose'(x), y..)))  ->  pad(concat(x, transpose(y)..))   where transpose and transpose' cancel
struct HoistThroughConcat : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp transpose, PatternRewriter &rewriter) const override {
    SmallVector<Operation *> between; // the last one first
    Operation *op = transpose.getInput().getDefiningOp();
    for (; op && isa<PadOp, UnaryOp>(op) && op->hasOneUse(); op = op->getOperand(0).getDefiningOp())
      between.push_back(op);
    if (!op || !isa<ConcatOp>(op) || !op->hasOneUse())
      return rewriter.notifyMatchFailure(transpose, "no concatenation used only here");
    SmallVector<int64_t> inverse = inversePermutation(transpose.getPermutation());
    int64_t cancelling = llvm::count_if(op->getOperands(), [&](Value operand) {
      auto inner = operand.getDefiningOp<TransposeOp>();
      bool isComputed = inner && !isConstantExpression(inner); // as above
      return isComputed && inner->hasOneUse() && inner.getPermutation() == ArrayRef<int64_t>(inverse);
    });
    int64_t free = llvm::count_if(op->getOperands(), [&](Value operand) { return movesForFree(operand, inverse); });
    if (cancelling == 0 || int64_t(op->getNumOperands()) - free > 2 * cancelling)
      return rewriter.notifyMatchFailure(transpose, "as many transposes would appear as vanish");
    between.push_back(op);
    for (Operation *moved : llvm::reverse(between))
      permuteThrough(moved, inverse, rewriter);
    rewriter.replaceOp(transpose, createUnpermuted(transpose.getInput(), inverse, rewriter));
    return success();
  }
};

/// transpose(x)  ->  reshape(x)   where only axes of size 1 move past others
struct TransposeOfOnes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    DimExprs dims = dimExprs(tensorType(op.getInput()));
    int64_t last = -1;
    for (int64_t axis : op.getPermutation()) {
      if (constantDim(dims[axis]) == 1)
        continue;
      if (axis < last)
        return rewriter.notifyMatchFailure(op, "axes with several elements change places");
      last = axis;
    }
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), op.getInput());
    return success();
  }
};

/// transpose(reshape(transpose(x)))  ->  reshape(transpose(x)) or transpose(reshape(x))   where the reshape merges or splits axes
///
/// Mostly nothing remains to be transposed: flatten(2).transpose(1, 2) behind a convolution, and its inverse before the next.
struct TransposesAroundReshape : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    auto reshape = op.getInput().getDefiningOp<ReshapeOp>();
    auto inner = reshape ? reshape.getInput().getDefiningOp<TransposeOp>() : TransposeOp();
    auto groups = inner ? matchGroups(reshape) : std::nullopt;
    if (!groups)
      return rewriter.notifyMatchFailure(op, "not a merge or split between transposes");
    bool merges = tensorType(reshape).getRank() < tensorType(inner).getRank();
    SmallVector<int64_t> first(inner.getPermutation()), second(op.getPermutation()), both;
    if (merges)
      second = expandGroups(second, *groups);
    else
      first = expandGroups(first, groupsBefore(first, *groups));
    for (int64_t axis : second)
      both.push_back(first[axis]);
    if (!reshape->hasOneUse() && !llvm::is_sorted(both))
      return rewriter.notifyMatchFailure(op, "the reshape is used elsewhere");
    Value x = inner.getInput();
    if (!merges) {
      DimExprs dims, split = dimExprs(tensorType(reshape));
      SmallVector<int64_t> back = inversePermutation(first);
      for (int64_t axis : back)
        dims.push_back(split[axis]);
      x = createReshape(rewriter, reshape.getLoc(), x, dims);
    }
    x = createTranspose(rewriter, op.getLoc(), x, both);
    rewriter.replaceOp(op, createReshape(rewriter, op.getLoc(), x, dimExprs(tensorType(op))));
    return success();
  }

  /// Groups of axes after a transpose, in the order before it.
  static SmallVector<int64_t> groupsBefore(ArrayRef<int64_t> permutation, ArrayRef<int64_t> groups) {
    SmallVector<int64_t> before(groups.size());
    for (auto [to, from] : llvm::enumerate(permutation))
      before[from] = groups[to];
    return before;
  }
};

void recordRemaining(func::FuncOp function) {
  std::vector<Decision> decisions;
  function.walk([&](TransposeOp op) {
    Value input = op.getInput();
    bool isAtBorder = !input.getDefiningOp() || llvm::any_of(op->getUsers(), [](Operation *user) {
      return user->hasTrait<OpTrait::IsTerminator>();
    });
    decisions.push_back({nodeName(op->getLoc()), "layout", false,
                         isAtBorder ? "transposed at the border of the graph"
                                    : "transposed, because a neighbor can't work along permuted axes"});
  });
  addDecisions(function, decisions);
}

bool hasChannelsLast(func::FuncOp function) {
  return function
      .walk(
          [](Operation *op) { return op->hasAttr("channels_last") ? WalkResult::interrupt() : WalkResult::advance(); })
      .wasInterrupted();
}

struct SinkTransposes : impl::SinkTransposesBase<SinkTransposes> {
  void runOnOperation() override {
    if (!hasChannelsLast(getOperation()))
      return;
    RewritePatternSet moving(&getContext()), ones(&getContext());
    moving.add<SinkThrough, HoistThroughElementwise, HoistThroughConcat, TransposesAroundReshape>(&getContext());
    ones.add<TransposeOfOnes>(&getContext());
    GreedyRewriteConfig config;
    config.useTopDownTraversal = true;
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(moving), config)) ||
        failed(applyPatternsAndFoldGreedily(getOperation(), std::move(ones))))
      return signalPassFailure();
    recordRemaining(getOperation());
  }
};

} // namespace
} // namespace lathe
