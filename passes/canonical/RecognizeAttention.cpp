// Scaled dot-product attention, written out by exporters as two products around a softmax:
//   softmax(query x key^T * scale + mask) x value
//
// The scale may stand before the first product (on the query, the key, or its square root on both) or after it, as a product
// or a quotient. Masks are added or selected; several added masks become their sum. Ranks 2 and 3 are computed as one batch
// of heads. Refused: probabilities that are used elsewhere (attention maps as outputs), softmax along another axis, key and
// value heads that broadcast, selected mask values above minus 1e9. Vaswani et al., Attention Is All You Need, 2017.
#include "dialects/support/Decisions.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_RECOGNIZEATTENTION
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

/// A number this low, added to a score instead of put in its place, gives the same probabilities: in a row with other scores
/// both are 0, and in a row without, the score is lost in rounding.
constexpr double kMinusInfinity = -1e9;

struct AddedMask {
  Value condition; // null: `value` is added as it is; else `value` is added where the condition is `where`
  Value value;
  bool where = true;
};

struct Scores {
  MatmulOp product;
  double scale = 1;
  SmallVector<AddedMask, 2> masks;
};

struct Match {
  SoftmaxOp softmax;
  Scores scores;
};

/// True if scores * scale + masks, in any nesting, can lie behind this value.
bool leadsToProduct(Value value) {
  for (int depth = 0; depth < 8; ++depth) {
    Operation *op = value.getDefiningOp();
    if (isa_and_nonnull<MatmulOp>(op))
      return true;
    if (auto select = dyn_cast_or_null<SelectOp>(op)) {
      value = scalarConstant(select.getRhs()) ? select.getLhs() : select.getRhs();
    } else if (auto binary = dyn_cast_or_null<BinaryOp>(op)) {
      if (binary.getKind() == BinaryKind::add && leadsToProduct(binary.getRhs()))
        return true;
      bool isRight = scalarConstant(binary.getLhs()).has_value();
      value = isRight ? binary.getRhs() : binary.getLhs();
    } else {
      return false;
    }
  }
  return false;
}

/// Takes the mask off `value`; null if there is none or it can't be added.
Value peelMask(Value value, Scores &scores) {
  if (BinaryOp add = definedBy(value, BinaryKind::add)) {
    bool isLeft = leadsToProduct(add.getLhs());
    scores.masks.push_back({{}, isLeft ? add.getRhs() : add.getLhs()});
    return isLeft ? add.getLhs() : add.getRhs();
  }
  auto select = value.getDefiningOp<SelectOp>();
  if (!select)
    return {};
  bool isRight = leadsToProduct(select.getRhs());
  Value masked = isRight ? select.getLhs() : select.getRhs();
  auto number = scalarConstant(masked);
  if (!number || !(*number <= kMinusInfinity))
    return {};
  scores.masks.push_back({select.getCondition(), masked, isRight});
  return isRight ? select.getRhs() : select.getLhs();
}

/// Reads scores from what the softmax takes.
std::optional<Scores> matchScores(Value value) {
  Scores scores;
  for (int depth = 0; depth < 8; ++depth) {
    if ((scores.product = value.getDefiningOp<MatmulOp>()))
      return scores;
    if (auto mul = matchWithScalar(value, BinaryKind::mul)) {
      scores.scale *= mul->scalar;
      value = mul->input;
    } else if (auto div = matchWithScalar(value, BinaryKind::div); div && div->scalar != 0) {
      scores.scale /= div->scalar;
      value = div->input;
    } else if (scores.scale != 1 || !(value = peelMask(value, scores))) {
      return std::nullopt; // a scale of the masked scores would scale the mask, too
    }
  }
  return std::nullopt;
}

bool haveEqualBatch(Value lhs, Value rhs) {
  DimExprs a = dimExprs(tensorType(lhs)), b = dimExprs(tensorType(rhs));
  return a.size() == b.size() && std::equal(a.begin(), a.end() - 2, b.begin());
}

/// The attention that `op` is the second product of; else `reason` says why it is none.
std::optional<Match> matchAttention(MatmulOp op, std::string &reason) {
  auto refuse = [&](StringRef why) {
    reason = why.str();
    return std::nullopt;
  };
  Match match;
  match.softmax = op.getLhs().getDefiningOp<SoftmaxOp>();
  if (!match.softmax || op.getTransLhs())
    return refuse("the left operand is no softmax");
  int64_t rank = tensorType(match.softmax).getRank();
  if (match.softmax.getLog() || int64_t(match.softmax.getAxis()) != rank - 1)
    return refuse("the softmax is not along the last axis");
  if (!match.softmax->hasOneUse())
    return refuse("the probabilities are used elsewhere");
  auto scores = matchScores(match.softmax.getInput());
  if (!scores)
    return refuse("the scores are no product with scales and masks");
  match.scores = *scores;
  MatmulOp product = match.scores.product;
  if (rank > 4 || !haveEqualDims(product, match.softmax))
    return refuse("the mask widens the scores, or there are more than four axes");
  if (!haveEqualBatch(product.getLhs(), product.getRhs()) || !haveEqualBatch(product.getLhs(), op.getRhs()))
    return refuse("query, key and value heads broadcast");
  return match;
}

