//===- ValidateLibrary.cpp - checks of library calls ----------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/artifact/ValidateLibrary.h"

#include "runtime/src/library/LibraryCall.h"
#include "runtime/src/library/LibrarySteps.h"
#include "runtime/src/support/Error.h"

namespace lathe::runtime {
namespace {

using artifact::LibraryStepKind;

[[noreturn]] void damaged(const std::string &what) {
  fail(LATHE_BAD_ARTIFACT, "damaged manifest: a library's kernel has {}", what);
}

/// More would overflow products of sizes.
constexpr int64_t mostSize = 1 << 30;
constexpr double mostElements = 1e13;

void checkSize(const char *what, int64_t size) {
  if (size < 1 || size > mostSize)
    damaged(fmt::format("{} {}", what, size));
}

/// One axis: each window begins in the padding or in the picture, and none
/// lies in the padding alone.
void checkAxis(int64_t input, int64_t output, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad) {
  for (int64_t size : {input, output, kernel, stride, dilation})
    checkSize("size", size);
  if (pad < 0 || pad > (kernel - 1) * dilation || (output - 1) * stride - pad >= input)
    damaged("windows outside the picture");
}

void checkProduct(const artifact::LibraryKernel &kernel) {
  bool hasRows = kernel.images() == 1 && kernel.groups() == 1 && kernel.input()->width() == 1 &&
                 kernel.output()->width() == 1 && kernel.input()->height() == kernel.output()->height() &&
                 kernel.kernel()->height() == 1 && kernel.kernel()->width() == 1 && kernel.stride()->height() == 1;
  if (!hasRows)
    damaged("a product with windows");
}

void checkElements(const artifact::LibraryKernel &kernel) {
  auto size = [](const artifact::Plane &plane) { return double(plane.height()) * double(plane.width()); };
  double channels = double(kernel.in_channels()) * double(kernel.out_channels());
  if (double(kernel.images()) * size(*kernel.input()) * double(kernel.in_channels()) > mostElements ||
      double(kernel.images()) * size(*kernel.output()) * double(kernel.out_channels()) > mostElements ||
      channels * size(*kernel.kernel()) > mostElements)
    damaged("too large tensors");
}

/// A matter of memory: a primitive is made for each kind of piece.
void checkRows(const artifact::LibraryKernel &kernel) {
  checkSize("rows per task", kernel.rows());
  if (kernel.rows() > kernel.output()->height())
    damaged("more rows per task than there are");
}

/// Bytes are what the last step gives; zero points are bytes.
void checkSteps(const artifact::LibraryKernel &kernel) {
  for (uint32_t i = 0; kernel.steps() && i < kernel.steps()->size(); ++i) {
    const artifact::LibraryStep &step = *kernel.steps()->Get(i);
    if (step.kind() > LibraryStepKind::Quantize)
      damaged(fmt::format("an unknown step {}", static_cast<int>(step.kind())));
    if (step.kind() == LibraryStepKind::Quantize && i + 1 < kernel.steps()->size())
      damaged("steps behind a quantization");
    int32_t least = step.is_signed() ? -128 : 0;
    if (step.zero() < least || step.zero() > least + 255)
      damaged(fmt::format("a zero point {}", step.zero()));
  }
}

void checkIntegers(const artifact::LibraryKernel &kernel) {
  if (kernel.is_integer() ? kernel.bias_arg().has_value() : kernel.zero_arg().has_value())
    damaged(kernel.is_integer() ? "integers with a bias" : "numbers with a zero point");
}

} // namespace

void checkLibraryKernel(const artifact::LibraryKernel &kernel) {
  if (kernel.library()->string_view() != "onednn")
    damaged(fmt::format("an unknown library '{}'", kernel.library()->c_str()));
  checkSize("images", kernel.images());
  checkSize("groups", kernel.groups());
  checkSize("input channels", kernel.in_channels());
  checkSize("output channels", kernel.out_channels());
  if (kernel.in_channels() % kernel.groups() || kernel.out_channels() % kernel.groups())
    damaged("channels that are no multiple of its groups");
  checkAxis(kernel.input()->height(), kernel.output()->height(), kernel.kernel()->height(), kernel.stride()->height(),
            kernel.dilation()->height(), kernel.pad()->height());
  checkAxis(kernel.input()->width(), kernel.output()->width(), kernel.kernel()->width(), kernel.stride()->width(),
            kernel.dilation()->width(), kernel.pad()->width());
  checkElements(kernel);
  checkRows(kernel);
  if (kernel.is_product())
    checkProduct(kernel);
  else if (kernel.is_transposed())
    damaged("a transposed filter");
  checkIntegers(kernel);
  checkSteps(kernel);
}

void checkLibraryArgs(const artifact::LibraryKernel &kernel, const artifact::Call &call,
                      const artifact::Manifest &manifest, const artifact::Program &program) {
  uint32_t count = call.args() ? call.args()->size() : 0;
  std::vector<LibraryTensor> tensors = libraryTensors(kernel, count);
  for (size_t i = 0; i < tensors.size(); ++i)
    if (count == 0 || tensors[i].arg >= count - (i + 1 < tensors.size()))
      damaged(fmt::format("argument {} of {}", tensors[i].arg, count));
  if (call.rounds())
    damaged("rounds");
  const artifact::Buffer &weights = *program.buffers()->Get(call.args()->Get(kernel.weights_arg()));
  if (weights.kind() != artifact::BufferKind::Weights ||
      tensors[1].bytes > manifest.weights()->Get(weights.index())->size() - weights.offset())
    damaged("weights outside their segment");
}

} // namespace lathe::runtime
