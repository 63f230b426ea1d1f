// non_zero: one pass over the input; the number of coordinates is known (a late symbol), one more is an error.
#include "backends/x86/Body.h"
#include "backends/x86/Sequential.h"

using namespace mlir;

namespace lathe::x86 {

std::optional<KernelPlan> planNonZero(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  if (!isa<nn::NonZeroOp>(op) || !hasKnownTypes(op))
    return std::nullopt;
  return makePlan(op, "non_zero");
}

LogicalResult emitNonZero(EmitContext &c) {
  auto op = cast<nn::NonZeroOp>(c.region().front());
  Type element = elementType(op.getInput());
  Values sizes = c.dims(op.getInput());
  Value count = c.dimOf(op.getOutput(), 1);
  c.when(c.ltS(c.taskBegin, c.taskEnd), [&] {
    Value found = c.loop(c.index(0), c.product(sizes), {c.index(0)}, [&](Value i, ValueRange carried) {
      Value x = c.load(c.inputs[0], element, i), zero = c.number(0, x.getType());
      Value isSet = isa<FloatType>(x.getType()) ? c.cmp(arith::CmpFPredicate::UNE, x, zero) : c.neI(x, zero);
      Value isRoom = c.ltS(carried[0], count);
      c.when(c.andI(isSet, isRoom), [&] {
        for (auto [axis, index] : llvm::enumerate(c.delinearize(i, sizes)))
          c.storeRaw(index, c.outputs[0], c.add(c.mul(c.index(axis), count), carried[0]));
      });
      return Values{c.add(carried[0], c.resizeU(isSet, c.i64()))};
    })[0];
    c.raise(c.neI(found, count), LATHE_KERNEL_TOO_MANY_ELEMENTS);
  });
  return success();
}

} // namespace lathe::x86
