#include "backends/x86/AttentionOperands.h"
#include "backends/x86/FloatMath.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lathe::x86 {

AttentionOperands::AttentionOperands(EmitContext &context, nn::AttentionOp op) : s(context), op(op) {
  Values sizes = s.dims(op.getQuery());
  batches = sizes[0];
  heads = sizes[1];
  queries = sizes[2];
  depth = sizes[3];
  keys = s.dimOf(op.getKey(), 2);
  columns = s.dimOf(op.getValue(), 3);
  double cap = op.getCap().convertToDouble(), factor = op.getScale().convertToDouble();
  scale = s.real(hasCap() ? factor / cap : factor, s.f32());
}

AttentionHead AttentionOperands::head(Value batch, Value head) {
  Value groups = s.dimOf(op.getKey(), 1), shared = s.divS(heads, groups);
  return {batch, head, s.add(s.mul(batch, heads), head), s.add(s.mul(batch, groups), s.divS(head, shared))};
}

Value AttentionOperands::input(Value operand) { return s.inputs[cast<BlockArgument>(operand).getArgNumber()]; }

Value AttentionOperands::matrixOf(Value operand, Value number) {
  Value elements = s.mul(s.dimOf(operand, 2), s.dimOf(operand, 3));
  return s.address(input(operand), s.f32(), s.mul(number, elements));
}

Value AttentionOperands::output(const AttentionHead &head) {
  return s.address(s.outputs[0], s.f32(), s.mul(head.matrix, s.mul(queries, columns)));
}

Value AttentionOperands::capped(Value score) {
  return s.mul(tanhF32(s, score), s.real(op.getCap().convertToDouble(), score.getType()));
}

Value AttentionOperands::weighted(Value sum, Value share) {
  Value factor = share;
  if (auto vector = dyn_cast<VectorType>(sum.getType()))
    factor = s.b.create<vector::BroadcastOp>(s.loc, vector, share);
  Value result = s.mul(sum, factor);
  return op.getNanToZero() ? s.select(s.isNan(share), s.real(0, sum.getType()), result) : result;
}

DimExprs AttentionOperands::maskDims() {
  DimExprs dims = dimExprs(tensorType(op.getMask()));
  dims.insert(dims.begin(), 4 - dims.size(), dimConstant(s.b.getContext(), 1));
  return dims;
}

bool AttentionOperands::variesAlong(int64_t axis) { return constantDim(maskDims()[axis]) != 1; }

AttentionOperands::Mask AttentionOperands::mask(const AttentionHead &head) {
  DimExprs dims = maskDims();
  std::array<Value, 4> strides;
  Value stride = s.index(1);
  for (int axis = 3; axis >= 0; --axis) {
    strides[axis] = variesAlong(axis) ? stride : s.index(0);
    stride = s.mul(stride, s.dim(dims[axis]));
  }
  Value offset = s.add(s.mul(head.batch, strides[0]), s.mul(head.head, strides[1]));
  return {s.address(input(op.getMask()), s.f32(), offset), strides[2], strides[3]};
}

} // namespace lathe::x86
