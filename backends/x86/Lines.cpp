#include "backends/x86/Sequential.h"

using namespace mlir;

namespace lathe::x86 {

Lines Lines::of(Value tensor, int64_t axis) {
  DimExprs dims = dimExprs(tensorType(tensor));
  ArrayRef<AffineExpr> all(dims);
  MLIRContext *context = tensor.getContext();
  return {dimProduct(all.take_front(axis), context), all[axis], dimProduct(all.drop_front(axis + 1), context)};
}

TaskSpace Lines::space() const {
  int64_t cost = constantDim(length).value_or(256) * 4;
  return cutTasks({simplifyDim(outer * inner)}, std::max<int64_t>(cost, 1), outer.getContext());
}

Value Line::startOf(EmitContext &c, Value otherLength) const {
  return c.add(c.mul(c.mul(outer, otherLength), stride), inner);
}

void loopLines(EmitContext &c, const Lines &lines, llvm::function_ref<void(const Line &)> body) {
  Value length = c.dim(lines.length), stride = c.dim(lines.inner);
  loopRows(c, lines.space(), c.taskBegin, c.taskEnd, [&](ArrayRef<Value> indices) {
    Line line;
    line.stride = stride;
    line.outer = c.divU(indices[0], stride);
    line.inner = c.remU(indices[0], stride);
    line.start = line.startOf(c, length);
    body(line);
  });
}

} // namespace lathe::x86
