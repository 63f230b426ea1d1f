// Assigns the memory of a program. A value is live from the first call that touches its buffer (directly or through views)
// to the last; a call's inputs and outputs are live together. In-place computation and concat-in-place have been decided
// before: they show as one buffer. Calls that run together are one step.
//
// Static sizes: offsets by ArenaLayout.h. Symbolic sizes: offsets can't be compared before the sizes are known, and must be
// quick to find when they are. Two plans are made, and the one that is smaller for guessed values of the symbols is taken:
//   coloring:     each value goes to a slot that is free during its life, the one that grows least; a slot is as large as its
//                 largest member;
//   proportions:  sizes that are multiples of the same product of symbols (all of them, where only the batch is symbolic)
//                 keep their proportions, so they are laid out like static ones in one slot, in units of the product.
// The slots follow each other: the offset of one is the sum of the sizes of those before.
#include "passes/memory/PlanArena.h"
#include "mlir/IR/Builders.h"
#include "passes/Passes.h"
#include "passes/memory/ArenaLayout.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <numeric>

using namespace mlir;

namespace lathe {

#define GEN_PASS_DEF_PLANARENA
#include "passes/Passes.h.inc"

std::vector<Lifetime> lifetimes(plan::ProgramOp program) {
  llvm::MapVector<Operation *, Lifetime> found;
  int64_t step = -1;
  for (Operation &op : program.getBody().front()) {
    auto call = dyn_cast<plan::CallOp>(op);
    step += call && !call.getJoins();
    if (!isa<plan::CallOp, plan::LateSymbolOp>(op))
      continue;
    for (Value buffer : op.getOperands())
      if (auto alloc = dyn_cast_or_null<plan::AllocOp>(plan::rootOf(buffer))) {
        auto it = found.try_emplace(alloc, Lifetime{alloc, step, step}).first;
        it->second.last = step;
      }
  }
  std::vector<Lifetime> result;
  for (auto &[alloc, lifetime] : found)
    result.push_back(lifetime);
  return result;
}

SmallVector<int64_t> guessSymbols(const Symbols &symbols) {
  SmallVector<int64_t> values;
  for (const Symbol &symbol : symbols.symbols) {
    SmallVector<int64_t> args;
    for (AffineExpr operand : symbol.operands)
      args.push_back(evaluateDim(operand, values).value_or(0));
    args.resize(3);
    int64_t value = 128;
    if (symbol.kind == SymbolKind::derived)
      switch (symbol.derived) {
      case DerivedKind::minimum:
        value = std::min(args[0], args[1]);
        break;
      case DerivedKind::maximum:
        value = std::max(args[0], args[1]);
        break;
      case DerivedKind::selectNonNegative:
        value = args[0] >= 0 ? args[1] : args[2];
        break;
      case DerivedKind::selectZero:
        value = args[0] == 0 ? args[1] : args[2];
        break;
      case DerivedKind::floorScaled:
        value = int64_t(std::clamp(double(args[0]) * symbol.scale, -1e15, 1e15));
        break;
      }
    values.push_back(std::clamp(value, symbol.min, std::max(symbol.min, symbol.max)));
  }
  return values;
}

namespace {

class ArenaPlanner {
public:
  explicit ArenaPlanner(plan::ProgramOp program)
      : program(program), b(program.getContext()), symbols(Symbols::of(program)), guess(guessSymbols(symbols)) {}

  void run();

private:
  void collect();
  void assignOffsets();
  void assignSlots();
  void setFigures(int64_t arenaBytes);
  int64_t guessedBytes(plan::AllocOp alloc) const {
    int64_t bytes = evaluateDim(alloc.getSizeBytes().getResult(0), guess).value_or(0);
    return llvm::alignTo(std::max<int64_t>(bytes, 0), plan::kBufferAlignment);
  }

  plan::ProgramOp program;
  Builder b;
  Symbols symbols;
  SmallVector<int64_t> guess;
  std::vector<Lifetime> values;  // those of the arena
  std::vector<LiveRange> ranges; // parallel to it, sizes aligned
};

void ArenaPlanner::collect() {
  for (auto alloc : llvm::make_early_inc_range(program.getBody().getOps<plan::AllocOp>())) {
    alloc.removeOffsetAttr();
    alloc.removeSlotAttr();
    alloc.removeSlotOffsetAttr();
    if (alloc.use_empty())
      alloc.erase();
  }
  for (const Lifetime &value : lifetimes(program))
    if (plan::AllocOp alloc = value.alloc; !plan::isLate(alloc.getSizeBytes().getResult(0), symbols)) {
      values.push_back(value);
      ranges.push_back({guessedBytes(alloc), value.first, value.last});
    }
}

void ArenaPlanner::assignOffsets() {
  ArenaLayout layout = layoutArena(ranges, plan::kBufferAlignment);
  for (auto [value, offset] : llvm::zip_equal(values, layout.offsets))
    value.alloc.setOffset(offset);
  program.removeArenaSlotsAttr();
  setFigures(layout.sizeBytes);
}

/// A plan for symbolic sizes: per slot the sizes of which it takes the largest, per value its slot and place in it.
struct SlotPlan {
  std::vector<SmallVector<AffineExpr>> slots;
  std::vector<unsigned> slotOf;
  std::vector<AffineExpr> offsetOf; // in the slot; null: 0
  int64_t guessedBytes = 0;
};

/// What the members of one slot need, by coloring.
struct Slot {
  int64_t bytes = 0; // guessed
  SmallVector<LiveRange> members;
  llvm::SetVector<AffineExpr> sizes;

