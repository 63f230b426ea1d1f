#include "compiler/pipeline/Storage.h"
#include "dialects/plan/Plan.h"

using namespace mlir;

namespace lathe {

AffineExpr sizeBytes(RankedTensorType type) {
  MLIRContext *context = type.getContext();
  return simplifyDim(dimProduct(dimExprs(type), context) * elementSizeBytes(type.getElementType()));
}

namespace {
RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Elements between neighbours along `axis`.
AffineExpr strideOf(ArrayRef<AffineExpr> dims, size_t axis, MLIRContext *context) {
  return dimProduct(dims.drop_front(axis + 1), context);
}

bool isOne(AffineExpr expr) { return constantDim(expr) == 1; }

/// A slice is a range of bytes if it steps by one and, outside the outermost axis that it cuts, keeps one element only.
std::optional<AffineExpr> sliceOffset(nn::SliceOp slice) {
  MLIRContext *context = slice.getContext();
  DimExprs in = dimExprs(typeOf(slice.getInput())), out = dimExprs(typeOf(slice.getOutput()));
  AffineMap starts = slice.getStarts();
  AffineExpr offset = getAffineConstantExpr(0, context);
  bool inside = false; // an axis with more than one element was passed
  for (size_t axis = 0; axis < in.size(); ++axis) {
    AffineExpr start = starts.getResult(axis);
    bool whole = in[axis] == out[axis] && constantDim(start) == 0;
    if (!whole && (inside || (slice.getSteps()[axis] != 1 && !isOne(out[axis]))))
      return std::nullopt;
    offset = offset + start * strideOf(in, axis, context);
    inside |= !isOne(out[axis]);
  }
  return simplifyDim(offset * elementSizeBytes(typeOf(slice.getInput()).getElementType()));
}

/// Only axes of one element change their place.
bool keepsOrder(nn::TransposeOp transpose) {
  DimExprs dims = dimExprs(typeOf(transpose.getInput()));
  int64_t last = -1;
  for (int64_t axis : transpose.getPermutation()) {
    if (isOne(dims[axis]))
      continue;
    if (axis < last)
      return false;
    last = axis;
  }
  return true;
}

std::optional<AffineExpr> aliasOffset(Operation *op) {
  AffineExpr zero = getAffineConstantExpr(0, op->getContext());
  if (isa<nn::ReshapeOp, nn::BitcastOp>(op))
    return zero;
  if (auto transpose = dyn_cast<nn::TransposeOp>(op); transpose && keepsOrder(transpose))
    return zero;
  if (auto broadcast = dyn_cast<nn::BroadcastOp>(op);
      broadcast && sizeBytes(typeOf(broadcast.getInput())) == sizeBytes(typeOf(broadcast.getOutput())))
    return zero;
  if (auto slice = dyn_cast<nn::SliceOp>(op))
    return sliceOffset(slice);
  return std::nullopt;
}

/// True if nothing lies outside the axis: the inputs follow each other in memory.
bool isContiguous(nn::ConcatOp concat) {
  DimExprs dims = dimExprs(typeOf(concat.getOutput()));
  return llvm::all_of(ArrayRef(dims).take_front(concat.getAxis()), isOne);
}
} // namespace

Storage::Storage(func::FuncOp function) : function(function), symbols(Symbols::of(function)) {
  findAliases();
  bindOutputs();
  bindConcats();
  findLastUses();
}

void Storage::findAliases() {
  int64_t position = 0;
  for (Operation &op : function.front()) {
    positions[&op] = position++;
    if (auto offset = aliasOffset(&op))
      aliases[&op] = *offset;
  }
}

/// The value whose memory is all of `value`'s.
Value Storage::fullBase(Value value) const {
  while (Operation *op = value.getDefiningOp()) {
    auto it = aliases.find(op);
    if (it == aliases.end() || constantDim(it->second) != 0 ||
        sizeBytes(typeOf(value)) != sizeBytes(typeOf(op->getOperand(0))))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// True if an operation computes the value, and may be told where to.
bool Storage::isFree(Value base) const {
  Operation *op = base.getDefiningOp();
  return op && !isa<nn::ConstantOp>(op) && !aliases.contains(op) && !bindings.contains(base);
}

void Storage::bindOutputs() {
  AffineExpr zero = getAffineConstantExpr(0, function.getContext());
  for (auto [index, value] : llvm::enumerate(function.front().getTerminator()->getOperands())) {
    Value base = fullBase(value);
    if (isFree(base))
      bindings[base] = {Value(), zero, int64_t(index)};
    else
      copiedOutputs.push_back(index);
  }
}

void Storage::bindConcats() {
  for (Operation &op : llvm::reverse(function.front()))
    if (auto concat = dyn_cast<nn::ConcatOp>(op))
      bindConcat(concat);
}

void Storage::bindConcat(nn::ConcatOp concat) {
  auto decide = [&](bool taken, StringRef reason) {
    decisions.push_back({nodeName(concat.getLoc()), "concat-in-place", taken, reason.str()});
  };
  if (!isContiguous(concat))
    return decide(false, "the inputs are not next to each other in memory");
  if (plan::isLate(sizeBytes(typeOf(concat.getOutput())), symbols))
    return decide(false, "the size is not known before the run");
  SmallVector<unsigned> copies;
  SmallVector<std::pair<Value, AffineExpr>> bound;
  llvm::DenseSet<Value> taken;
  AffineExpr offset = getAffineConstantExpr(0, concat.getContext());
  for (auto [index, input] : llvm::enumerate(concat.getInputs())) {
    Value base = fullBase(input);
    if (isFree(base) && taken.insert(base).second)
      bound.emplace_back(base, offset);
    else
      copies.push_back(index);
    offset = simplifyDim(offset + sizeBytes(typeOf(input)));
  }
  if (bound.empty())
    return decide(false, "no input is computed for this concat alone");
  for (auto [base, at] : bound)
    bindings[base] = {concat.getOutput(), at, -1};
  concats[concat] = copies;
  decide(true, copies.empty() ? "all inputs are computed in their place"
                              : "some inputs are computed in their place, others copied");
}

bool Storage::isInPlaceConcat(Operation *op, SmallVectorImpl<unsigned> &copies) const {
  auto it = concats.find(op);
  if (it == concats.end())
    return false;
  copies.assign(it->second.begin(), it->second.end());
  return true;
}

Place Storage::placeOf(Value value) const {
  AffineExpr offset = getAffineConstantExpr(0, value.getContext());
  while (true) {
    if (auto it = bindings.find(value); it != bindings.end()) {
      offset = offset + it->second.offset;
      if (!it->second.target)
        return {value, simplifyDim(offset), it->second.output};
      value = it->second.target;
      continue;
    }
    Operation *op = value.getDefiningOp();
    auto alias = op ? aliases.find(op) : aliases.end();
    if (alias == aliases.end())
      return {value, simplifyDim(offset), -1};
    offset = offset + alias->second;
    value = op->getOperand(0);
  }
}

void Storage::findLastUses() {
  for (Operation &op : function.front()) {
    auto touch = [&](Value value) {
      int64_t &last = lastUses[placeOf(value).root];
      last = std::max(last, positions[&op]);
    };
    llvm::for_each(op.getOperands(), touch);
    llvm::for_each(op.getResults(), touch);
  }
}

void Storage::share(Value result, Value root) {
  bindings[result] = {root, getAffineConstantExpr(0, root.getContext()), -1};
  int64_t &last = lastUses[root];
  last = std::max(last, lastUse(result));
}

} // namespace lathe
