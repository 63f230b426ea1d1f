// Matrix products that read their operands where they lie: transposed operands, and batches that exporters flatten to rows
// and split again (tf2onnx, GPT-2's Conv1D).
//
// Assumes that a kernel reads a transposed operand at the price of packing it, which it does anyway. Constant operands are
// not touched: they are packed at compile time in any order.
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_FOLDTRANSPOSEINTOMATMUL
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

/// The computed input of a transpose that exchanges the last two axes only; null otherwise.
Value behindLastSwap(Value value) {
  auto transpose = value.getDefiningOp<TransposeOp>();
  if (!transpose)
    return {};
  SmallVector<int64_t> swap = llvm::to_vector(llvm::seq<int64_t>(0, tensorType(value).getRank()));
  if (swap.size() < 2)
    return {};
  std::swap(swap[swap.size() - 1], swap[swap.size() - 2]);
  bool isSwap = ArrayRef<int64_t>(swap) == transpose.getPermutation();
  return isSwap && !isConstantExpression(value) ? transpose.getInput() : Value();
}

/// matmul(x, transpose(y))  ->  matmul(x, y) {trans_rhs}, and the same at the left
struct TransposedOperand : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    if (op.getLhsZero() || op.getRhsZero())
      return rewriter.notifyMatchFailure(op, "zero points belong to the operands as they are");
    if (tensorType(op.getLhs()).getElementType().isInteger(8))
      return rewriter.notifyMatchFailure(op, "kernels read rows of bytes");
    Value lhs = behindLastSwap(op.getLhs()), rhs = behindLastSwap(op.getRhs());
    if (!lhs && !rhs)
      return rewriter.notifyMatchFailure(op, "no operand is computed and transposed along its last two axes");
    rewriter.modifyOpInPlace(op, [&] {
      if (lhs) {
        op.setTransLhs(!op.getTransLhs());
        op.getLhsMutable().assign(lhs);
      }
      if (rhs) {
        op.setTransRhs(!op.getTransRhs());
        op.getRhsMutable().assign(rhs);
      }
    });
    return success();
  }
};

/// True if a reshape keeps the last axis, and so only merges or splits the axes before it.
bool keepsLastAxis(ReshapeOp op) {
  DimExprs from = dimExprs(tensorType(op.getInput())), to = dimExprs(tensorType(op.getOutput()));
  return !from.empty() && !to.empty() && from.back() == to.back();
}

/// reshape(matmul(x, w))  ->  matmul(reshape(x), w)   where the reshape splits rows
///
/// Mostly x is a reshape itself, which merged the rows before, and both vanish. The epilogue of the product then has the sizes
/// of what follows (a residual).
struct ProductOfRows : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    auto matmul = op.getInput().getDefiningOp<MatmulOp>();
    if (!matmul || !matmul->hasOneUse() || matmul.getTransLhs())
      return rewriter.notifyMatchFailure(op, "the input is no product used only here");
    if (tensorType(matmul.getLhs()).getRank() != 2 || tensorType(matmul.getRhs()).getRank() != 2 || !keepsLastAxis(op))
      return rewriter.notifyMatchFailure(op, "not rows times one matrix, split into batches of rows");
    Value zero = matmul.getLhsZero();
    if (zero && !scalarConstant(zero) && tensorType(zero).getRank() > 0)
      return rewriter.notifyMatchFailure(op, "rows have zero points of their own");
    DimExprs dims = dimExprs(tensorType(op));
    if (dims.size() < 2)
      return rewriter.notifyMatchFailure(op, "there are no rows");
    dims.back() = dimExprs(tensorType(matmul.getLhs())).back();
    Value rows = createReshape(rewriter, op.getLoc(), matmul.getLhs(), dims);
    rewriter
        .replaceOpWithNewOp<MatmulOp>(op, op.getType(), rows, matmul.getRhs(), zero, matmul.getRhsZero(), false,
                                      matmul.getTransRhs())
        ->setLoc(matmul.getLoc());
    return success();
  }
};

/// reshape(unary(x)) -> unary(reshape(x)), reshape(add(x, c)) -> add(reshape(x), c)   on the way up to a product of rows
///
/// c has to be a vector along the last axis, or a scalar; a tensor of x's own sizes is reshaped, too.
struct ReshapeOfElementwise : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  static bool isChained(Operation *op) {
    return isa_and_nonnull<UnaryOp, BinaryOp, QuantizeOp, DequantizeOp>(op) && isElementwise(op);
  }

  /// What a chain of element-wise operations starts from; null if that is no product of rows.
  static MatmulOp productBehind(Value value) {
    for (int depth = 0; depth < 12 && value.hasOneUse(); ++depth) {
      Operation *op = value.getDefiningOp();
      if (auto matmul = dyn_cast_or_null<MatmulOp>(op))
        return tensorType(matmul.getLhs()).getRank() == 2 ? matmul : MatmulOp();
      if (!isChained(op))
        return {};
      bool isLeft = haveEqualDims(op->getOperand(0), value);
      value = op->getOperand(isLeft ? 0 : 1);
    }
    return {};
  }

  /// Sizes that let `operand` meet the reshaped result; failure if none do.
  static FailureOr<DimExprs> dimsFor(Value operand, ReshapeOp op) {
    if (haveEqualDims(operand, op.getInput()))
      return dimExprs(tensorType(op.getOutput()));
    DimExprs dims = dimExprs(tensorType(operand));
    for (; dims.size() > 1; dims.erase(dims.begin()))
      if (constantDim(dims.front()) != 1)
        return failure();
    return dims;
  }

  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    Operation *inner = op.getInput().getDefiningOp();
    if (!isChained(inner) || !keepsLastAxis(op) || !productBehind(op.getInput()))
      return rewriter.notifyMatchFailure(op, "no chain of element-wise operations on a product of rows");
    if (llvm::any_of(inner->getOperands(), [&](Value operand) { return failed(dimsFor(operand, op)); }))
      return rewriter.notifyMatchFailure(op, "an operand broadcasts along the rows");
    SmallVector<Value> operands;
    for (Value operand : inner->getOperands())
      operands.push_back(createReshape(rewriter, op.getLoc(), operand, *dimsFor(operand, op)));
    Operation *moved = rewriter.clone(*inner);
    moved->setOperands(operands);
    moved->getResult(0).setType(
        withElementType(tensorType(op.getOutput()), tensorType(inner->getResult(0)).getElementType()));
    rewriter.replaceOp(op, moved);
    return success();
  }
};

struct FoldTransposeIntoMatmul : impl::FoldTransposeIntoMatmulBase<FoldTransposeIntoMatmul> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<TransposedOperand, ProductOfRows, ReshapeOfElementwise>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace lathe
