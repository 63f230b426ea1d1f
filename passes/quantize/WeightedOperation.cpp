#include "passes/quantize/WeightedOperation.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

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

int64_t WeightedProduct::inputAxis() const {
  int64_t rank = tensorType(input->get()).getRank();
  if (auto conv = dyn_cast<ConvOp>(op))
    return conv.getChannelsLast() ? rank - 1 : 1;
  return rank - (cast<MatmulOp>(op).getTransLhs() ? 2 : 1);
}

WeightPlaces::WeightPlaces(const WeightedProduct &product) {
  ArrayRef<int64_t> shape = tensorType(product.constant()).getShape();
  if (auto conv = dyn_cast<ConvOp>(product.op)) { // [outputs, channels / group, taps..]
    groups = conv.getGroup();
    channelStride = computeProduct(shape.drop_front(2));
    outputStride = shape[1] * channelStride;
  } else {
    channelStride = product.outputAxis == 0 ? 1 : shape[1];
    outputStride = product.outputAxis == 0 ? shape[1] : 1;
  }
  perGroup = shape[size_t(1 - product.outputAxis)];
  outputsPerGroup = shape[size_t(product.outputAxis)] / groups;
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

ConstantOp recurrenceMatrices(Operation *op) {
  constexpr int64_t fewest = 1 << 10; // elements
  auto cell = dyn_cast<RecurrentOp>(op);
  auto constant = cell ? cell.getRecurrence().getDefiningOp<ConstantOp>() : ConstantOp();
  if (!constant || !tensorType(constant).getElementType().isF32() || tensorType(constant).getNumElements() < fewest)
    return {};
  return constant;
}

ConstantOp quantizableWeights(Operation *op) {
  if (auto product = WeightedProduct::of(op))
    return product->constant();
  ConstantOp table = lookedUpTable(op);
  return table ? table : recurrenceMatrices(op);
}

std::string reasonAgainstIntegerWeights(MatmulOp matmul) {
  constexpr int64_t leastDepth = 32, leastColumns = 16; // smaller matrices are read in no time
  unsigned depthAxis = matmul.getTransRhs() ? 1 : 0;
  RankedTensorType type = tensorType(matmul.getRhs());
  if (type.getRank() != 2 || !type.hasStaticShape() || matmul.getTransLhs() ||
      tensorType(matmul.getLhs()).getRank() != tensorType(matmul.getOutput()).getRank())
    return "the product is none of rows with one matrix";
  bool isSmall = type.getDimSize(depthAxis) < leastDepth || type.getDimSize(1 - depthAxis) < leastColumns;
  return isSmall ? "the matrix is small" : "";
}

} // namespace lathe::nn
