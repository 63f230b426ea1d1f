// Contractions and the element-wise operations on their results become one kernel: the results are changed while they are in
// registers or in the first-level cache, instead of in a second pass over memory.
//
//   %1 = nn.matmul %x, %w              %3 = nn.fused "gemm"(%x, %w, %b, %r) {
//   %2 = nn.binary add %1, %b    ->      matmul, add %b, gelu, add %r
//   ...                                }
//
// An operation is taken if its result has the contraction's sizes, so that its other operands (bias, residual) are read at the
// same index. Values that are also used elsewhere are written on the way. Assumes contractions of f32 or of 8-bit integers; others,
// and nn.attention, stay as they are. Quantized operands are read as bytes: the nn.dequantize of a residual is taken by the kernel that
// adds it, not by the one that makes it. Roots are visited in program order, so of two contractions whose results meet, the first takes
// the rest.
// Wrong only for cost: an operand of the epilogue that is ready late delays the contraction.
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

constexpr size_t kMostOps = 16, kMostInputs = 12, kMostOutputs = 3;

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

/// f32, or sums of products of 8-bit integers.
bool isRoot(Operation *op) {
  if (kindOf(op).empty())
    return false;
  return tensorType(op->getResult(0)).getElementType().isF32() ||
         tensorType(op->getOperand(0)).getElementType().isInteger(8);
}

class Epilogue {
public:
  Epilogue(Operation *root, FusionLog &log) : group(root), root(root), log(log) {
    takeIntegers();
    while (takeUser())
      ;
    for (Operation *user : users())
      log.refused(user, "stays apart from " + describe(root) + ": " + reasonAgainst(user));
  }

  /// A contraction alone stays as it is.
  void outline() {
    if (group.size() == 1)
      return;
    log.taken(root, "computed with its contraction: " + describe(group.ops().drop_front()));
    group.outline(kindOf(root));
  }

private:
  /// A product reads integer weights, and rows of integers with them, by itself: their dequantization is part of it, each product's its
  /// own.
  void takeIntegers() {
    if (auto matmul = dyn_cast<MatmulOp>(root))
      for (OpOperand &operand : matmul->getOpOperands())
        takeIntegers(operand);
  }

  void takeIntegers(OpOperand &operand) {
    auto dequantize = operand.get().getDefiningOp<DequantizeOp>();
    if (!dequantize || dequantize.getBits() == 0)
      return;
    group.add(ownCopy(dequantize, root));
  }

  /// An operation that is part of several kernels, for the operand of one.
  static Operation *ownCopy(Operation *op, Operation *user) {
    if (op->hasOneUse())
      return op;
    OpBuilder b(user);
    Operation *copy = b.clone(*op);
    user->replaceUsesOfWith(op->getResult(0), copy->getResult(0));
    return copy;
  }

  /// Element-wise operations on values of the group, the first in the block first.
  SmallVector<Operation *> users() const {
    llvm::SetVector<Operation *> result;
    for (Operation *op : group.ops())
      for (Operation *user : op->getUsers())
        if (!group.contains(user) && user->getBlock() == root->getBlock() && isElementwise(user))
          result.insert(user);
    SmallVector<Operation *> sorted = result.takeVector();
    llvm::sort(sorted, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    return sorted;
  }

  bool takeUser() {
    for (Operation *user : users())
      if (reasonAgainst(user).empty()) {
        for (Operation *op : withDequantized(user))
          group.add(op == user ? user : ownCopy(op, user));
        return true;
      }
    return false;
  }

  /// The operation after what makes numbers of its other operands where they are quantized: bytes are read instead of numbers, and
  /// who computed them needs to write nothing else.
  SmallVector<Operation *> withDequantized(Operation *user) const {
    SmallVector<Operation *> ops;
    for (Value operand : user->getOperands())
      if (auto other = operand.getDefiningOp<DequantizeOp>())
        if (!group.contains(other) && isElementwise(other) && !llvm::is_contained(ops, other) &&
            haveEqualDims(operand, root->getResult(0)))
          ops.push_back(other);
    ops.push_back(user);
    return ops;
  }

  /// Does it undo the quantization of a result of the group for an operation that reads another tensor, too?
  bool isDequantizedForOthers(Operation *user) const {
    auto dequantize = dyn_cast<DequantizeOp>(user);
    auto quantize = dequantize ? dequantize.getInput().getDefiningOp<QuantizeOp>() : QuantizeOp();
    if (!quantize || !group.contains(quantize) || !user->hasOneUse())
      return false;
    Operation *reader = *user->getUsers().begin();
    auto isKnown = [&](Value operand) { return operand == dequantize.getOutput() || isConstantExpression(operand); };
    return isElementwise(reader) && !llvm::all_of(reader->getOperands(), isKnown);
  }

  /// Why an operation stays apart; empty if it doesn't have to.
  std::string reasonAgainst(Operation *user) const {
    if (!haveEqualDims(user->getResult(0), root->getResult(0)))
      return "its result has other sizes";
    if (isDequantizedForOthers(user))
      return "its reader computes it from the quantized values";
    SmallVector<Operation *> ops = withDequantized(user);
    Group larger = group;
    for (Operation *op : ops)
      larger.add(op);
    if (larger.size() > kMostOps || larger.inputs().size() > kMostInputs || larger.outputs().size() > kMostOutputs)
      return "the kernel would be too large";
    return group.staysConvexWith(ops) ? "" : "another operand depends on the result of " + describe(root);
  }

  Group group;
  Operation *root;
  FusionLog &log;
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
        Epilogue(root, log).outline();
    }
    log.store(getOperation());
  }
};

} // namespace
} // namespace lathe
