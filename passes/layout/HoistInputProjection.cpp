// The product with the input, which recurrent cells need at each step but which depends on no step before it, is computed for
// all steps at once.
//
//   recurrent(x weights w recurrence r)          x [T, B, I], w [dirs, gates * H, I]
//   ->  p = matmul(x, reshape(w)) {trans_rhs}    [T, B, dirs * gates * H]
//       recurrent(p recurrence r)
//
// One matrix product of T * B rows replaces T products of B rows, which read all weights each. The intermediate result takes
// T * B * dirs * gates * H elements of memory.
//
// Of f32 only: in f16 and bf16 the rounding of the intermediate result would be added, and products of f64 are no faster.
// Appleyard, Kocisky, Blunsom: Optimizing Performance of Recurrent Neural Networks on GPUs, 2016, section 3.1.
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_HOISTINPUTPROJECTION
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

struct ProjectAllSteps : OpRewritePattern<RecurrentOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RecurrentOp op, PatternRewriter &b) const override {
    Value weights = op.getWeights();
    if (!weights)
      return b.notifyMatchFailure(op, "the input is projected already");
    if (!tensorType(op.getInput()).getElementType().isF32())
      return b.notifyMatchFailure(op, "expects elements of type f32");
    DimExprs input = dimExprs(tensorType(op.getInput())), sizes = dimExprs(tensorType(weights));
    AffineExpr rows = simplifyDim(sizes[0] * sizes[1]);
    Value matrix = createReshape(b, op.getLoc(), weights, {rows, sizes[2]});
    Value projected =
        b.create<MatmulOp>(op.getLoc(), makeTensorType({input[0], input[1], rows}, b.getF32Type()), op.getInput(),
                           matrix, Value(), Value(), /*trans_lhs=*/false, /*trans_rhs=*/true);
    b.modifyOpInPlace(op, [&] {
      op.getInputMutable().assign(projected);
      op.getWeightsMutable().clear();
    });
    return success();
  }
};

struct HoistInputProjection : impl::HoistInputProjectionBase<HoistInputProjection> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ProjectAllSteps>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace lathe
