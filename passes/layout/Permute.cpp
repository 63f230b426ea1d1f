// Axis i of a transposed tensor is axis permutation[i] of the tensor before. Everything below follows from that.
#include "passes/layout/Permute.h"
#include "dialects/support/Origin.h"
#include "passes/support/Match.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace lathe::nn {

SmallVector<int64_t> inversePermutation(ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> inverse(permutation.size());
  for (auto [to, from] : llvm::enumerate(permutation))
    inverse[from] = to;
  return inverse;
}

namespace {
/// For a reshape that only adds or only drops axes of size 1: per axis of the larger shape, the axis of the smaller one, or -1
/// for an axis that is added or dropped. nullopt for other reshapes.
std::optional<SmallVector<int64_t>> matchOnes(ReshapeOp op) {
  DimExprs from = dimExprs(tensorType(op.getInput())), to = dimExprs(tensorType(op.getOutput()));
  DimExprs &smaller = from.size() < to.size() ? from : to, &larger = from.size() < to.size() ? to : from;
  SmallVector<int64_t> matched;
  size_t next = 0;
  for (AffineExpr dim : larger) {
    bool isKept = next < smaller.size() && dim == smaller[next];
    if (!isKept && constantDim(dim) != 1)
      return std::nullopt;
    matched.push_back(isKept ? int64_t(next++) : -1);
  }
  return next == smaller.size() && from.size() != to.size() ? std::optional(matched) : std::nullopt;
}
} // namespace

bool canPermute(Operation *op) {
  if (auto reshape = dyn_cast<ReshapeOp>(op))
    return matchOnes(reshape).has_value();
  if (auto gather = dyn_cast<GatherOp>(op))
    return tensorType(gather.getIndices()).getRank() == 1;
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return tensorType(broadcast.getInput()).getRank() == tensorType(broadcast).getRank();
  return isElementwise(op) ||
         isa<ConcatOp, ReduceOp, ArgReduceOp, CumulativeOp, SoftmaxOp, SliceOp, PadOp, ResizeOp, TileOp>(op);
}

SmallVector<Value> dataOperands(Operation *op) {
  if (isa<PadOp, GatherOp>(op))
    return {op->getOperand(0)};
  return SmallVector<Value>(op->getOperands());
}

namespace {
DimExprs withLeadingOnes(Value value, size_t rank) {
  DimExprs dims = dimExprs(tensorType(value));
  while (dims.size() < rank)
    dims.insert(dims.begin(), dimConstant(value.getContext(), 1));
  return dims;
}

/// per[i] belongs to transposed axis i; the result is in the order of the axes before.
template <typename T> SmallVector<T> unpermuted(ArrayRef<T> per, ArrayRef<int64_t> permutation) {
  SmallVector<T> result(per.begin(), per.end());
  for (auto [to, from] : llvm::enumerate(permutation))
    result[from] = per[to];
  return result;
}

RankedTensorType unpermuted(Type type, ArrayRef<int64_t> permutation) {
  auto tensor = cast<RankedTensorType>(type);
  DimExprs dims = dimExprs(tensor);
  return makeTensorType(unpermuted(ArrayRef<AffineExpr>(dims), permutation), tensor.getElementType());
}

AffineMap unpermuted(AffineMap map, ArrayRef<int64_t> permutation) {
  SmallVector<AffineExpr> results = unpermuted(map.getResults(), permutation);
  return AffineMap::get(map.getNumDims(), map.getNumSymbols(), results, map.getContext());
}

/// The permutation of what is left when axes are reduced away: `reduced` are axes of the transposed tensor.
SmallVector<int64_t> permutationWithout(ArrayRef<int64_t> reduced, ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> kept;
  for (auto [to, from] : llvm::enumerate(permutation))
    if (!llvm::is_contained(reduced, int64_t(to)))
      kept.push_back(from);
  return llvm::to_vector(llvm::map_range(
      kept, [&](int64_t axis) { return int64_t(llvm::count_if(kept, [&](int64_t other) { return other < axis; })); }));
}
} // namespace

namespace {
/// True if the axes with several elements, of a tensor with these sizes in transposed order, are in their order before.
bool onlyOnesMove(ArrayRef<AffineExpr> dims, ArrayRef<int64_t> permutation) {
  int64_t last = -1;
  for (auto [to, from] : llvm::enumerate(permutation)) {
    if (constantDim(dims[to]) == 1)
      continue;
    if (from < last)
      return false;
    last = from;
  }
  return true;
}
} // namespace

bool movesForFree(Value value, ArrayRef<int64_t> permutation) {
  return isConstantExpression(value) || onlyOnesMove(withLeadingOnes(value, permutation.size()), permutation);
}

