// Folding of operations that do nothing, and of sizes that are constants. Values are folded by
// --lathe-fold-constants.
#include "dialects/nn/NNCheck.h"

using namespace mlir;

namespace lathe::nn {

namespace {

/// The input when it has the result's very type.
OpFoldResult inputIfSameType(Value input, Value output) {
  return input.getType() == output.getType() ? OpFoldResult(input) : OpFoldResult();
}

/// i64 tensor of these sizes if all are constants.
OpFoldResult constantSizes(ArrayRef<AffineExpr> dims, Type type) {
  SmallVector<int64_t> values;
  for (AffineExpr dim : dims) {
    auto value = constantDim(dim);
    if (!value || ShapedType::isDynamic(*value))
      return {};
    values.push_back(*value);
  }
  return DenseElementsAttr::get(cast<RankedTensorType>(type), ArrayRef(values));
}

bool isZero(AffineExpr expr) { return constantDim(expr) == 0; }

} // namespace

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

OpFoldResult CastOp::fold(FoldAdaptor) { return inputIfSameType(getInput(), getOutput()); }

// reshape(reshape(x)) -> reshape(x)
OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (OpFoldResult same = inputIfSameType(getInput(), getOutput()))
    return same;
  auto inner = getInput().getDefiningOp<ReshapeOp>();
  if (!inner || inner == *this)
    return {};
  getInputMutable().assign(inner.getInput());
  return getOutput();
}

// transpose(transpose(x, p), q) -> transpose(x, p . q)
OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (llvm::is_sorted(getPermutation()))
    return inputIfSameType(getInput(), getOutput());
  auto inner = getInput().getDefiningOp<TransposeOp>();
  if (!inner || inner == *this)
    return {};
  SmallVector<int64_t> composed;
  for (int64_t axis : getPermutation())
    composed.push_back(inner.getPermutation()[axis]);
  setPermutation(composed);
  getInputMutable().assign(inner.getInput());
  return getOutput();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor) { return inputIfSameType(getInput(), getOutput()); }

OpFoldResult TileOp::fold(FoldAdaptor) { return inputIfSameType(getInput(), getOutput()); }

OpFoldResult SliceOp::fold(FoldAdaptor) {
  bool isWhole =
      llvm::all_of(getStarts().getResults(), isZero) && llvm::all_of(getSteps(), [](int64_t s) { return s == 1; });
  return isWhole ? inputIfSameType(getInput(), getOutput()) : OpFoldResult();
}

OpFoldResult PadOp::fold(FoldAdaptor) {
  return llvm::all_of(getLow().getResults(), isZero) ? inputIfSameType(getInput(), getOutput()) : OpFoldResult();
}

// concat(x) -> x; inputs that are empty along the axis add nothing
OpFoldResult ConcatOp::fold(FoldAdaptor) {
  if (getInputs().size() == 1)
    return inputIfSameType(getInputs().front(), getOutput());
  SmallVector<Value> kept;
  for (Value input : getInputs())
    if (!isZero(dimsOf(input)[getAxis()]))
      kept.push_back(input);
  if (kept.empty() || kept.size() == getInputs().size())
    return {};
  getInputsMutable().assign(kept);
  return getOutput();
}

OpFoldResult ShapeOfOp::fold(FoldAdaptor) { return constantSizes(dimsOf(getInput()), getOutput().getType()); }

OpFoldResult DimValuesOp::fold(FoldAdaptor) { return constantSizes(getValues().getResults(), getOutput().getType()); }

} // namespace lathe::nn
