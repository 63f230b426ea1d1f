// Constraints of pooling, transposed convolution and resize, whose result sizes stand in their type.
#include "dialects/nn/NNCheck.h"

using namespace mlir;

namespace lathe::nn {

namespace {

LogicalResult verifyRanks(Operation *op, StringRef label, Value input, Value output, int64_t least) {
  if (failed(checkSymbolic(op->getLoc(), {input, output})))
    return failure();
  if (rankOf(input) == rankOf(output) && rankOf(input) >= least)
    return success();
  return op->emitOpError(label) << ": expects equal ranks of " << least << " or more, got " << rankOf(input) << " and "
                                << rankOf(output);
}

/// Batch and channels pass through a pooling.
LogicalResult verifyPassThrough(Operation *op, StringRef label, Value input, Value output, bool channelsLast) {
  DimExprs in = dimsOf(input), out = dimsOf(output);
  size_t channel = channelsLast ? in.size() - 1 : 1;
  if (mayBeEqual(in[0], out[0]) && mayBeEqual(in[channel], out[channel]))
    return success();
  return op->emitOpError(label) << ": expects batch and channels to pass through, got " << input.getType() << " and "
                                << output.getType();
}

} // namespace

LogicalResult PoolOp::verify() {
  WindowAttrs window{getKernel(), getStrides(), getPads(), getDilations()};
  if (failed(verifyRanks(*this, "C3", getInput(), getOutput(), 3)) ||
      failed(checkWindowLengths(getLoc(), "nn.pool C1", window, rankOf(getInput()) - 2)) ||
      failed(checkWindowPositive(getLoc(), "nn.pool C2", window)) ||
      failed(verifyPassThrough(*this, "C3", getInput(), getOutput(), getChannelsLast())))
    return failure();
  if (elementType(getInput()) != elementType(getOutput()))
    return emitOpError("C4: expects result element type ")
           << elementType(getInput()) << ", got " << elementType(getOutput());
  if (getKind() != PoolKind::pool_max && !isFloat(elementType(getInput())))
    return emitOpError("C4: expects a floating-point element type, got ") << elementType(getInput());
  return success();
}

LogicalResult MaxPoolIndicesOp::verify() {
  WindowAttrs window{getKernel(), getStrides(), getPads(), getDilations()};
  if (failed(verifyRanks(*this, "C3", getInput(), getOutput(), 3)) ||
      failed(checkWindowLengths(getLoc(), "nn.max_pool_indices C1", window, rankOf(getInput()) - 2)) ||
      failed(checkWindowPositive(getLoc(), "nn.max_pool_indices C2", window)) ||
      failed(verifyPassThrough(*this, "C3", getInput(), getOutput(), false)))
    return failure();
  if (!elementType(getOutput()).isSignlessInteger(64))
    return emitOpError("C4: expects an i64 result, got ") << elementType(getOutput());
  return success();
}

namespace {
LogicalResult verifyTransposedChannels(ConvTransposeOp op, AffineExpr expected) {
  DimExprs output = dimsOf(op.getOutput());
  AffineExpr found = op.getChannelsLast() ? output.back() : output[1];
  if (!mayBeEqual(found, simplifyDim(expected)))
    return op.emitOpError("C6: expects the result to have ")
           << *constantDim(simplifyDim(expected)) << " channels, got " << *constantDim(found);
  Value bias = op.getBias();
  if (!bias ||
      (rankOf(bias) == 1 && mayBeEqual(dimsOf(bias)[0], found) && elementType(bias) == elementType(op.getInput())))
    return success();
  return op.emitOpError("C7: expects bias to have one entry per output channel, got ") << bias.getType();
}
} // namespace

LogicalResult ConvTransposeOp::verify() {
  if (failed(verifyRanks(*this, "C1", getInput(), getOutput(), 3)))
    return failure();
  if (rankOf(getFilter()) != rankOf(getInput()))
    return emitOpError("C1: expects a filter of rank ") << rankOf(getInput()) << ", got " << rankOf(getFilter());
  DimExprs filter = dimsOf(getFilter()), input = dimsOf(getInput());
  SmallVector<int64_t> kernel = staticSizes(ArrayRef(filter).drop_front(2));
  WindowAttrs window{kernel, getStrides(), getPads(), getDilations()};
  if (failed(checkWindowLengths(getLoc(), "nn.conv_transpose C2", window, kernel.size())) ||
      failed(checkWindowPositive(getLoc(), "nn.conv_transpose C2", window)))
    return failure();
  AffineExpr channels = getChannelsLast() ? input.back() : input[1];
  int64_t group = getGroup();
  auto count = constantDim(filter[0]);
  if (group <= 0 || (count && *count % group) || !mayBeEqual(channels, filter[0]))
    return emitOpError("C3: expects input channels to be the filter's first axis, a multiple of group ")
           << group << ", got " << getInput().getType() << " and " << getFilter().getType();
  if (elementType(getFilter()) != elementType(getInput()) || elementType(getOutput()) != elementType(getInput()))
    return emitOpError("C4: expects one element type");
  if (llvm::any_of(kernel, ShapedType::isDynamic))
    return emitOpError("C5: expects kernel sizes to be static, got ") << getFilter().getType();
  return verifyTransposedChannels(*this, filter[1] * group);
}

LogicalResult ResizeOp::verify() {
  if (failed(verifyRanks(*this, "C1", getInput(), getOutput(), 1)))
    return failure();
  int64_t rank = rankOf(getInput());
  if (int64_t(getScales().size()) != rank)
    return emitOpError("C2: expects ") << rank << " scales, got " << getScales().size();
  if (!getRoi().empty() && int64_t(getRoi().size()) != 2 * rank)
    return emitOpError("C3: expects roi to be empty or to have ") << 2 * rank << " entries, got " << getRoi().size();
  if (getCoordinates() == CoordinateMode::tf_crop_and_resize && getRoi().empty())
    return emitOpError("C3: expects roi with tf_crop_and_resize");
  Type from = elementType(getInput()), to = elementType(getOutput());
  if (from != to || isBool(from))
    return emitOpError("C4: expects one element type of numbers, got ") << from << " and " << to;
  return success();
}

} // namespace lathe::nn
