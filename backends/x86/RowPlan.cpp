#include "backends/x86/RowPlan.h"
#include "backends/x86/Body.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr int64_t kExpensive = 10; // costPerElement from which a value is better kept than computed again

/// First axis of the row of a reduction; nullopt if it doesn't run along trailing axes.
std::optional<int64_t> rowAxis(Operation *op) {
  int64_t rank = tensorType(op->getOperand(0)).getRank();
  if (auto softmax = dyn_cast<nn::SoftmaxOp>(op))
    return int64_t(softmax.getAxis()) == rank - 1 ? std::optional(rank - 1) : std::nullopt;
  if (auto norm = dyn_cast<nn::LayerNormOp>(op))
    return norm.getAxis();
  ArrayRef<int64_t> axes = cast<nn::ReduceOp>(op).getAxes();
  for (auto [i, axis] : llvm::enumerate(axes))
    if (axis != rank - int64_t(axes.size() - i))
      return std::nullopt;
  return axes.empty() ? std::nullopt : std::optional(axes.front());
}

class RowAnalysis {
public:
  explicit RowAnalysis(Block &block) : block(block) {}

  std::optional<RowPlan> run() {
    for (Operation &op : block.without_terminator())
      if (isRowReduction(&op) && !addReduction(&op))
        return std::nullopt;
    if (full.empty() || !followsRows() || !hasKnownOutputs())
      return std::nullopt;
    for (Operation &op : block.without_terminator())
      chooseBuffers(&op);
    cutTasksOfRows();
    return plan;
  }

private:
  bool addReduction(Operation *op) {
    auto axis = rowAxis(op);
    if (!axis)
      return false;
    DimExprs dims = dimExprs(tensorType(op->getOperand(0)));
    if (!full.empty())
      return dims == full && int64_t(plan.lead.size()) == *axis;
    full = dims;
    plan.lead.assign(dims.begin(), dims.begin() + *axis);
    plan.row.assign(dims.begin() + *axis, dims.end());
    plan.rowLength = dimProduct(plan.row, op->getContext());
    return true;
  }

  bool isFull(Value value) { return dimExprs(tensorType(value)) == full; }

  /// One element per row: the row's axes are ones or missing.
  bool isReduced(Value value) {
    DimExprs dims = dimExprs(tensorType(value)), ones = plan.lead;
    if (dims == plan.lead)
      return true;
    ones.append(plan.row.size(), dimConstant(value.getContext(), 1));
    return dims == ones;
  }

  /// True if what depends on a reduction stays in its row.
  bool followsRows() {
    for (Operation &op : block.without_terminator()) {
      bool isAfter = llvm::any_of(op.getOperands(), [&](Value v) { return after.contains(v); });
      if (!isAfter && !isRowReduction(&op))
        continue;
      if (!isPointwise(&op) && !isRowReduction(&op))
        return false;
      for (Value result : op.getResults()) {
        if (!isFull(result) && !isReduced(result))
          return false;
        after.insert(result);
      }
    }
    return true;
  }

  bool hasKnownOutputs() {
    return llvm::all_of(block.getTerminator()->getOperands(), [&](Value v) { return isFull(v) || isReduced(v); });
  }

  /// All users take the value at the same index.
  bool isUsedInStep(Value value) {
    return llvm::all_of(value.getUsers(), [&](Operation *user) {
      if (isa<nn::YieldOp>(user))
        return true;
      return (isPointwise(user) && isFull(user->getResult(0))) ||
             (isRowReduction(user) && user->getOperand(0) == value);
    });
  }

  void buffer(Value value) {
    if (!llvm::is_contained(plan.buffered, value))
      plan.buffered.push_back(value);
  }

  void chooseBuffers(Operation *op) {
    if (isRowReduction(op)) {
      Value input = op->getOperand(0);
      // The first pass computes the input; later passes, if there are any, find it.
      bool isReadAgain = !isa<nn::ReduceOp>(op) || !input.hasOneUse();
      Operation *producer = input.getDefiningOp();
      if (producer && !isa<nn::ConstantOp, nn::ReshapeOp>(producer) && isReadAgain && isUsedInStep(input))
        buffer(input);
      if (isa<nn::SoftmaxOp>(op))
        buffer(op->getResult(0));
      return;
    }
    Value result = op->getResult(0);
    if (isPointwise(op) && costPerElement(op) >= kExpensive && !result.hasOneUse() && isFull(result) &&
        isUsedInStep(result))
      buffer(result);
  }

  void cutTasksOfRows() {
    MLIRContext *context = block.getParentOp()->getContext();
    int64_t cost = 1;
    for (Operation &op : block.without_terminator())
      cost += isRowReduction(&op) ? 12 : isPointwise(&op) ? costPerElement(&op) : 1;
    TaskSpace &space = plan.space;
    space.dims = plan.lead;
    if (space.dims.empty())
      space.dims.push_back(dimConstant(context, 1));
    space.split = space.dims.size() - 1;
    space.rows = dimProduct(space.dims, context);
    int64_t perTask = std::max<int64_t>(kTaskWork / cost, 1);
    if (auto length = constantDim(plan.rowLength))
      space.rowsPerTask = dimConstant(context, std::max<int64_t>(perTask / std::max<int64_t>(*length, 1), 1));
    else
      space.rowsPerTask = simplifyDim(dimConstant(context, perTask).floorDiv(plan.rowLength + 1) + 1);
    space.tasks = simplifyDim(space.rows.ceilDiv(space.rowsPerTask));
  }

  Block &block;
  RowPlan plan;
  DimExprs full;
  llvm::DenseSet<Value> after; // depends on a reduction
};
} // namespace

bool isRowReduction(Operation *op) { return isa<nn::SoftmaxOp, nn::LayerNormOp, nn::ReduceOp>(op); }

AffineExpr RowPlan::slotBytes(Value value) const {
  int64_t size = std::max<int64_t>(computedType(elementType(value)).getIntOrFloatBitWidth() / 8, 1);
  return simplifyDim((rowLength * size).ceilDiv(LATHE_BUFFER_ALIGNMENT) * LATHE_BUFFER_ALIGNMENT);
}

AffineExpr RowPlan::scratchBytes() const {
  AffineExpr sum = dimConstant(rowLength.getContext(), 0);
  for (Value value : buffered)
    sum = sum + slotBytes(value);
  return simplifyDim(sum);
}

std::optional<RowPlan> planRows(Block &block) { return RowAnalysis(block).run(); }

} // namespace lathe::x86
