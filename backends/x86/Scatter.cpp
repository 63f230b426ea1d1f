// scatter: the input is copied, then the updates are applied in row-major order (one task: they may meet).
#include "backends/x86/Body.h"
#include "backends/x86/Reductions.h"
#include "backends/x86/Sequential.h"

using namespace mlir;

namespace lathe::x86 {

std::optional<KernelPlan> planScatter(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  if (!isa<nn::ScatterElementsOp, nn::ScatterNdOp>(op) || !hasKnownTypes(op))
    return std::nullopt;
  return makePlan(op, "scatter");
}

namespace {
Value combine(EmitContext &c, nn::ScatterReduction reduction, Value old, Value update, Type element) {
  switch (reduction) {
  case nn::ScatterReduction::scatter_add:
    return c.add(old, update);
  case nn::ScatterReduction::scatter_mul:
    return c.mul(old, update);
  case nn::ScatterReduction::scatter_max:
    return emitMax(c, old, update, element);
  case nn::ScatterReduction::scatter_min:
    return emitMin(c, old, update, element);
  case nn::ScatterReduction::none:
    break;
  }
  return update;
}

void apply(EmitContext &c, nn::ScatterReduction reduction, Type element, Value to, Value from) {
  Value update = c.load(c.inputs[2], element, from);
  if (reduction != nn::ScatterReduction::none)
    update = combine(c, reduction, c.load(c.outputs[0], element, to), update, element);
  c.store(update, c.outputs[0], element, to);
}

void copyInput(EmitContext &c, Value input) {
  Type raw = storageType(elementType(input));
  c.loop(c.index(0), c.product(c.dims(input)),
         [&](Value i) { c.storeRaw(c.loadRaw(c.inputs[0], raw, i), c.outputs[0], i); });
}

void scatterElements(EmitContext &c, nn::ScatterElementsOp op) {
  Type element = elementType(op.getInput());
  Values sizes = c.dims(op.getInput()), updateSizes = c.dims(op.getUpdates());
  loopNest(c, updateSizes, {}, [&](IndexList index, ValueRange) {
    Indices to(index);
    to[op.getAxis()] = checkedIndex(c, c.elementAt(op.getIndices(), index), sizes[op.getAxis()]);
    apply(c, op.getReduction(), element, c.linearize(to, sizes), c.linearize(index, updateSizes));
    return Values{};
  });
}

void scatterSlices(EmitContext &c, nn::ScatterNdOp op) {
  Type element = elementType(op.getInput());
  auto tuples = tensorType(op.getIndices());
  int64_t depth = tuples.getDimSize(tuples.getRank() - 1);
  Values sizes = c.dims(op.getInput()), tupleSizes = c.dims(op.getIndices());
  IndexList outer = ArrayRef(tupleSizes).drop_back();
  Value slice = c.product(ArrayRef(sizes).drop_front(depth));
  loopNest(c, outer, {}, [&](IndexList index, ValueRange) {
    Indices to;
    for (int64_t i = 0; i < depth; ++i) {
      Indices tuple(index);
      tuple.push_back(c.index(i));
      to.push_back(checkedIndex(c, c.elementAt(op.getIndices(), tuple), sizes[i]));
    }
    Value start = c.mul(c.linearize(to, ArrayRef(sizes).take_front(depth)), slice);
    Value from = c.mul(c.linearize(index, outer), slice);
    c.loop(c.index(0), slice, [&](Value j) { apply(c, op.getReduction(), element, c.add(start, j), c.add(from, j)); });
    return Values{};
  });
}
} // namespace

LogicalResult emitScatter(EmitContext &c) {
  Operation *op = &c.region().front();
  Value input = op->getOperand(0);
  c.when(c.ltS(c.taskBegin, c.taskEnd), [&] {
    copyInput(c, input);
    // Nothing can be written to an empty tensor, whatever the indices.
    Value isEmpty = c.eqI(c.product(c.dims(input)), c.index(0));
    c.when(c.notB(isEmpty), [&] {
      if (auto elements = dyn_cast<nn::ScatterElementsOp>(op))
        scatterElements(c, elements);
      else
        scatterSlices(c, cast<nn::ScatterNdOp>(op));
    });
  });
  return success();
}

} // namespace lathe::x86
