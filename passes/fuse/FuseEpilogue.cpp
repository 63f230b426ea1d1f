// Contractions and the element-wise operations on their results become one kernel: the results are changed while they are in
// registers or in the first-level cache, instead of in a second pass over memory.
//
//   %1 = nn.matmul %x, %w              %3 = nn.fused "gemm"(%x, %w, %b, %r) {
//   %2 = nn.binary add %1, %b    ->      matmul, add %b, gelu, add %r
//   ...                                }
//
// An operation is taken if its result has the contraction's sizes, so that its other operands (bias, residual) are read at the
// same index, and if everything computed up to it is used only inside. Small diamonds (x * sigmoid(x)) are taken whole.
// Assumes f32 contractions; others, and nn.attention, stay as they are. Roots are visited in program order, so of two
// contractions whose results meet, the first takes the rest. Wrong only for cost: an operand of the epilogue that is ready late
// delays the contraction.
#include "mlir/Pass/Pass.h"
#include "passes/Passes.h"
#include "passes/fuse/Group.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_FUSEEPILOGUE
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

constexpr size_t kMostOps = 16, kMostInputs = 12, kMostDiamond = 6;

/// The kind of kernel for a contraction; empty for operations that are none.
StringRef kindOf(Operation *op) {
  if (isa<MatmulOp>(op))
    return "gemm";
  if (isa<ConvTransposeOp>(op))
    return "conv_transpose";
  auto conv = dyn_cast<ConvOp>(op);
  if (!conv)
    return "";
  return conv.getGroup() > 1 && tensorType(conv.getFilter()).getDimSize(1) == 1 ? "depthwise" : "conv";
}

bool isRoot(Operation *op) {
  return !kindOf(op).empty() && tensorType(op->getResult(0)).getElementType().isF32();
}

/// The earliest user of any of these values that is not taken yet.
Operation *nextUser(Value from, ArrayRef<Operation *> taken) {
  Operation *next = nullptr;
  auto visit = [&](Value value) {
    for (Operation *user : value.getUsers())
      if (!llvm::is_contained(taken, user) && (!next || user->isBeforeInBlock(next)))
        next = user;
  };
  visit(from);
  for (Operation *op : taken)
    visit(op->getResult(0));
  return next;
}

/// The one value of `from` and `taken` that is used outside of `taken`; null if there are several, or `from` is.
Value onlyOpenValue(Value from, ArrayRef<Operation *> taken) {
  auto isOpen = [&](Value value) {
    return llvm::any_of(value.getUsers(), [&](Operation *user) { return !llvm::is_contained(taken, user); });
  };
  if (isOpen(from))
    return {};
  Value open;
  for (Operation *op : taken) {
    if (!isOpen(op->getResult(0)))
      continue;
    if (open)
      return {};
    open = op->getResult(0);
  }
  return open;
}

class Epilogue {
public:
  Epilogue(Operation *root, FusionLog &log) : group(root), root(root), log(log), last(root->getResult(0)) {}

  /// Takes what can be taken and outlines it; a contraction alone stays as it is.
  void run() {
    while (extend())
      ;
    if (group.size() == 1)
      return;
    log.taken(root, "computed with its contraction: " + describe(group.ops().drop_front()));
    group.outline(kindOf(root));
  }

private:
  /// Takes the shortest run of operations behind `last` that ends in one value.
  bool extend() {
    SmallVector<Operation *> taken;
    while (taken.size() < kMostDiamond) {
      Operation *user = nextUser(last, taken);
      if (!user || !canTake(user, taken))
        return false;
      taken.push_back(user);
      if (Value open = onlyOpenValue(last, taken)) {
        for (Operation *op : taken)
          group.add(op);
        last = open;
        return true;
      }
    }
    log.refused(taken.front(), "its contraction's result is used in too many places");
    return false;
  }

  bool canTake(Operation *user, ArrayRef<Operation *> taken) {
    if (!isElementwise(user)) {
      if (!taken.empty()) // the reason belongs to the operation that could have been fused
        log.refused(taken.front(), "the result of " + describe(root) + " is also used by " + describe(user));
      return false;
    }
    if (user->getBlock() != root->getBlock() || !haveEqualDims(user->getResult(0), root->getResult(0)))
      return refuse(user, "its result has other sizes than " + describe(root) + "'s");
    if (group.size() + taken.size() >= kMostOps || group.inputs().size() + user->getNumOperands() > kMostInputs)
      return refuse(user, "the kernel would be too large");
    SmallVector<Operation *> added(taken);
    added.push_back(user);
    if (!group.staysConvexWith(added))
      return refuse(user, "another operand depends on the result of " + describe(root));
    return true;
  }

  bool refuse(Operation *user, const Twine &reason) {
    log.refused(user, reason);
    return false;
  }

  Group group;
  Operation *root;
  FusionLog &log;
  Value last; // the one value of the group that is used outside
};

struct FuseEpilogue : impl::FuseEpilogueBase<FuseEpilogue> {
  void runOnOperation() override {
    FusionLog log;
    for (Block &block : getOperation().getBody()) {
      SmallVector<Operation *> roots;
      for (Operation &op : block)
        if (isRoot(&op))
          roots.push_back(&op);
      for (Operation *root : roots)
        Epilogue(root, log).run();
    }
    log.store(getOperation());
  }
};

} // namespace
} // namespace lathe
