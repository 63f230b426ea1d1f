#include "dialects/nn/NNView.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace lathe::nn {

namespace {
RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }
bool isOne(AffineExpr dim) { return constantDim(dim) == 1; }

/// An axis of a view.
struct Axis {
  AffineExpr size, stride;
};

/// Axes of more than one element.
SmallVector<Axis> movingAxes(const StridedView &view) {
  SmallVector<Axis> axes;
  for (auto [size, stride] : llvm::zip_equal(view.dims, view.strides))
    if (!isOne(size))
      axes.push_back({size, stride});
  return axes;
}

/// How many of `parts` have the product `whole`; 0 if none.
size_t countFactors(ArrayRef<AffineExpr> parts, AffineExpr whole) {
  AffineExpr product = dimConstant(whole.getContext(), 1);
  for (auto [index, part] : llvm::enumerate(parts)) {
    product = simplifyDim(product * part);
    if (product == simplifyDim(whole))
      return index + 1;
  }
  return 0;
}

/// Appends strides of axes that `stride` is split into, or nothing but `stride`.
void splitAxis(ArrayRef<AffineExpr> sizes, AffineExpr stride, SmallVectorImpl<AffineExpr> &strides) {
  SmallVector<AffineExpr> reversed;
  for (AffineExpr size : llvm::reverse(sizes)) {
    reversed.push_back(stride);
    stride = simplifyDim(stride * size);
  }
  strides.append(reversed.rbegin(), reversed.rend());
}

/// True if neighboring axes can be walked as one.
bool canMerge(ArrayRef<Axis> axes) {
  for (size_t i = 0; i + 1 < axes.size(); ++i)
    if (simplifyDim(axes[i].stride) != simplifyDim(axes[i + 1].size * axes[i + 1].stride))
      return false;
  return true;
}

std::optional<StridedView> reshaped(const StridedView &view, const DimExprs &dims) {
  SmallVector<Axis> from = movingAxes(view);
  SmallVector<AffineExpr> sizes, to, strides;
  for (const Axis &axis : from)
    sizes.push_back(axis.size);
  for (AffineExpr dim : dims)
    if (!isOne(dim))
      to.push_back(dim);
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    size_t merged = countFactors(ArrayRef(sizes).drop_front(i), to[j]);
    size_t split = merged ? 1 : countFactors(ArrayRef(to).drop_front(j), sizes[i]);
    if (!split || (merged > 1 && !canMerge(ArrayRef(from).slice(i, merged))))
      return std::nullopt;
    i += std::max<size_t>(merged, 1);
    splitAxis(ArrayRef(to).slice(j, split), from[i - 1].stride, strides);
    j += split;
  }
  if (i != from.size() || j != to.size())
    return std::nullopt;
  StridedView result{view.source, view.offset, dims, {}};
  size_t next = 0;
  for (AffineExpr dim : dims)
    result.strides.push_back(isOne(dim) ? dimConstant(dim.getContext(), 1) : strides[next++]);
  return result;
}

StridedView transposed(const StridedView &view, ArrayRef<int64_t> permutation) {
  StridedView result{view.source, view.offset, {}, {}};
  for (int64_t axis : permutation) {
    result.dims.push_back(view.dims[axis]);
    result.strides.push_back(view.strides[axis]);
  }
  return result;
}

StridedView sliced(const StridedView &view, SliceOp op) {
  StridedView result{view.source, view.offset, dimExprs(typeOf(op.getOutput())), {}};
  for (auto [axis, stride] : llvm::enumerate(view.strides)) {
    result.offset = result.offset + op.getStarts().getResult(axis) * stride;
    result.strides.push_back(simplifyDim(stride * op.getSteps()[axis]));
  }
  result.offset = simplifyDim(result.offset);
  return result;
}

std::optional<StridedView> appliedTo(const StridedView &view, Operation *op) {
  if (auto reshape = dyn_cast<ReshapeOp>(op))
    return reshaped(view, dimExprs(typeOf(reshape.getOutput())));
  if (auto slice = dyn_cast<SliceOp>(op))
    return sliced(view, slice);
  return transposed(view, cast<TransposeOp>(op).getPermutation());
}
} // namespace

StridedView StridedView::dense(Value value) {
  StridedView view{value, dimConstant(value.getContext(), 0), dimExprs(typeOf(value)), {}};
  SmallVector<AffineExpr> strides;
  splitAxis(view.dims, dimConstant(value.getContext(), 1), strides);
  view.strides.assign(strides.begin(), strides.end());
  return view;
}

bool StridedView::isContiguous() const { return hasUnitStride() && canMerge(movingAxes(*this)); }

bool StridedView::hasUnitStride() const { return isOne(dims.back()) || constantDim(strides.back()) == 1; }

bool isViewOp(Operation *op) { return isa_and_nonnull<ReshapeOp, TransposeOp, SliceOp>(op); }

std::optional<StridedView> viewThrough(ArrayRef<Operation *> chain) {
  StridedView view = StridedView::dense(chain.front()->getOperand(0));
  for (Operation *op : chain) {
    auto next = appliedTo(view, op);
    if (!next)
      return std::nullopt;
    view = *next;
  }
  return view;
}

ViewChain longestViewChain(Value value, llvm::function_ref<bool(const StridedView &)> accepts) {
  ViewChain all;
  for (Operation *op = value.getDefiningOp(); isViewOp(op); op = op->getOperand(0).getDefiningOp())
    all.insert(all.begin(), op);
  for (size_t first = 0; first < all.size(); ++first)
    if (auto view = viewThrough(ArrayRef(all).drop_front(first)); view && accepts(*view))
      return ViewChain(all.begin() + first, all.end());
  return {};
}

std::optional<StridedView> viewBack(ArrayRef<Operation *> chain) {
  StridedView view = StridedView::dense(chain.back()->getResult(0));
  for (Operation *op : llvm::reverse(chain)) {
    if (auto transpose = dyn_cast<TransposeOp>(op)) {
      SmallVector<int64_t> inverse(view.dims.size());
      for (auto [to, axis] : llvm::enumerate(transpose.getPermutation()))
        inverse[axis] = int64_t(to);
      view = transposed(view, inverse);
      continue;
    }
    auto reshape = dyn_cast<ReshapeOp>(op);
    auto next = reshape ? reshaped(view, dimExprs(typeOf(reshape.getInput()))) : std::nullopt;
    if (!next)
      return std::nullopt;
    view = *next;
  }
  return view;
}

} // namespace lathe::nn
