// Softmax, layer normalization and reductions along the last axes, with the element-wise operations around them, become one
// kernel that reads each row once, keeps it in the first-level cache, and writes it once.
//
//   %1 = nn.binary add %x, %m               %2 = nn.fused "row"(%x, %m) { add, softmax }
//   %2 = nn.softmax %1 {axis = 3}     ->
//
// Taken are operations whose result has the sizes of the whole rows or of one value per row. Results that are also used
// elsewhere are written as well, so nothing is computed twice. Assumes that the row axes are the last ones; reductions along
// other axes stay as they are. Wrong only for cost: rows larger than the cache are read once per reduction.
#include "mlir/Pass/Pass.h"
#include "passes/Passes.h"
#include "passes/fuse/Group.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_FUSEROWS
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

constexpr int64_t kMostOps = 24;
constexpr size_t kMostInputs = 12, kMostOutputs = 4;

/// The first axis of the rows that an operation works along; nullopt for operations that don't work along rows.
std::optional<int64_t> rowAxisOf(Operation *op) {
  if (auto softmax = dyn_cast<SoftmaxOp>(op))
    return int64_t(softmax.getAxis()) == tensorType(softmax).getRank() - 1 ? std::optional<int64_t>(softmax.getAxis())
                                                                           : std::nullopt;
  if (auto norm = dyn_cast<LayerNormOp>(op))
    return norm.getAxis();
  auto reduce = dyn_cast<ReduceOp>(op);
  if (!reduce || reduce.getAxes().empty())
    return std::nullopt;
  int64_t rank = tensorType(reduce.getInput()).getRank(), first = reduce.getAxes().front();
  return rank - first == int64_t(reduce.getAxes().size()) ? std::optional(first) : std::nullopt;
}

class Rows {
public:
  Rows(Operation *root, int64_t axis, FusionLog &log)
      : group(root), root(root), axis(axis), log(log), whole(dimExprs(tensorType(root->getOperand(0)))),
        perRow(dimExprs(tensorType(root->getResult(0)))) {
    while (takeNeighbor())
      ;
    for (Operation *op : neighbors())
      log.refused(op, "stays apart from " + describe(root) + ": " + reasonAgainst(op));
  }

  ArrayRef<Operation *> ops() const { return group.ops(); }

  void outline() {
    if (group.size() == 1)
      return;
    log.taken(root, "computed along the same rows: " + describe(group.inBlockOrder()));
    group.outline("row");
  }

private:
  bool hasRowSizes(Value value) const {
    DimExprs dims = dimExprs(tensorType(value));
    return dims == whole || dims == perRow;
  }

  /// Element-wise on rows, or another reduction along them.
  bool worksOnRows(Operation *op) const {
    if (isElementwise(op))
      return hasRowSizes(op->getResult(0));
    return rowAxisOf(op) == axis && dimExprs(tensorType(op->getOperand(0))) == whole && hasRowSizes(op->getResult(0));
  }

  /// Operations beside the group that work on the same rows: producers, then users.
  SmallVector<Operation *> neighbors() const {
    llvm::SetVector<Operation *> result;
    auto visit = [&](Operation *op) {
      if (op && !group.contains(op) && op->getBlock() == root->getBlock() && worksOnRows(op))
        result.insert(op);
    };
    for (Operation *op : group.ops())
      for (Value operand : op->getOperands())
        if (!isFree(operand))
          visit(operand.getDefiningOp());
    for (Operation *op : group.ops())
      llvm::for_each(op->getUsers(), visit);
    return result.takeVector();
  }

  /// Why an operation stays apart; empty if it doesn't have to.
  std::string reasonAgainst(Operation *op) const {
    Group larger = group;
    larger.add(op);
    // What is rounded to integers and made numbers again is a part of the operation before.
    int64_t size = llvm::count_if(larger.ops(), [](Operation *each) { return !isa<QuantizeOp, DequantizeOp>(each); });
    if (size > kMostOps || int64_t(larger.size()) > 2 * kMostOps || larger.inputs().size() > kMostInputs ||
        larger.outputs().size() > kMostOutputs)
      return "the kernel would be too large";
    return group.staysConvexWith(op) ? "" : "another operand depends on the result of " + describe(root);
  }

  bool takeNeighbor() {
    for (Operation *op : neighbors())
      if (reasonAgainst(op).empty()) {
        group.add(op);
        return true;
      }
    return false;
  }

  Group group;
  Operation *root;
  int64_t axis;
  FusionLog &log;
  DimExprs whole, perRow; // sizes of the rows, and of the root's result
};

struct FuseRows : impl::FuseRowsBase<FuseRows> {
  void runOnOperation() override {
    FusionLog log;
    for (Block &block : getOperation().getBody()) {
      SmallVector<Operation *> roots;
      for (Operation &op : block)
        if (isa<SoftmaxOp, LayerNormOp, ReduceOp>(op))
          roots.push_back(&op);
      SmallPtrSet<Operation *, 16> gone; // fused with an earlier root
      for (Operation *root : roots)
        if (!gone.contains(root))
          fuse(root, gone, log);
    }
    log.store(getOperation());
  }

  static void fuse(Operation *root, SmallPtrSetImpl<Operation *> &gone, FusionLog &log) {
    auto axis = rowAxisOf(root);
    if (!axis)
      return log.refused(root, describe(root) + " is not along the last axes");
    Rows rows(root, *axis, log);
    gone.insert(rows.ops().begin(), rows.ops().end());
    rows.outline();
  }
};

} // namespace
} // namespace lathe
