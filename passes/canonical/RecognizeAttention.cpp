// Scaled dot-product attention, written out by exporters as two products around a softmax:
//   softmax(query x key^T * scale + mask) x value
//
// Between scale and mask the scores may be capped: cap * tanh(scores / cap) (Gemma 2).
// The scale may stand before the first product (on the query, the key, or its square root on both) or after it, as a product
// or a quotient. Masks are added or selected; several added masks become their sum. NaN probabilities may be replaced by zeros
// (PyTorch's safe softmax). Scores may be reshaped between masks (shifted windows: Liu et al., Swin Transformer, 2021), and have
// any number of batch axes. Heads of keys and values that are repeated for several query heads are read where they are (Ainslie et
// al., GQA, 2023). Refused: probabilities that are used elsewhere (attention maps as outputs), softmax along another axis,
// selected mask values above minus 1e9. Vaswani et al., Attention Is All You Need, 2017.
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

/// Sizes of the scores where a mask is added: in shifted windows they are reshaped, so that windows are an axis of their own.
using View = DimExprs;

struct AddedMask {
  Value condition; // null: `value` is added as it is; else `value` is added where the condition is `where`
  Value value;
  bool where = true;
  View view = {};
};

struct Scores {
  MatmulOp product;
  double scale = 1, cap = 0; // cap 0: none
  SmallVector<AddedMask, 2> masks;
};

struct Match {
  SoftmaxOp softmax;
  Scores scores;
  View view;                                // the finest one
  bool nanToZero = false, isShared = false; // isShared: others use the probabilities
};

