// column: reductions and softmax along axes that are followed by one more axis, the columns.
//
//   for (lead.., block of columns) in the tasks:
//     for each reduction, in order:
//       acc[columns] = init                                     (scratch, stays in L1)
//       for groups of 8 i in reduced axes: for c in columns: acc[c] = combine(acc[c], input[lead, i, c], ..)
//     for i in reduced axes: for c in columns: outputs
//
// The inner loops run along memory and are vectorized without a reduction across lanes. What is element-wise before and after
// the reductions is computed in place.
#include "backends/x86/ColumnKernel.h"
#include "backends/x86/Body.h"
#include "backends/x86/Collapse.h"
#include "backends/x86/Reductions.h"
#include "backends/x86/Tasks.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr int64_t kColumns = 256; // of a block
constexpr int64_t kGroup = 8;     // elements of a column per load and store of its accumulator
constexpr int64_t kSlotBytes = kColumns * 8;

bool isReduction(Operation *op) { return isa<nn::SoftmaxOp, nn::ReduceOp>(op); }

/// Axes as [lead.., reduced.., column].
class ColumnPlan {
public:
  static std::optional<ColumnPlan> of(Block &block) {
    ColumnPlan plan;
    for (Operation &op : block.without_terminator())
      if (isReduction(&op) && !plan.add(&op))
        return std::nullopt;
    if (plan.full.empty() || !plan.isClosed(block))
      return std::nullopt;
    plan.cut(block);
    return plan;
  }

  bool isFull(Value value) const { return dimExprs(tensorType(value)) == full; }
  bool isReduced(Value value) const {
    DimExprs dims = dimExprs(tensorType(value)), kept = lead, ones = lead;
    kept.push_back(full.back());
    ones.append(reduced.size(), dimConstant(value.getContext(), 1));
    ones.push_back(full.back());
    return dims == kept || dims == ones;
  }

  DimExprs full, lead, reduced;
  TaskSpace space;
  int64_t slots = 0;

private:
  bool add(Operation *op) {
    DimExprs dims = dimExprs(tensorType(op->getOperand(0)));
    SmallVector<int64_t> axes;
    if (auto softmax = dyn_cast<nn::SoftmaxOp>(op))
      axes.push_back(softmax.getAxis());
    else
      llvm::append_range(axes, cast<nn::ReduceOp>(op).getAxes());
    bool isBlock = !axes.empty() && axes.back() == int64_t(dims.size()) - 2 &&
                   axes.back() - axes.front() == int64_t(axes.size()) - 1;
    if (!isBlock || (!full.empty() && (dims != full || int64_t(lead.size()) != axes.front())))
      return false;
    full = dims;
    lead.assign(dims.begin(), dims.begin() + axes.front());
    reduced.assign(dims.begin() + axes.front(), dims.end() - 1);
    slots += isa<nn::SoftmaxOp>(op) ? 2 : 1;
    return true;
  }

  /// True if what depends on a reduction stays in its column.
  bool isClosed(Block &block) {
    llvm::DenseSet<Value> after;
    for (Operation &op : block.without_terminator()) {
      bool isAfter = llvm::any_of(op.getOperands(), [&](Value v) { return after.contains(v); });
      if (isAfter && !isPointwise(&op) && !isReduction(&op))
        return false;
      if (!isAfter && !isReduction(&op))
        continue;
      if (!isFull(op.getResult(0)) && !isReduced(op.getResult(0)))
        return false;
      after.insert(op.getResult(0));
    }
    return llvm::all_of(block.getTerminator()->getOperands(), [&](Value v) { return isFull(v) || isReduced(v); });
  }

