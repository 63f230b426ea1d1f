#include "backends/x86/Elements.h"

using namespace mlir;

namespace lathe::x86 {

Value checkedIndex(EmitContext &c, Value index, Value size) {
  return c.remember({"checked index", 0, index.getAsOpaquePointer(), size.getAsOpaquePointer()}, [&] {
    Value wide = c.resizeS(index, c.i64()), zero = c.index(0);
    Value fromFront = c.select(c.ltS(wide, zero), c.add(wide, size), wide);
    Value isOutside = c.cmp(arith::CmpIPredicate::uge, fromFront, size);
    c.raise(isOutside, LATHE_KERNEL_INDEX_OUT_OF_RANGE);
    return c.select(isOutside, zero, fromFront);
  });
}

Value element(EmitContext &c, nn::GatherOp op, IndexList indices) {
  int64_t axis = op.getAxis(), indicesRank = tensorType(op.getIndices()).getRank();
  Value position = c.elementAt(op.getIndices(), indices.slice(axis, indicesRank));
  if (elementType(op.getIndices()).isUnsignedInteger(8))
    position = c.resizeU(position, c.i64());
  Indices own(indices.take_front(axis));
  own.push_back(checkedIndex(c, position, c.dimOf(op.getInput(), axis)));
  own.append(indices.begin() + axis + indicesRank, indices.end());
  return c.elementAt(op.getInput(), own);
}

Value element(EmitContext &c, nn::GatherElementsOp op, IndexList indices) {
  int64_t axis = op.getAxis();
  Indices own(indices);
  own[axis] = checkedIndex(c, c.elementAt(op.getIndices(), indices), c.dimOf(op.getInput(), axis));
  return c.elementAt(op.getInput(), own);
}

Value element(EmitContext &c, nn::GatherNdOp op, IndexList indices) {
  auto tuples = tensorType(op.getIndices());
  int64_t batch = op.getBatchDims(), tupleLength = tuples.getDimSize(tuples.getRank() - 1);
  int64_t outerRank = tuples.getRank() - 1;
  Indices own(indices.take_front(batch));
  for (int64_t i = 0; i < tupleLength; ++i) {
    Indices tuple(indices.take_front(outerRank));
    tuple.push_back(c.index(i));
    own.push_back(checkedIndex(c, c.elementAt(op.getIndices(), tuple), c.dimOf(op.getInput(), batch + i)));
  }
  own.append(indices.begin() + outerRank, indices.end());
  return c.elementAt(op.getInput(), own);
}

} // namespace lathe::x86