//===- rewriting -===//

/// `value` without multiplications by scalars, also through transposes and reshapes; their product goes to `scale`.
Value withoutScale(Value value, double &scale, OpBuilder &b) {
  for (BinaryKind kind : {BinaryKind::mul, BinaryKind::div})
    if (auto match = matchWithScalar(value, kind);
        match && match->scalar != 0 && match->input.getType() == value.getType()) {
      scale *= kind == BinaryKind::mul ? match->scalar : 1 / match->scalar;
      return withoutScale(match->input, scale, b);
    }
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<TransposeOp, ReshapeOp>(op) || !op->hasOneUse())
    return value;
  Value inner = withoutScale(op->getOperand(0), scale, b);
  if (inner == op->getOperand(0))
    return value;
  Operation *moved = b.clone(*op);
  moved->setOperand(0, inner);
  return moved->getResult(0);
}

Value swapLastAxes(Value value, OpBuilder &b, Location location) {
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, tensorType(value).getRank()));
  std::swap(permutation[permutation.size() - 1], permutation[permutation.size() - 2]);
  return createTranspose(b, location, value, permutation);
}

/// The same tensor with axes of size 1 in front, up to rank 4.
Value toRankFour(Value value, OpBuilder &b, Location location) {
  DimExprs dims = dimExprs(tensorType(value));
  while (dims.size() < 4)
    dims.insert(dims.begin(), dimConstant(b.getContext(), 1));
  return createReshape(b, location, value, dims);
}

/// The tensor to add for one mask.
Value createMask(const AddedMask &mask, OpBuilder &b, Location location) {
  if (!mask.condition)
    return mask.value;
  Value zero = createScalar(b, location, tensorType(mask.value).getElementType(), 0);
  Value low = createScalar(b, location, tensorType(mask.value).getElementType(), *scalarConstant(mask.value));
  return b.create<SelectOp>(location, mask.condition, mask.where ? low : zero, mask.where ? zero : low);
}

Value createMasks(ArrayRef<AddedMask> masks, OpBuilder &b, Location location) {
  Value sum;
  for (const AddedMask &mask : masks) {
    Value next = createMask(mask, b, location);
    sum = sum ? b.create<BinaryOp>(location, BinaryKind::add, sum, next).getOutput() : next;
  }
  return sum;
}

/// matmul(softmax(add(mul(matmul(q, transpose(k)), s), m)), v)  ->  attention q, k, v, m {scale = s}
struct AttentionOfProducts : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    std::string reason;
    auto match = matchAttention(op, reason);
    if (!match)
      return rewriter.notifyMatchFailure(op, reason);
    MatmulOp product = match->scores.product;
    recordDecision(op, "recognize", true, "computed as one attention");
    Location location = locationBetween(op, {product.getLhs(), product.getRhs(), op.getRhs()});
    Value mask = createMasks(match->scores.masks, rewriter, location);
    double scale = match->scores.scale;
    Value query = withoutScale(product.getLhs(), scale, rewriter),
          key = withoutScale(product.getRhs(), scale, rewriter);
    Value value = op.getRhs();
    if (product.getTransLhs())
      query = swapLastAxes(query, rewriter, location);
    if (!product.getTransRhs())
      key = swapLastAxes(key, rewriter, location);
    if (op.getTransRhs())
      value = swapLastAxes(value, rewriter, location);
    auto attention = rewriter.create<AttentionOp>(location, toRankFour(query, rewriter, location),
                                                  toRankFour(key, rewriter, location),
                                                  toRankFour(value, rewriter, location), mask, APFloat(scale));
    Value result = createReshape(rewriter, location, attention, dimExprs(tensorType(op)));
    if (result.getType() != op.getType())
      attention.getOutput().setType(op.getType());
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// Says of every product of a softmax that stayed why it did.
void recordRefusals(func::FuncOp function) {
  function.walk([](MatmulOp op) {
    std::string reason;
    if (op.getLhs().getDefiningOp<SoftmaxOp>() && !matchAttention(op, reason))
      recordDecision(op, "recognize", false, "no attention: " + reason);
  });
}

struct RecognizeAttention : impl::RecognizeAttentionBase<RecognizeAttention> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<AttentionOfProducts>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    recordRefusals(getOperation());
  }
};

} // namespace
} // namespace lathe