  void cut(Block &block) {
    MLIRContext *context = block.getParentOp()->getContext();
    int64_t cost = 0;
    for (Operation &op : block.without_terminator())
      cost += isa<nn::SoftmaxOp>(op) ? 24 : isPointwise(&op) ? costPerElement(&op) : 2;
    int64_t length = constantDim(dimProduct(reduced, context)).value_or(128);
    DimExprs dims = lead;
    dims.push_back(simplifyDim(full.back().ceilDiv(kColumns)));
    int64_t columns = std::min(constantDim(full.back()).value_or(kColumns), kColumns);
    space = cutTasks({dimProduct(dims, context)}, std::max<int64_t>(cost * length * columns, 1), context);
    space.dims = dims;
    space.split = dims.size() - 1;
  }
};

/// What becomes of a column: terms of its elements, joined.
struct Reduction {
  Value init;
  std::function<Value(Value x, Value column)> term;
  std::function<Value(Value a, Value b)> join;
  int64_t group = kGroup;
};

class ColumnEmitter {
public:
  ColumnEmitter(EmitContext &c, const ColumnPlan &plan) : c(c), plan(plan) {
    for (AffineExpr dim : plan.reduced)
      reducedSizes.push_back(c.dim(dim));
  }

  void run() {
    loopRows(c, plan.space, c.taskBegin, c.taskEnd, [&](IndexList outer) {
      lead.assign(outer.begin(), outer.end() - 1);
      first = c.mul(outer.back(), c.index(kColumns));
      last = c.minS(c.add(first, c.index(kColumns)), c.dim(plan.full.back()));
      usedSlots = 0;
      for (Operation &op : c.region().without_terminator()) {
        if (auto reduce = dyn_cast<nn::ReduceOp>(op))
          emitReduce(reduce);
        else if (auto softmax = dyn_cast<nn::SoftmaxOp>(op))
          emitSoftmax(softmax);
      }
      emitOutputs();
      for (Operation &op : c.region().without_terminator())
        c.unbind(op.getResult(0));
    });
  }

private:
  Value slot() { return c.address(c.scratch, c.i8(), c.index(kSlotBytes * usedSlots++)); }
  Value get(Value base, Type type, Value column) { return c.loadRaw(base, type, c.sub(column, first)); }
  void put(Value value, Value base, Value column) { c.storeRaw(value, base, c.sub(column, first)); }
  void forColumns(llvm::function_ref<void(Value)> body) { c.loop(first, last, body); }

  /// acc[c] = join(acc[c], term(input[.., c]), ..) over the reduced axes, in groups along the last one.
  void accumulate(const Reduction &reduction, Value acc, Value input) {
    forColumns([&](Value column) { put(reduction.init, acc, column); });
    Values outerSizes(reducedSizes);
    Value length = outerSizes.pop_back_val(), group = c.index(reduction.group);
    Value grouped = c.mul(c.divU(length, group), group);
    loopNest(c, outerSizes, {}, [&](IndexList outer, ValueRange) {
      c.loop(c.index(0), grouped, group,
             [&](Value i) { addElements(reduction, acc, input, outer, i, reduction.group); });
      if (auto size = constantOf(length); size && *size % reduction.group)
        addElements(reduction, acc, input, outer, grouped, *size % reduction.group);
      else if (!size)
        c.loop(grouped, length, [&](Value i) { addElements(reduction, acc, input, outer, i, 1); });
      return Values{};
    });
  }

  /// `count` elements of each column, joined pairwise first: shorter chains, and less rounding in long sums.
  void addElements(const Reduction &reduction, Value acc, Value input, IndexList outer, Value first, int64_t count) {
    forColumns([&](Value column) {
      Values terms;
      for (int64_t i = 0; i < count; ++i) {
        Indices inner(outer);
        inner.push_back(c.add(first, c.index(i)));
        terms.push_back(reduction.term(c.elementAt(input, indexOf(inner, column)), column));
      }
      while (terms.size() > 1) {
        Values joined;
        for (size_t i = 0; i + 1 < terms.size(); i += 2)
          joined.push_back(reduction.join(terms[i], terms[i + 1]));
        if (terms.size() % 2)
          joined.push_back(terms.back());
        terms = joined;
      }
      put(reduction.join(get(acc, reduction.init.getType(), column), terms[0]), acc, column);
    });
  }

