#include "passes/quantize/WeightedOperation.h"

using namespace mlir;

namespace lathe::nn {

std::optional<WeightedProduct> WeightedProduct::of(Operation *op) {
  if (!isa<MatmulOp, ConvOp>(op) || !tensorType(op->getResult(0)).getElementType().isF32())
    return std::nullopt;
  WeightedProduct product{op, &op->getOpOperand(0), &op->getOpOperand(1), 0};
  ConstantOp constant = product.constant();
  if (!constant || product.input->get().getDefiningOp<ConstantOp>() || !tensorType(constant).hasStaticShape())
    return std::nullopt;
  if (auto matmul = dyn_cast<MatmulOp>(op)) {
    if (tensorType(constant).getRank() != 2)
      return std::nullopt;
    product.outputAxis = matmul.getTransRhs() ? 0 : 1;
  }
  return product;
}

ConstantOp lookedUpTable(Operation *op) {
  constexpr int64_t fewest = 1 << 14; // elements
  auto gather = dyn_cast<GatherOp>(op);
  auto constant = gather && gather.getAxis() == 0 ? gather.getInput().getDefiningOp<ConstantOp>() : ConstantOp();
  if (!constant || !tensorType(constant).getElementType().isF32() || tensorType(constant).getRank() != 2 ||
      tensorType(constant).getNumElements() < fewest)
    return {};
  return constant;
}

} // namespace lathe::nn