/// True if scores * scale + masks, in any nesting, can lie behind this value.
bool leadsToProduct(Value value) {
  for (int depth = 0; depth < 8; ++depth) {
    Operation *op = value.getDefiningOp();
    if (isa_and_nonnull<MatmulOp>(op))
      return true;
    if (auto reshape = dyn_cast_or_null<ReshapeOp>(op)) {
      value = reshape.getInput();
      continue;
    }
    if (UnaryOp tanh = definedBy(value, UnaryKind::tanh)) {
      value = tanh.getInput();
      continue;
    }
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

/// True if a reshape leaves the matrices of scores alone and only merges or splits batches of them.
bool keepsMatrices(ReshapeOp op) {
  DimExprs from = dimExprs(tensorType(op.getInput())), to = dimExprs(tensorType(op.getOutput()));
  return from.size() >= 2 && to.size() >= 2 && ArrayRef(from).take_back(2) == ArrayRef(to).take_back(2);
}

/// cap * tanh(value), the cap having been read as scale: what tanh takes. Null if it is no cap.
Value peelCap(Value value, Scores &scores) {
  UnaryOp tanh = definedBy(value, UnaryKind::tanh);
  if (!tanh || scores.cap != 0 || !(scores.scale > 0) || !tanh->hasOneUse())
    return {};
  scores.cap = scores.scale; // scale * tanh(x / scale), x being what further scales make of the product
  return tanh.getInput();
}

/// Reads scores from what the softmax takes.
std::optional<Scores> matchScores(Value value) {
  Scores scores;
  for (int depth = 0; depth < 8; ++depth) {
    if ((scores.product = value.getDefiningOp<MatmulOp>()))
      return scores;
    if (auto reshape = value.getDefiningOp<ReshapeOp>(); reshape && keepsMatrices(reshape)) {
      value = reshape.getInput();
      continue;
    }
    View view = dimExprs(tensorType(value));
    if (auto mul = matchWithScalar(value, BinaryKind::mul)) {
      scores.scale *= mul->scalar;
      value = mul->input;
    } else if (auto div = matchWithScalar(value, BinaryKind::div); div && div->scalar != 0) {
      scores.scale /= div->scalar;
      value = div->input;
    } else if (Value input = peelCap(value, scores)) {
      value = input;
    } else if (scores.scale != 1 || scores.cap != 0 || !(value = peelMask(value, scores))) {
      return std::nullopt; // a scale or cap of the masked scores would work on the mask, too
    } else {
      scores.masks.back().view = view;
    }
  }
  return std::nullopt;
}

/// Reads the softmax of probabilities, which may be made safe for queries without keys: select(is_nan(p), 0, p), and reshaped.
void matchProbabilities(Value value, Match &match) {
  auto reshape = value.getDefiningOp<ReshapeOp>();
  if (reshape && keepsMatrices(reshape) && reshape->hasOneUse())
    value = reshape.getInput();
  auto select = value.getDefiningOp<SelectOp>();
  UnaryOp isNan = select ? definedBy(select.getCondition(), UnaryKind::is_nan) : UnaryOp();
  match.nanToZero = isNan && isNan.getInput() == select.getRhs() && scalarConstant(select.getLhs()) == 0.0 &&
                    haveEqualDims(select.getRhs(), value);
  Value probabilities = match.nanToZero ? select.getRhs() : value;
  match.softmax = probabilities.getDefiningOp<SoftmaxOp>();
  match.isShared =
      !value.hasOneUse() || (match.nanToZero && (!isNan->hasOneUse() || !llvm::hasNItems(probabilities.getUses(), 2)));
}

/// The view with the most axes, if all others merge axes of it.
std::optional<View> finestView(const Scores &scores, const View &softmax) {
  MatmulOp matmul = scores.product;
  View product = dimExprs(tensorType(matmul)), finest = product.size() < softmax.size() ? softmax : product;
  for (const AddedMask &mask : scores.masks)
    if (mask.view.size() > finest.size())
      finest = mask.view;
  bool areMerged = llvm::all_of(scores.masks, [&](const AddedMask &mask) { return matchGroups(finest, mask.view); });
  areMerged &= matchGroups(finest, product) && matchGroups(finest, softmax);
  return areMerged ? std::optional(finest) : std::nullopt;
}

/// True if the batch axes of `operand` are those of `whole`, or ones in their place.
bool broadcastsBatch(Value operand, Value whole) {
  DimExprs dims = dimExprs(tensorType(operand)), all = dimExprs(tensorType(whole));
  return dims.size() == all.size() && llvm::all_of(llvm::seq<size_t>(0, dims.size() - 2), [&](size_t axis) {
           return dims[axis] == all[axis] || constantDim(dims[axis]) == 1;
         });
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
  matchProbabilities(op.getLhs(), match);
  if (!match.softmax || op.getTransLhs())
    return refuse("the left operand is no softmax");
  int64_t rank = tensorType(match.softmax).getRank();
  if (match.softmax.getLog() || int64_t(match.softmax.getAxis()) != rank - 1)
    return refuse("the softmax is not along the last axis");
  if (match.isShared)
    return refuse("the probabilities are used elsewhere");
  auto scores = matchScores(match.softmax.getInput());
  if (!scores)
    return refuse("the scores are no product with scales and masks");
  match.scores = *scores;
  MatmulOp product = match.scores.product;
  bool isReshaped = tensorType(product).getRank() != rank;
  if (!isReshaped && !haveEqualDims(product, match.softmax))
    return refuse("the mask widens the scores");
  auto view = finestView(match.scores, dimExprs(tensorType(match.softmax)));
  if (!view)
    return refuse("the scores are reshaped in several ways");
  match.view = *view;
  if (!haveEqualBatch(product.getLhs(), product) || !haveEqualBatch(product, op))
    return refuse("the query's heads broadcast");
  if (!broadcastsBatch(product.getRhs(), product) || !broadcastsBatch(op.getRhs(), product))
    return refuse("keys and values have other batch axes");
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

/// The tensor to add for one mask.
Value createMask(const AddedMask &mask, OpBuilder &b, Location location) {
  if (!mask.condition)
    return mask.value;
  Value zero = createScalar(b, location, tensorType(mask.value).getElementType(), 0);
  Value low = createScalar(b, location, tensorType(mask.value).getElementType(), *scalarConstant(mask.value));
  return b.create<SelectOp>(location, mask.condition, mask.where ? low : zero, mask.where ? zero : low);
}

/// A mask of one view as one of a view that splits its axes.
Value toView(Value mask, const View &from, const View &to, OpBuilder &b) {
  DimExprs dims = dimExprs(tensorType(mask)), split;
  dims.insert(dims.begin(), from.size() - dims.size(), dimConstant(b.getContext(), 1));
  SmallVector<int64_t> groups = *matchGroups(to, from);
  for (auto [size, count] : llvm::zip_equal(dims, groups)) {
    size_t first = split.size();
    for (int64_t i = 0; i < count; ++i)
      split.push_back(constantDim(size) == 1 ? size : to[first + i]);
  }
  return createReshape(b, mask.getLoc(), mask, split);
}

/// The sum of all masks, with as many axes as `view`; null if there are none.
Value createMasks(ArrayRef<AddedMask> masks, const View &view, OpBuilder &b, Location location) {
  Value sum;
  for (const AddedMask &mask : masks) {
    Value next = toView(createMask(mask, b, location), mask.view, view, b);
    sum = sum ? b.create<BinaryOp>(location, BinaryKind::add, sum, next).getOutput() : next;
  }
  return sum;
}

/// `operand` with the batch axes of `product`.
Value withBatchOf(Value product, Value operand, OpBuilder &b, Location location) {
  DimExprs dims = dimExprs(tensorType(operand)), all = dimExprs(tensorType(product));
  std::copy(all.begin(), all.end() - 2, dims.begin());
  if (dims == dimExprs(tensorType(operand)))
    return operand;
  return b.create<BroadcastOp>(location, makeTensorType(dims, tensorType(operand).getElementType()), operand);
}

/// How the axes of scores before the matrices are shared between nn.attention's batch and heads: `heads` begins at axis `split`.
struct Batching {
  AffineExpr batch, heads;
  Value mask; // null: none

  static Batching of(ArrayRef<AffineExpr> view, Value mask, OpBuilder &b, Location location);
  Value reshape(Value operand, Value product, OpBuilder &b, Location location) const {
    operand = withBatchOf(product, operand, b, location);
    DimExprs dims = dimExprs(tensorType(operand));
    return createReshape(b, location, operand, {batch, heads, dims[dims.size() - 2], dims.back()});
  }
};

/// A mask goes along with either all axes of a group or none: where no split does that, it is broadcast along the heads.
Batching Batching::of(ArrayRef<AffineExpr> view, Value mask, OpBuilder &b, Location location) {
  MLIRContext *context = b.getContext();
  int64_t count = int64_t(view.size()) - 2, split = std::max<int64_t>(count - 1, 0);
  DimExprs dims(view.size(), dimConstant(context, 1));
  if (mask)
    dims = dimExprs(tensorType(mask));
  auto isOne = [&](int64_t axis) { return constantDim(dims[axis]) == 1; };
  auto areOnes = [&](int64_t from, int64_t to) { return llvm::all_of(llvm::seq(from, to), isOne); };
  auto areFull = [&](int64_t from, int64_t to) {
    return llvm::all_of(llvm::seq(from, to), [&](int64_t axis) { return dims[axis] == view[axis]; });
  };
  auto isUniform = [&](int64_t from, int64_t to) { return areOnes(from, to) || areFull(from, to); };
  while (split > 0 && !(isUniform(0, split) && isUniform(split, count)))
    --split;
  if (!isUniform(split, count)) {
    while (split < count && isOne(split))
      ++split;
    std::copy(view.begin() + split, view.begin() + count, dims.begin() + split);
    mask = b.create<BroadcastOp>(location, makeTensorType(dims, tensorType(mask).getElementType()), mask);
  }
  Batching result{dimProduct(view.take_front(split), context), dimProduct(view.slice(split, count - split), context),
                  mask};
  if (mask)
    result.mask =
        createReshape(b, location, mask,
                      {areOnes(0, split) ? dimConstant(context, 1) : result.batch,
                       areOnes(split, count) ? dimConstant(context, 1) : result.heads, dims[count], dims[count + 1]});
  return result;
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
    Value masks = createMasks(match->scores.masks, match->view, rewriter, location);
    Batching batching = Batching::of(match->view, masks, rewriter, location);
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
    auto attention = rewriter.create<AttentionOp>(location, batching.reshape(query, product, rewriter, location),
                                                  batching.reshape(key, product, rewriter, location),
                                                  batching.reshape(value, product, rewriter, location), batching.mask,
                                                  APFloat(scale), match->nanToZero, APFloat(match->scores.cap));
    Value result = createReshape(rewriter, location, attention, dimExprs(tensorType(op)));
    if (result.getType() != op.getType())
      result.setType(op.getType());
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// Heads of keys or values before they were repeated for several query heads: [B, G, T, D], and how often each was.
struct SharedHeads {
  Value heads; // perhaps in other axes than `dims`
  DimExprs dims;
  int64_t times = 0;

  Value create(OpBuilder &b) const { return createReshape(b, heads.getLoc(), heads, dims); }
};

/// Reads reshape(broadcast [B, G, 1, T, D] -> [B, G, times, T, D]) -> [B, H, T, D], or a broadcast of one head to H.
std::optional<SharedHeads> matchShared(Value value) {
  DimExprs dims = dimExprs(tensorType(value));
  auto reshape = value.getDefiningOp<ReshapeOp>();
  Value repeated = reshape && keepsMatrices(reshape) ? reshape.getInput() : value;
  auto broadcast = repeated.getDefiningOp<BroadcastOp>();
  if (!broadcast || tensorType(broadcast).getRank() != tensorType(broadcast.getInput()).getRank())
    return std::nullopt;
  DimExprs from = dimExprs(tensorType(broadcast.getInput())), to = dimExprs(tensorType(broadcast));
  size_t axis = std::mismatch(from.begin(), from.end(), to.begin()).first - from.begin();
  if (axis + 2 >= to.size() || !std::equal(from.begin() + axis + 1, from.end(), to.begin() + axis + 1))
    return std::nullopt;
  auto times = constantDim(to[axis]), heads = constantDim(dims[1]);
  AffineExpr behind = dimProduct(ArrayRef(to).slice(axis + 1, to.size() - axis - 3), value.getContext());
  if (!times || !heads || *times < 2 || *heads % *times != 0 || constantDim(behind) != 1)
    return std::nullopt;
  DimExprs shared{dims[0], dimConstant(value.getContext(), *heads / *times), dims[2], dims[3]};
  AffineExpr before = dimProduct(ArrayRef(to).take_front(axis), value.getContext());
  if (before != simplifyDim(shared[0] * shared[1]))
    return std::nullopt;
  return SharedHeads{broadcast.getInput(), shared, *times};
}

/// attention q, repeat(k), repeat(v)  ->  attention q, k, v
struct RepeatedHeads : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rewriter) const override {
    auto key = matchShared(op.getKey()), value = matchShared(op.getValue());
    if (!key || !value || key->times != value->times)
      return rewriter.notifyMatchFailure(op, "heads of keys and values are not both repeated, equally often");
    Value keys = key->create(rewriter), values = value->create(rewriter);
    rewriter.modifyOpInPlace(op, [&] {
      op.getKeyMutable().assign(keys);
      op.getValueMutable().assign(values);
    });
    return success();
  }
};

/// Says of every product of a softmax that stayed why it did.
void recordRefusals(func::FuncOp function) {
  function.walk([](MatmulOp op) {
    std::string reason;
    Match match;
    matchProbabilities(op.getLhs(), match);
    if (match.softmax && !matchAttention(op, reason))
      recordDecision(op, "recognize", false, "no attention: " + reason);
  });
}

struct RecognizeAttention : impl::RecognizeAttentionBase<RecognizeAttention> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<AttentionOfProducts, RepeatedHeads>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    recordRefusals(getOperation());
  }
};

} // namespace
} // namespace lathe
