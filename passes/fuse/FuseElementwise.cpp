// Element-wise operations and data movement become one kernel per chain: one loop over the result reads the inputs at the
// indices that transposes, slices, concatenations and broadcasts lead to, and nothing between is stored.
//
//   %1 = nn.transpose %x                    %3 = nn.fused "map"(%x, %y) { transpose, mul, relu }
//   %2 = nn.binary mul %1, %y         ->
//   %3 = nn.unary relu %2
//
// Groups grow from their last operation to its producers. A producer is taken if everything that reads it is in the group
// (or if the group can store it on the way, at the same index), and if it isn't computed much more often than before: what
// a broadcast or a gather reads several times has to be cheap. Reshapes stay outside where they can, because there they cost
// nothing; inside they have to split or merge axes, so that indices stay simple. Concatenations along the outermost axis stay
// outside, too: memory planning makes them free. Wrong only for cost: sizes of symbols are guessed.
#include "dialects/nn/NNView.h"
#include "mlir/Pass/Pass.h"
#include "passes/Passes.h"
#include "passes/fuse/Group.h"
#include "passes/fuse/MapCost.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

constexpr size_t kMostOps = 24, kMostInputs = 12, kMostOutputs = 3;
constexpr double kMostRepeatedCost = 8; // of operations that are computed again for each of their readers

constexpr double kOnce = 1.01; // times an element is computed, rounding aside

/// Planning makes these the same memory.
bool isFreeView(Operation *op) { return isViewOp(op) && viewThrough(op)->isContiguous(); }

class Chain {
public:
  Chain(Operation *last, FusionLog &log) : group(last), last(last), log(log) {
    evaluations[last] = estimatedSize(last->getResult(0));
    while (takeProducer())
      ;
    for (Operation *producer : producers())
      if (!isa<ReshapeOp>(producer))
        log.refused(producer, "stays apart from " + describe(last) + ": " + reasonAgainst(producer));
    for (bool changed = true; changed;)
      changed = dropBorderReshape();
  }

  ArrayRef<Operation *> ops() const { return group.ops(); }

  void outline() {
    if (group.size() < 2)
      return;
    if (llvm::all_of(group.ops(), isFreeView))
      return log.refused(last, "computes nothing: " + describe(group.inBlockOrder()));
    log.taken(last, "computed in one pass: " + describe(group.inBlockOrder()));
    group.outline("map");
  }

private:
  /// Operations whose results the group reads, the last in the block first.
  SmallVector<Operation *> producers() const {
    llvm::SetVector<Operation *> result;
    for (Operation *op : group.ops())
      for (Value operand : op->getOperands())
        if (Operation *producer = operand.getDefiningOp(); producer && !isFree(operand) && !group.contains(producer))
          if (producer->getBlock() == last->getBlock() && isMapOp(producer))
            result.insert(producer);
    SmallVector<Operation *> sorted = result.takeVector();
    llvm::sort(sorted, [](Operation *a, Operation *b) { return b->isBeforeInBlock(a); });
    return sorted;
  }

  bool takeProducer() {
    for (Operation *producer : producers())
      if (reasonAgainst(producer).empty()) {
        evaluations[producer] = evaluationsOf(producer);
        repeatedCost += repeated(producer);
        group.add(producer);
        return true;
      }
    return false;
  }

  /// Why a producer stays apart; empty if it doesn't have to.
  std::string reasonAgainst(Operation *producer) const {
    bool isAligned = isComputedAtResultIndex(producer);
    if (isUsedOutside(producer->getResult(0), group) && !isAligned)
      return "its result is also used by other kernels";
    if (isByteLookup(producer) || (isByteLookup(last) && !isa<BitcastOp>(producer)))
      return "bytes are looked up in a pass of their own, many at once";
    if (isa<ConcatOp>(producer))
      return "concatenations are written part by part, not read";
    if (repeatedCost + repeated(producer) > kMostRepeatedCost)
      return "it would be computed several times per element";
    if (scattersNeighbors(producer))
      return "interpolation reads neighbors as vectors, which a transpose would scatter";
    Group larger = group;
    larger.add(producer);
    if (larger.size() > kMostOps || larger.inputs().size() > kMostInputs || larger.outputs().size() > kMostOutputs)
      return "the kernel would be too large";
    if (!group.staysConvexWith(producer))
      return "other kernels stand between it and " + describe(last);
    return "";
  }

  bool scattersNeighbors(Operation *producer) const {
    auto isTranspose = [](Operation *op) { return isa<TransposeOp>(op); };
    if (isInterpolation(producer))
      return llvm::any_of(group.ops(), isTranspose);
    return isTranspose(producer) && llvm::any_of(group.ops(), isInterpolation) && timesComputed(producer) > kOnce;
  }

  /// True if the group needs the producer's elements at the index of the element it computes, so that it could store them.
  bool isComputedAtResultIndex(Operation *producer) const {
    if (!haveEqualDims(producer->getResult(0), last->getResult(0)))
      return false;
    return llvm::all_of(producer->getUsers(), [&](Operation *user) {
      return !group.contains(user) || (isElementwise(user) && (user == last || isComputedAtResultIndex(user)));
    });
  }

  /// How many elements of the producer the group computes, if nothing is kept.
  double evaluationsOf(Operation *producer) const {
    if (isComputedAtResultIndex(producer))
      return evaluations.lookup(last);
    double sum = 0;
    for (OpOperand &use : producer->getResult(0).getUses())
      if (group.contains(use.getOwner()))
        sum += evaluations.lookup(use.getOwner()) * readsPerElement(use);
    return sum;
  }

  /// What computing the producer in the group costs per element beyond computing it once.
  double repeated(Operation *producer) const {
    double times = timesComputed(producer);
    return times > kOnce ? costPerElement(producer) * std::min(times - 1, 1.0) : 0;
  }

  double timesComputed(Operation *producer) const {
    return evaluationsOf(producer) / std::max(1.0, estimatedSize(producer->getResult(0)));
  }

  /// A reshape of an input, or of a value that only leaves the group, is free outside.
  bool dropBorderReshape() {
    for (Operation *op : group.ops()) {
      if (!isa<ReshapeOp>(op))
        continue;
      Operation *producer = op->getOperand(0).getDefiningOp();
      bool isFirst = !producer || !group.contains(producer);
      bool isLast = llvm::none_of(op->getUsers(), [&](Operation *user) { return group.contains(user); });
      if (isFirst || isLast) {
        group.remove(op);
        return true;
      }
    }
    return false;
  }

  Group group;
  Operation *last;
  FusionLog &log;
  llvm::DenseMap<Operation *, double> evaluations; // of each operation, over the whole result
  double repeatedCost = 0;
};

struct FuseElementwise : impl::FuseElementwiseBase<FuseElementwise> {
  void runOnOperation() override {
    FusionLog log;
    for (Block &block : getOperation().getBody()) {
      SmallVector<Operation *> candidates;
      for (Operation &op : llvm::reverse(block))
        if (isMapOp(&op) && !isa<ReshapeOp, IotaOp>(op))
          candidates.push_back(&op);
      SmallPtrSet<Operation *, 32> gone; // fused with a later operation
      for (Operation *last : candidates) {
        if (gone.contains(last))
          continue;
        Chain chain(last, log);
        gone.insert(chain.ops().begin(), chain.ops().end());
        chain.outline();
      }
    }
    log.store(getOperation());
  }
};

} // namespace
} // namespace lathe
