// top_k: each line along the axis keeps its k best so far sorted in the outputs themselves; an element that beats the last of them
// is moved up to its place. Cheap for the usual case: k small, or elements in no special order.
#include "backends/x86/Body.h"
#include "backends/x86/Elements.h"
#include "backends/x86/Sequential.h"

using namespace mlir;

namespace lathe::x86 {

std::optional<KernelPlan> planTopK(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto topK = dyn_cast<nn::TopKOp>(op);
  if (!topK || !hasKnownTypes(op))
    return std::nullopt;
  KernelPlan plan = makePlan(op, "top_k");
  plan.tasks = Lines::of(topK.getInput(), topK.getAxis()).space().tasks;
  return plan;
}

LogicalResult emitTopK(EmitContext &c) {
  auto op = cast<nn::TopKOp>(c.region().front());
  Type element = elementType(op.getInput());
  Lines lines = Lines::of(op.getInput(), op.getAxis());
  Value length = c.dim(lines.length), count = c.dimOf(op.getValues(), op.getAxis());
  auto better = op.getLargest() ? nn::BinaryKind::greater : nn::BinaryKind::less;
  loopLines(c, lines, [&](const Line &line) {
    Value start = line.startOf(c, count);
    auto place = [&](Value j) { return c.add(start, c.mul(j, line.stride)); };
    auto put = [&](Value j, Value x, Value number) {
      c.store(x, c.outputs[0], element, place(j));
      c.storeRaw(number, c.outputs[1], place(j));
    };
    c.loop(c.index(0), length, [&](Value i) {
      Value x = c.load(c.inputs[0], element, c.add(line.start, c.mul(i, line.stride)));
      auto isBetterThan = [&](Value j) {
        return emitBinary(c, better, x, c.load(c.outputs[0], element, place(j)), element, element);
      };
      auto goesUp = [&](ValueRange carried) {
        Value isInside = c.ltS(c.index(0), carried[0]);
        return c.when(
            isInside, {c.i1()}, [&] { return Values{isBetterThan(c.sub(carried[0], c.index(1)))}; },
            [&] { return Values{c.boolean(false)}; })[0];
      };
      auto moveDown = [&](ValueRange carried) {
        Value j = carried[0], previous = c.sub(j, c.index(1));
        c.when(c.ltS(j, count), [&] {
          put(j, c.load(c.outputs[0], element, place(previous)), c.loadRaw(c.outputs[1], c.i64(), place(previous)));
        });
        return Values{previous};
      };
      Value j = c.repeatWhile({c.minS(i, count)}, goesUp, moveDown)[0];
      c.when(c.ltS(j, count), [&] { put(j, x, i); });
    });
  });
  return success();
}

} // namespace lathe::x86