  bool isFreeFor(const LiveRange &range) const {
    return llvm::none_of(members, [&](const LiveRange &member) { return member.meets(range); });
  }
};

/// The free slot that grows least, then the one that wastes least; a new one if there is none.
Slot &slotFor(const LiveRange &range, std::vector<Slot> &slots) {
  Slot *best = nullptr;
  auto cost = [&](const Slot &slot) {
    int64_t growth = std::max<int64_t>(range.sizeBytes - slot.bytes, 0);
    return std::pair(growth, slot.bytes);
  };
  for (Slot &slot : slots)
    if (slot.isFreeFor(range) && (!best || cost(slot) < cost(*best)))
      best = &slot;
  return best ? *best : slots.emplace_back();
}

SlotPlan colorValues(ArrayRef<LiveRange> ranges, ArrayRef<AffineExpr> sizes) {
  std::vector<unsigned> order(ranges.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](unsigned x, unsigned y) { return ranges[x].sizeBytes > ranges[y].sizeBytes; });
  std::vector<Slot> slots;
  SlotPlan plan;
  plan.slotOf.resize(ranges.size());
  plan.offsetOf.resize(ranges.size());
  for (unsigned index : order) {
    Slot &slot = slotFor(ranges[index], slots);
    slot.bytes = std::max(slot.bytes, ranges[index].sizeBytes);
    slot.members.push_back(ranges[index]);
    slot.sizes.insert(sizes[index]);
    plan.slotOf[index] = &slot - slots.data();
  }
  for (const Slot &slot : slots) {
    plan.slots.emplace_back(slot.sizes.begin(), slot.sizes.end());
    plan.guessedBytes += slot.bytes;
  }
  return plan;
}

/// size = unit * factor, factor as large as it can be told.
std::pair<AffineExpr, int64_t> proportion(AffineExpr size) {
  if (auto value = constantDim(size))
    return {getAffineConstantExpr(1, size.getContext()), *value};
  auto product = dyn_cast<AffineBinaryOpExpr>(size);
  if (product && size.getKind() == AffineExprKind::Mul)
    if (auto factor = constantDim(product.getRHS()); factor && *factor > 0)
      return {product.getLHS(), *factor};
  return {size, 1};
}

SlotPlan layoutProportions(ArrayRef<LiveRange> ranges, ArrayRef<AffineExpr> sizes, ArrayRef<int64_t> guess) {
  llvm::MapVector<AffineExpr, SmallVector<unsigned>> members;
  for (unsigned i = 0; i < sizes.size(); ++i)
    members[proportion(sizes[i]).first].push_back(i);
  SlotPlan plan;
  plan.slotOf.resize(ranges.size());
  plan.offsetOf.resize(ranges.size());
  for (auto &[unit, indices] : members) {
    std::vector<LiveRange> scaled;
    for (unsigned index : indices)
      scaled.push_back({proportion(sizes[index]).second, ranges[index].first, ranges[index].last});
    ArenaLayout layout = layoutArena(scaled, plan::kBufferAlignment);
    for (auto [index, offset] : llvm::zip_equal(indices, layout.offsets)) {
      plan.slotOf[index] = plan.slots.size();
      if (offset)
        plan.offsetOf[index] = simplifyDim(unit * offset);
    }
    plan.slots.push_back({simplifyDim(unit * layout.sizeBytes)});
    plan.guessedBytes += std::max<int64_t>(evaluateDim(unit, guess).value_or(0), 0) * layout.sizeBytes;
  }
  return plan;
}

void ArenaPlanner::assignSlots() {
  SmallVector<AffineExpr> sizes;
  for (Lifetime &value : values)
    sizes.push_back(value.alloc.getSizeBytes().getResult(0));
  SlotPlan plan = colorValues(ranges, sizes), other = layoutProportions(ranges, sizes, guess);
  if (other.guessedBytes < plan.guessedBytes)
    plan = std::move(other);
  for (auto [index, value] : llvm::enumerate(values)) {
    value.alloc.setSlot(plan.slotOf[index]);
    if (plan.offsetOf[index])
      value.alloc.setSlotOffsetAttr(AffineMapAttr::get(symbolMap(plan.offsetOf[index], b.getContext())));
  }
  SmallVector<Attribute> maps;
  for (ArrayRef<AffineExpr> slot : plan.slots)
    maps.push_back(AffineMapAttr::get(symbolMap(slot, b.getContext())));
  program.setArenaSlotsAttr(b.getArrayAttr(maps));
  setFigures(plan.guessedBytes);
}

void ArenaPlanner::setFigures(int64_t arenaBytes) {
  int64_t sum = 0;
  for (const LiveRange &range : ranges)
    sum += range.sizeBytes;
  program.setArenaBytes(arenaBytes);
  program.setLowerBoundBytes(peakLiveBytes(ranges));
  program.setNoReuseBytes(sum);
}

void ArenaPlanner::run() {
  collect();
  bool isStatic = llvm::all_of(
      values, [](Lifetime &value) { return constantDim(value.alloc.getSizeBytes().getResult(0)).has_value(); });
  isStatic ? assignOffsets() : assignSlots();
}

struct PlanArenaPass : impl::PlanArenaBase<PlanArenaPass> {
  void runOnOperation() override { planArena(getOperation()); }
};

} // namespace

void planArena(plan::ProgramOp program) { ArenaPlanner(program).run(); }

} // namespace lathe
