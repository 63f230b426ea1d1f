// Attention reads queries, keys and values where they are, and writes its result where it is wanted:
//
//   %q = nn.transpose (nn.reshape %x)  [B, S, H, D] -> [B, H, S, D]        nn.fused "attention"(%x, %past, %y, ..) {
//   %k = nn.concat %past, %new         along the keys                 ->     reshape, transpose, concat, attention, ..
//   %a = nn.attention %q, %k, %v                                            }
//   %r = nn.transpose %a               [B, H, S, D] -> [B, S, H, D]
//
// - Reshapes, transposes and slices become strides, as long as the elements of one head's row are neighbors. Those that others
//   read, too, are copied: they compute nothing.
// - A cache of keys and values with what is new behind it is read in two pieces. Where the whole is wanted as well (the cache for
//   the next token), the kernel writes it on the way, while the cache is near, instead of being read a second time. Only for few
//   queries: with many, products take most of the time, and one piece is faster to read.
#include "dialects/nn/NNView.h"
#include "passes/Passes.h"
#include "passes/fuse/Group.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_FUSEATTENTION
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

constexpr int64_t kFewQueries = 4;

class AttentionGroup {
public:
  AttentionGroup(AttentionOp attention, FusionLog &log) : attention(attention), group(attention), log(log) {
    takeCache(attention.getKeyMutable());
    takeCache(attention.getValueMutable());
    for (OpOperand &operand : attention->getOpOperands().take_front(3))
      if (!operand.get().getDefiningOp() || !group.contains(operand.get().getDefiningOp()))
        takeViews(operand);
    takeResult();
  }

  void outline() {
    if (group.size() == 1)
      return;
    log.taken(attention, "computed with " + describe(withoutAttention()));
    group.outline("attention");
  }

private:
  SmallVector<Operation *> withoutAttention() {
    SmallVector<Operation *> ops = group.inBlockOrder();
    llvm::erase(ops, attention.getOperation());
    return ops;
  }

  /// Takes the concatenation of two pieces along the keys that `operand` is.
  void takeCache(OpOperand &operand) {
    auto concat = operand.get().getDefiningOp<ConcatOp>();
    if (!concat || concat.getAxis() != 2 || concat.getInputs().size() != 2 || group.contains(concat))
      return;
    if (std::string reason = reasonAgainst(concat); !reason.empty())
      return log.refused(concat, "is written before attention reads it: " + reason);
    group.add(concat);
    for (OpOperand &piece : concat->getOpOperands())
      takeViews(piece);
  }

  std::string reasonAgainst(ConcatOp concat) {
    auto queries = constantDim(dimExprs(tensorType(attention.getQuery()))[2]);
    if (!queries || *queries > kFewQueries)
      return "there may be many queries";
    auto isAttention = [&](Operation *user) { return isa<AttentionOp>(user) && user != attention; };
    if (llvm::any_of(concat->getUsers(), isAttention))
      return "other attention reads it, too";
    return group.staysConvexWith(concat.getOperation()) ? "" : "other kernels stand between them";
  }

  /// Takes what only reorders the operand, unless that is free anyway.
  void takeViews(OpOperand &operand) {
    ViewChain chain = longestViewChain(operand.get(), [](const StridedView &view) { return view.hasUnitStride(); });
    if (chain.empty() || viewThrough(chain)->isContiguous())
      return;
    if (isa<ReshapeOp>(chain.front())) // costs nothing outside
      chain.erase(chain.begin());
    OpBuilder b(operand.getOwner());
    Value value = chain.front()->getOperand(0);
    for (Operation *op : chain) {
      Operation *copy = b.clone(*op);
      copy->setOperand(0, value);
      value = copy->getResult(0);
      group.add(copy);
    }
    operand.set(value);
    for (Operation *op : llvm::reverse(chain))
      if (op->use_empty())
        op->erase();
  }

  /// Takes transposes of the result, and reshapes between them.
  void takeResult() {
    ViewChain chain;
    size_t useful = 0; // up to the last transpose
    for (Operation *op = attention; op->hasOneUse();) {
      op = *op->user_begin();
      if (!isa<ReshapeOp, TransposeOp>(op) || op->getBlock() != attention->getBlock())
        break;
      chain.push_back(op);
      auto view = viewBack(chain);
      if (!view || !view->hasUnitStride())
        break;
      if (isa<TransposeOp>(op) && !view->isContiguous())
        useful = chain.size();
    }
    for (Operation *op : ArrayRef(chain).take_front(useful))
      group.add(op);
  }

  AttentionOp attention;
  Group group;
  FusionLog &log;
};

struct FuseAttention : impl::FuseAttentionBase<FuseAttention> {
  void runOnOperation() override {
    FusionLog log;
    SmallVector<AttentionOp> roots;
    getOperation().walk([&](AttentionOp op) {
      if (tensorType(op).getElementType().isF32() && op->getParentOp() == getOperation())
        roots.push_back(op);
    });
    for (AttentionOp root : roots)
      AttentionGroup(root, log).outline();
    log.store(getOperation());
  }
};

} // namespace
} // namespace lathe
