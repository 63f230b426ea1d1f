#include "backends/x86/Elements.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
template <class Handle> bool dispatch(Operation *op, Handle handle) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<nn::ConstantOp, nn::UnaryOp, nn::BinaryOp, nn::SelectOp, nn::CastOp, nn::BitcastOp, nn::QuantizeOp,
            nn::DequantizeOp, nn::ReshapeOp, nn::TransposeOp, nn::BroadcastOp, nn::TileOp, nn::SliceOp, nn::ConcatOp,
            nn::PadOp, nn::IotaOp, nn::ShapeOfOp, nn::DimValuesOp, nn::GatherOp, nn::GatherElementsOp, nn::GatherNdOp,
            nn::ResizeOp, nn::ReduceOp, nn::ArgReduceOp, nn::SoftmaxOp, nn::LayerNormOp, nn::LrnOp, nn::MatmulOp,
            nn::ConvOp, nn::ConvTransposeOp, nn::AttentionOp, nn::PoolOp, nn::MaxPoolIndicesOp>([&](auto typed) {
        handle(typed);
        return true;
      })
      .Default([](Operation *) { return false; });
}
} // namespace

bool isElemental(Operation *op) {
  return dispatch(op, [](auto) {});
}

Value EmitContext::computeElement(Value tensor, ArrayRef<Value> indices) {
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return load(inputs[argument.getArgNumber()], elementType(tensor), linearize(indices, dims(tensor)));
  Value value;
  dispatch(tensor.getDefiningOp(), [&](auto op) { value = element(*this, op, indices); });
  return value;
}

Value broadcastElement(EmitContext &c, Value operand, IndexList indices) {
  DimExprs sizes = dimExprs(tensorType(operand));
  Indices own(indices.end() - sizes.size(), indices.end());
  for (auto [index, size] : llvm::zip_equal(own, sizes))
    if (constantDim(size) == 1)
      index = c.index(0);
  return c.elementAt(operand, own);
}

} // namespace lathe::x86
