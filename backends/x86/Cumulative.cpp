// cumulative: one running sum or product per line along the axis, kept in a register.
#include "backends/x86/Body.h"
#include "backends/x86/Sequential.h"

using namespace mlir;

namespace lathe::x86 {

std::optional<KernelPlan> planCumulative(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto cumulative = dyn_cast<nn::CumulativeOp>(op);
  if (!cumulative || !hasKnownTypes(op))
    return std::nullopt;
  KernelPlan plan = makePlan(op, "cumulative");
  plan.tasks = Lines::of(cumulative.getInput(), cumulative.getAxis()).space().tasks;
  return plan;
}

LogicalResult emitCumulative(EmitContext &c) {
  auto op = cast<nn::CumulativeOp>(c.region().front());
  Type element = elementType(op.getInput()), type = computedType(element);
  bool isSum = op.getKind() == nn::CumulativeKind::cum_sum;
  Lines lines = Lines::of(op.getInput(), op.getAxis());
  Value length = c.dim(lines.length), last = c.sub(length, c.index(1));
  loopLines(c, lines, [&](const Line &line) {
    c.loop(c.index(0), length, {c.number(isSum ? 0 : 1, type)}, [&](Value i, ValueRange carried) {
      Value position = op.getReverse() ? c.sub(last, i) : i;
      Value offset = c.add(line.start, c.mul(position, line.stride));
      Value x = c.load(c.inputs[0], element, offset);
      Value next = isSum ? c.add(carried[0], x) : c.mul(carried[0], x);
      c.store(op.getExclusive() ? carried[0] : next, c.outputs[0], element, offset);
      return Values{next};
    });
  });
  return success();
}

} // namespace lathe::x86