Value createUnpermuted(Value value, ArrayRef<int64_t> permutation, OpBuilder &b) {
  if (tensorType(value).getRank() == 0)
    return value;
  if (auto transpose = value.getDefiningOp<TransposeOp>(); transpose && transpose.getPermutation() == permutation)
    return transpose.getInput();
  DimExprs dims = withLeadingOnes(value, permutation.size());
  if (onlyOnesMove(dims, permutation))
    return createReshape(b, value.getLoc(), value, unpermuted(ArrayRef<AffineExpr>(dims), permutation));
  return createTranspose(b, value.getLoc(), createReshape(b, value.getLoc(), value, dims),
                         inversePermutation(permutation));
}

bool spoilsRows(Operation *op, ArrayRef<int64_t> permutation) {
  int64_t last = int64_t(permutation.size()) - 1, inner = inversePermutation(permutation)[last];
  if (inner == last)
    return false;
  if (auto resize = dyn_cast<ResizeOp>(op)) {
    DimExprs in = dimExprs(tensorType(resize.getInput())), out = dimExprs(tensorType(resize.getOutput()));
    return isInterpolation(op) && in[last] == out[last] && in[inner] != out[inner];
  }
  auto softmax = dyn_cast<SoftmaxOp>(op);
  return softmax && int64_t(softmax.getAxis()) == last;
}

namespace {
/// Rewrites the attributes of `op` that name axes. Gives the permutation of the result.
SmallVector<int64_t> permuteAttributes(Operation *op, ArrayRef<int64_t> permutation) {
  Builder b(op->getContext());
  SmallVector<int64_t> result(permutation);
  if (auto axis = op->getAttrOfType<IntegerAttr>("axis")) { // concat, arg_reduce, cumulative, softmax, gather
    op->setAttr("axis", b.getI64IntegerAttr(permutation[axis.getInt()]));
    if (auto arg = dyn_cast<ArgReduceOp>(op); arg && !arg.getKeepdims())
      result = permutationWithout(axis.getInt(), permutation);
  } else if (auto reduce = dyn_cast<ReduceOp>(op)) {
    SmallVector<int64_t> axes =
        llvm::to_vector(llvm::map_range(reduce.getAxes(), [&](int64_t a) { return permutation[a]; }));
    llvm::sort(axes);
    if (!reduce.getKeepdims())
      result = permutationWithout(reduce.getAxes(), permutation);
    reduce.setAxes(axes);
  } else if (auto slice = dyn_cast<SliceOp>(op)) {
    slice.setStarts(unpermuted(slice.getStarts(), permutation));
    slice.setSteps(unpermuted(slice.getSteps(), permutation));
  } else if (auto pad = dyn_cast<PadOp>(op)) {
    pad.setLow(unpermuted(pad.getLow(), permutation));
  } else if (auto resize = dyn_cast<ResizeOp>(op)) {
    ArrayRef<double> roi = resize.getRoi();
    size_t rank = permutation.size();
    if (roi.size() == 2 * rank) {
      SmallVector<double> starts = unpermuted(roi.take_front(rank), permutation),
                          ends = unpermuted(roi.drop_front(rank), permutation);
      starts.append(ends);
      resize.setRoi(starts);
    }
    resize.setScales(unpermuted(resize.getScales(), permutation));
  }
  return result;
}

/// The same for a reshape that adds or drops axes of size 1, whose sizes are its only attribute.
SmallVector<int64_t> permuteReshape(ReshapeOp op, ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> matched = *matchOnes(op), result;
  if (matched.size() == permutation.size()) { // drops axes
    SmallVector<int64_t> dropped;
    for (auto [axis, kept] : llvm::enumerate(matched))
      if (kept < 0)
        dropped.push_back(axis);
    return permutationWithout(dropped, permutation);
  }
  int64_t added = permutation.size(); // behind all others
  for (int64_t axis : matched)
    result.push_back(axis < 0 ? added++ : permutation[axis]);
  return result;
}
} // namespace

void permuteThrough(Operation *op, ArrayRef<int64_t> permutation, PatternRewriter &rewriter) {
  rewriter.setInsertionPoint(op);
  SmallVector<Value> operands(op->getOperands());
  size_t count = dataOperands(op).size();
  for (size_t i = 0; i < count; ++i)
    operands[i] = createUnpermuted(operands[i], permutation, rewriter);
  Operation *moved = rewriter.clone(*op);
  moved->setOperands(operands);
  auto reshape = dyn_cast<ReshapeOp>(op);
  SmallVector<int64_t> back = reshape ? permuteReshape(reshape, permutation) : permuteAttributes(moved, permutation);
  moved->getResult(0).setType(unpermuted(op->getResult(0).getType(), back));
  permuteOrigin(moved, inversePermutation(back));
  auto transpose = rewriter.create<TransposeOp>(op->getLoc(), op->getResult(0).getType(), moved->getResult(0), back);
  rewriter.replaceOp(op, transpose);
}

} // namespace lathe::nn
