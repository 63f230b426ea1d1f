#include "backends/x86/Window.h"
#include "backends/x86/Contraction.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
/// Copies attributes of `axes` spatial axes to the last ones of two.
void set(int64_t (&out)[2], ArrayRef<int64_t> values, size_t axes) {
  for (size_t axis = 0; axis < axes; ++axis)
    out[2 - axes + axis] = values[axis];
}

std::optional<WindowShape> windowOf(ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides, ArrayRef<int64_t> pads,
                                    ArrayRef<int64_t> dilations) {
  if (kernel.empty() || kernel.size() > 2)
    return std::nullopt;
  WindowShape window;
  set(window.kernel, kernel, kernel.size());
  set(window.stride, strides, kernel.size());
  set(window.padBegin, pads, kernel.size());
  set(window.padEnd, pads.drop_front(kernel.size()), kernel.size());
  set(window.dilation, dilations, kernel.size());
  window.hasPadding = llvm::any_of(pads, [](int64_t pad) { return pad != 0; });
  return window;
}
} // namespace

bool WindowShape::isPointwise() const { return taps() == 1 && stride[0] == 1 && stride[1] == 1 && !hasPadding; }

std::optional<WindowShape> windowOf(nn::ConvOp op) {
  auto filter = tensorType(op.getFilter());
  if (!filter.hasStaticShape())
    return std::nullopt;
  return windowOf(filter.getShape().drop_front(2), op.getStrides(), op.getPads(), op.getDilations());
}

std::optional<WindowShape> windowOf(nn::PoolOp op) {
  return windowOf(op.getKernel(), op.getStrides(), op.getPads(), op.getDilations());
}

std::optional<ConvRoot> convRootOf(Operation *kernelOp, ArrayRef<bool> isConstant, const Target &target) {
  SmallVector<Operation *> operations = bodyOperations(kernelOp);
  auto root = contractionRoot<nn::ConvOp>(operations);
  if (!root || !isFloat32(root) || !root.getChannelsLast() || !isEpilogue(operations, root) ||
      target.vectorBits() < 256 || !windowOf(root))
    return std::nullopt;
  auto filter = inputIndex(kernelOp, root.getFilter());
  if (!filter || !isConstant[*filter] || !inputIndex(kernelOp, root.getInput()) ||
      (root.getBias() && !inputIndex(kernelOp, root.getBias())))
    return std::nullopt;
  return ConvRoot{root, *filter};
}

bool isDepthwise(nn::ConvOp op) {
  RankedTensorType filter = tensorType(op.getFilter());
  return filter.getDimSize(1) == 1 && int64_t(op.getGroup()) == filter.getDimSize(0);
}

PictureSize PictureSize::of(EmitContext &context, Value tensor) {
  Values dims = context.dims(tensor);
  if (dims.size() == 3)
    return {dims[0], context.index(1), dims[1], dims[2]};
  return {dims[0], dims[1], dims[2], dims[3]};
}

} // namespace lathe::x86