  Indices indexOf(IndexList inner, Value column) {
    Indices index(lead);
    index.append(inner.begin(), inner.end());
    index.push_back(column);
    return index;
  }

  void emitReduce(nn::ReduceOp op) {
    Accumulator accumulator(c, op.getKind(), elementType(op.getInput()));
    Value init = accumulator.init(), acc = slot(), count = c.product(reducedSizes);
    Type type = init.getType();
    accumulate({init, [&](Value x, Value) { return accumulator.term(x); },
                [&](Value a, Value b) { return accumulator.join(a, b); }},
               acc, op.getInput());
    c.bind(op.getOutput(),
           [=, this](IndexList index) mutable { return accumulator.finish(get(acc, type, index.back()), count); });
  }

  void emitSoftmax(nn::SoftmaxOp op) {
    Value input = op.getInput(), largest = slot(), sum = slot();
    Type type = computedType(elementType(input));
    accumulate({lowestOf(c, type), [](Value x, Value) { return x; },
                [&](Value a, Value b) { return c.accumulateMaximum(a, b); }},
               largest, input);
    auto shiftedExp = [&](Value x, Value column) { return emitExpNegative(c, c.sub(x, get(largest, type, column))); };
    accumulate({c.real(0, type), shiftedExp, [&](Value a, Value b) { return c.add(a, b); }, /*group=*/1}, sum, input);
    bool isLog = op.getLog();
    forColumns([&](Value column) {
      Value total = get(sum, type, column);
      put(isLog ? emitLog(c, total) : c.divF(c.real(1, type), total), sum, column);
    });
    c.bind(op.getOutput(), [=, this](IndexList index) {
      Value shifted = c.sub(c.elementAt(input, index), get(largest, type, index.back()));
      Value scale = get(sum, type, index.back());
      return isLog ? c.sub(shifted, scale) : c.mul(emitExpNegative(c, shifted), scale);
    });
  }

  void storeResult(unsigned number, Value value, IndexList index) {
    c.store(c.elementAt(value, index), c.outputs[number], elementType(value), c.linearize(index, c.dims(value)));
  }

  void emitOutputs() {
    SmallVector<std::pair<unsigned, Value>> full;
    for (auto [number, value] : llvm::enumerate(c.results())) {
      if (plan.isFull(value)) {
        full.push_back({unsigned(number), value});
        continue;
      }
      size_t ones = tensorType(value).getRank() - lead.size() - 1;
      forColumns([&](Value column) { storeResult(number, value, indexOf(Indices(ones, c.index(0)), column)); });
    }
    if (full.empty())
      return;
    loopNest(c, reducedSizes, {}, [&](IndexList inner, ValueRange) {
      forColumns([&](Value column) {
        for (auto [number, value] : full)
          storeResult(number, value, indexOf(inner, column));
      });
      return Values{};
    });
  }

  EmitContext &c;
  const ColumnPlan &plan;
  Values reducedSizes;
  Indices lead;
  Value first, last; // columns of the block
  int64_t usedSlots = 0;
};
} // namespace

std::optional<KernelPlan> planColumn(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto operations = bodyOperations(op);
  if (!hasKnownTypes(op) || !llvm::any_of(operations, isReduction) || !llvm::all_of(operations, isElemental))
    return std::nullopt;
  OwningOpRef<plan::KernelOp> body = makeBody(op);
  collapseAxes(*body);
  auto columns = ColumnPlan::of(body->getBody().front());
  if (!columns)
    return std::nullopt;
  KernelPlan plan = makePlan(op, "column");
  plan.tasks = columns->space.tasks;
  plan.scratchBytes = dimConstant(op->getContext(), columns->slots * kSlotBytes);
  return plan;
}

LogicalResult emitColumn(EmitContext &context) {
  collapseAxes(context.kernel);
  auto columns = ColumnPlan::of(context.region());
  if (!columns)
    return context.kernel.emitError("internal: kernel is not made of columns");
  ColumnEmitter(context, *columns).run();
  return success();
}

} // namespace lathe::x86
