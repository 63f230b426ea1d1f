// Geometry of channels-last convolutions and pools with one or two spatial axes; one axis is seen as a picture of height 1.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

/// Attributes of a window operation, always two spatial axes (height, width).
struct WindowShape {
  int64_t kernel[2] = {1, 1}, stride[2] = {1, 1}, padBegin[2] = {0, 0}, padEnd[2] = {0, 0}, dilation[2] = {1, 1};
  int64_t taps() const { return kernel[0] * kernel[1]; }
  /// Windows of one element that read each element once.
  bool isPointwise() const;
  bool hasPadding = false;
};

/// nullopt: more than two spatial axes.
std::optional<WindowShape> windowOf(nn::ConvOp op);
std::optional<WindowShape> windowOf(nn::PoolOp op);

/// The convolution that a kernel is made around, and the position of its filter among the kernel's inputs.
struct ConvRoot {
  nn::ConvOp op;
  unsigned filter;
};
/// nullopt: `kernelOp` is not a channels-last f32 convolution of one or two spatial axes, with a constant filter and at most
/// element-wise operations after it, or the target has no vectors for it.
std::optional<ConvRoot> convRootOf(mlir::Operation *kernelOp, llvm::ArrayRef<bool> isConstant, const Target &target);

/// Each output channel reads one input channel of its own.
bool isDepthwise(nn::ConvOp op);

/// Sizes (i64 values) of a channels-last picture.
struct PictureSize {
  mlir::Value images, height, width, channels;
  static PictureSize of(EmitContext &context, mlir::Value tensor);
};

} // namespace lathe::x86
