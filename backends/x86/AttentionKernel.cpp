// softmax(Q K^T * scale + mask) V without scores in memory but for one strip of queries: kind `attention`.
//
//   task (batch, head, strip of NR queries):
//     Q packed as [D][NR], scaled
//     for block of keys:                                                             its scores stay in L1
//       for tile of keys:   scores[TB][NR] = K tile * Q panel (+ mask);  queries lie along the vector lanes
//       per lane:           max over keys so far, exp(score - max), sum              no horizontal reductions
//       for tile of the strip's queries, panel of value columns:  out = out * exp(old max - max) + scores^T * V
//     out / sum
//
// NR are two vectors; a last strip of fewer queries than one vector has takes one. With few queries, as when a language model
// makes one token, lanes would be idle; then, query by query:
//     scores[T] = dot(q, K row)      depth along the lanes;      max, exp and sum along the lanes of keys
//     out = scores * V / sum         value columns along the lanes
//
// Neither K nor V is packed or copied: keys are rows of the first product, values are rows of the second one's right-hand side.
// All operands and the result may have any distance between rows and heads (NNView.h), and keys and values may lie in two pieces, a
// cache and what is new. Where the cache of the next run is wanted, each task writes its share of it, past the caches.
// Heads that share keys and values follow each other, so these stay in the cache. Sums are scaled from block to block as in
// Milakov and Gimelshein, Online normalizer calculation for softmax, 2018; Dao et al., FlashAttention, 2022.
#include "backends/x86/AttentionKernel.h"
#include "backends/x86/AttentionRow.h"
#include "backends/x86/AttentionStrip.h"
#include "backends/x86/Contraction.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr StringLiteral kKind = "attention";
constexpr int64_t kFewQueries = 4; // queries up to this number are computed one by one

/// The widths of strips, in vectors, that a number of queries needs.
struct StripWidths {
  bool wide, narrow;

  static StripWidths of(std::optional<int64_t> queries, int64_t lanes) {
    if (!queries)
      return {true, true};
    int64_t rest = *queries % (2 * lanes);
    return {*queries > lanes, rest > 0 && rest <= lanes};
  }
  int most() const { return wide ? 2 : 1; }
};

int64_t lanesOf(const Target &target) { return target.vectorBits() / 32; }
std::optional<int64_t> queryCount(nn::AttentionOp op) { return constantDim(dimExprs(tensorType(op.getQuery()))[2]); }

class AttentionEmission {
public:
  AttentionEmission(EmitContext &context, nn::AttentionOp op)
      : s(context), o(context, op), lanes(lanesOf(context.target)), widths(StripWidths::of(queryCount(op), lanes)),
        row(o, lanes, context.scratch), hasRows(AttentionRow::accepts(op, lanes)) {
    if (widths.wide)
      wide.emplace(o, AttentionTiles::choose(context.target, 2), context.scratch);
    if (widths.narrow)
      narrow.emplace(o, AttentionTiles::choose(context.target, 1), context.scratch);
  }

  void run() {
    Value strip = s.index(widths.most() * lanes), strips = s.ceilDiv(o.queries, strip);
    s.loop(s.taskBegin, s.taskEnd, [&](Value task) {
      Indices position = s.delinearize(task, {o.batches, o.heads, strips});
      AttentionHead head = o.head(position[0], position[1]);
      Value first = s.mul(position[2], strip), count = s.minS(strip, s.sub(o.queries, first));
      Value isFew = hasRows ? s.geS(s.index(kFewQueries), o.queries) : s.boolean(false);
      if (constantOf(isFew) != 0)
        s.when(isFew, [&] { s.loop(s.index(0), count, [&](Value query) { row.compute(head, query); }); });
      if (constantOf(isFew) != 1)
        s.when(s.notB(isFew), [&] { computeStrip(head, first, count); });
      storeCaches(head, first);
    });
  }

private:
  /// Behind the products, which have brought keys and values near.
  void storeCaches(const AttentionHead &head, Value first) {
    SmallVector<AttentionCache, 2> caches = o.caches();
    if (caches.empty())
      return;
    s.when(s.eqI(first, s.index(0)), [&] {
      for (AttentionCache cache : caches)
        o.store(cache, head);
      s.b.create<LLVM::CallIntrinsicOp>(s.loc, TypeRange(), s.b.getStringAttr("llvm.x86.sse.sfence"), ValueRange(),
                                        LLVM::FastmathFlagsAttr());
    });
  }

  void computeStrip(const AttentionHead &head, Value first, Value count) {
    if (!narrow || !wide)
      return (wide ? wide : narrow)->compute(head, first, count);
    Value isNarrow = s.geS(s.index(lanes), count);
    s.when(isNarrow, [&] { narrow->compute(head, first, count); });
    s.when(s.notB(isNarrow), [&] { wide->compute(head, first, count); });
  }

  EmitContext &s;
  AttentionOperands o;
  int64_t lanes;
  StripWidths widths;
  AttentionRow row;
  bool hasRows;
  std::optional<AttentionStrip> wide, narrow;
};

/// The attention among operations that are nothing else but its operands and its result read in another order, and caches.
nn::AttentionOp soleAttention(ArrayRef<Operation *> operations) {
  auto isRoot = [](Operation *op) { return isa<nn::AttentionOp>(op); };
  auto isFine = [&](Operation *op) { return isRoot(op) || isa<nn::ConcatOp>(op) || nn::isViewOp(op); };
  if (llvm::count_if(operations, isRoot) != 1 || !llvm::all_of(operations, isFine))
    return {};
  return cast<nn::AttentionOp>(*llvm::find_if(operations, isRoot));
}

/// Room for each of the ways.
AffineExpr scratchFloats(nn::AttentionOp op, const Target &target, StripWidths widths) {
  AffineExpr floats = AttentionStrip::scratchFloats(op, AttentionTiles::choose(target, widths.most()));
  if (widths.wide && widths.narrow)
    floats = floats + AttentionStrip::scratchFloats(op, AttentionTiles::choose(target, 1));
  return floats + AttentionRow::scratchFloats(op, lanesOf(target));
}
} // namespace

std::optional<KernelPlan> planAttention(Operation *op, ArrayRef<bool>, const Target &target) {
  auto root = soleAttention(bodyOperations(op));
  if (!root || !isFloat32(root) || target.vectorBits() < 256)
    return std::nullopt;
  DimExprs query = dimExprs(tensorType(root.getQuery())), value = dimExprs(tensorType(root.getValue()));
  StripWidths widths = StripWidths::of(queryCount(root), lanesOf(target));
  KernelPlan plan = makePlan(op, kKind);
  plan.tasks = simplifyDim(query[0] * query[1] * query[2].ceilDiv(widths.most() * lanesOf(target)));
  plan.scratchBytes = simplifyDim(scratchFloats(root, target, widths) * 4);
  plan.flops = simplifyDim(query[0] * query[1] * query[2] * value[2] * (query[3] + value[3]) * 2);
  return plan;
}

LogicalResult emitAttention(EmitContext &context) {
  SmallVector<Operation *> operations;
  for (Operation &op : context.region().without_terminator())
    operations.push_back(&op);
  AttentionEmission(context, soleAttention(operations)).run();
  return success();
}

} // namespace lathe::x86
