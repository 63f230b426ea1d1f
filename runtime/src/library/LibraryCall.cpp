//===- LibraryCall.cpp - a call that a library computes -------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/library/LibraryCall.h"

#include "lathe/artifact.h"
#include "runtime/src/library/LibrarySteps.h"
#include "runtime/src/support/Error.h"

#include <algorithm>

namespace lathe::runtime {

std::vector<LibraryTensor> libraryTensors(const artifact::LibraryKernel &kernel, uint32_t argCount) {
  auto count = [](auto... sizes) { return (uint64_t(1) * ... * static_cast<uint64_t>(sizes)); };
  const uint64_t operand = kernel.is_integer() ? 1 : sizeof(float);
  uint64_t result = count(kernel.images(), kernel.output()->height(), kernel.output()->width(), kernel.out_channels());
  std::vector<LibraryTensor> tensors = {
      {kernel.input_arg(),
       operand * count(kernel.images(), kernel.input()->height(), kernel.input()->width(), kernel.in_channels())},
      {kernel.weights_arg(), operand * count(kernel.out_channels(), kernel.in_channels() / kernel.groups(),
                                             kernel.kernel()->height(), kernel.kernel()->width())}};
  if (kernel.bias_arg())
    tensors.push_back({*kernel.bias_arg(), sizeof(float) * count(kernel.out_channels())});
  if (kernel.zero_arg())
    tensors.push_back({*kernel.zero_arg(), 1});
  StepTensor tensor{};
  for (uint32_t i = 0; kernel.steps() && i < kernel.steps()->size(); ++i)
    if (readsTensor(kernel, *kernel.steps()->Get(i), result, tensor))
      tensors.push_back({tensor.arg, tensor.elements * tensor.size});
  tensors.push_back({argCount - 1, result * (givesBytes(kernel) ? 1 : sizeof(float))});
  return tensors;
}

//===----------------------------------------------------------------------===//
// Handles
//===----------------------------------------------------------------------===//

static void check(OneDnn::Status status) {
  if (status != 0)
    fail(LATHE_INCOMPATIBLE, "oneDNN refuses a convolution or product of the model (status {})", status);
}

template <typename Create>
LibraryCall::Owned LibraryCall::make(OneDnn::Status (*destroy)(void *), Create create) const {
  void *handle = nullptr;
  check(create(&handle));
  return {handle, destroy};
}

LibraryCall::Owned LibraryCall::layout(int type, std::initializer_list<int64_t> dims,
                                       std::initializer_list<int64_t> strides) const {
  return make(dnn->layoutDestroy, [&](void **out) {
    return dnn->layoutCreate(out, static_cast<int>(dims.size()), dims.begin(), type, strides.begin());
  });
}

LibraryCall::Owned LibraryCall::anyLayout(const std::vector<int64_t> &dims) const {
  return make(dnn->layoutDestroy, [&](void **out) {
    return dnn->layoutCreateByTag(out, static_cast<int>(dims.size()), dims.data(), weightsType(), OneDnn::layoutAny);
  });
}

int LibraryCall::weightsType() const { return kernel.is_integer() ? OneDnn::typeS8 : OneDnn::typeF32; }

LibraryCall::Owned LibraryCall::memory(const void *layout, const void *data) const {
  return make(dnn->memoryDestroy,
              [&](void **out) { return dnn->memoryCreate(out, layout, engine.get(), const_cast<void *>(data)); });
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

std::vector<int64_t> LibraryCall::weightsDims() const {
  if (kernel.is_product())
    return {kernel.in_channels(), kernel.out_channels()};
  int64_t groups = kernel.groups();
  std::vector<int64_t> dims = {kernel.out_channels() / groups, kernel.in_channels() / groups, kernel.kernel()->height(),
                               kernel.kernel()->width()};
  if (groups > 1)
    dims.insert(dims.begin(), groups);
  return dims;
}

/// As the weights are in the file.
LibraryCall::Owned LibraryCall::weightsLayout() const {
  std::vector<int64_t> dims = weightsDims(), strides(dims.size(), 1);
  for (size_t i = dims.size() - 1; i > 0; --i)
    strides[i - 1] = strides[i] * dims[i];
  if (kernel.is_transposed())
    strides = {1, dims[0]};
  return make(dnn->layoutDestroy, [&](void **out) {
    return dnn->layoutCreate(out, static_cast<int>(dims.size()), dims.data(), weightsType(), strides.data());
  });
}

/// Number of the weights in this layout; packed unless they are there.
size_t LibraryCall::pack(const void *wanted, const void *weights) {
  for (size_t i = 0; i < packed.size(); ++i)
    if (dnn->layoutEqual(packed[i].layout.get(), wanted))
      return i;
  constexpr size_t line = LATHE_BUFFER_ALIGNMENT;
  size_t bytes = (dnn->layoutBytes(wanted) + line - 1) / line * line;
  Packed entry{
      make(dnn->layoutDestroy, [&](void **out) { return dnn->layoutClone(out, wanted); }), {}, nullptr, weightsBytes};
  if (weights) {
    bytes += line;
    entry.memory.resize(bytes / sizeof(float));
    float *begin = entry.memory.data();
    entry.data = begin + (line - reinterpret_cast<uintptr_t>(begin) % line) % line / sizeof(float);
    fill(entry, weights);
  }
  weightsBytes += bytes;
  packed.push_back(std::move(entry));
  return packed.size() - 1;
}

void LibraryCall::fill(Packed &room, const void *weights) const {
  Owned from = weightsLayout();
  const void *wanted = room.layout.get();
  Owned description = make(dnn->descriptionDestroy, [&](void **out) {
    return dnn->reorderCreate(out, from.get(), engine.get(), wanted, engine.get(), nullptr);
  });
  Owned reorder = make(dnn->primitiveDestroy, [&](void **out) { return dnn->primitiveCreate(out, description.get()); });
  Owned stream =
      make(dnn->streamDestroy, [&](void **out) { return dnn->streamCreate(out, engine.get(), OneDnn::streamInOrder); });
  Owned source = memory(from.get(), weights), target = memory(wanted, room.data);
  OneDnn::Argument arguments[] = {{OneDnn::argSource, source.get()}, {OneDnn::argTarget, target.get()}};
  check(dnn->primitiveExecute(reorder.get(), stream.get(), 2, arguments));
  check(dnn->streamWait(stream.get()));
}

//===----------------------------------------------------------------------===//
// Primitives
//===----------------------------------------------------------------------===//

LibraryCall::LibraryCall(std::shared_ptr<const OneDnn> library, const artifact::LibraryKernel &kernel,
                         uint32_t resultArg, const void *weights)
    : dnn(std::move(library)), kernel(kernel), resultArg(resultArg), engine(nullptr, dnn->engineDestroy),
      biasLayout(nullptr, dnn->layoutDestroy), zeroLayout(nullptr, dnn->layoutDestroy) {
  if (!__builtin_cpu_supports("avx2"))
    fail(LATHE_INCOMPATIBLE, "calls of oneDNN need a CPU with AVX2");
  OnOneThread alone(*dnn);
  engine = make(dnn->engineDestroy, [&](void **out) { return dnn->engineCreate(out, OneDnn::engineCpu, 0); });
  if (kernel.bias_arg())
    biasLayout = kernel.is_product() ? layout(OneDnn::typeF32, {1, kernel.out_channels()}, {kernel.out_channels(), 1})
                                     : layout(OneDnn::typeF32, {kernel.out_channels()}, {1});
  if (kernel.zero_arg())
    zeroLayout = layout(OneDnn::typeS32, {1}, {1});
  for (int64_t row = 0; row < kernel.output()->height(); row += kernel.rows()) {
    Piece piece = pieceAt(row);
    if (std::none_of(primitives.begin(), primitives.end(), [&](const Primitive &p) { return p.piece.isLike(piece); }))
      makePrimitive(piece, weights);
  }
  if (!givesBytes(kernel))
    return;
  constexpr uint64_t line = LATHE_BUFFER_ALIGNMENT;
  sumsOffset = (mostScratch + line - 1) / line * line;
  mostScratch = sumsOffset + sizeof(float) * static_cast<uint64_t>(pixelsOf(kernel.rows()) * kernel.out_channels());
}

int64_t LibraryCall::pixelsOf(int64_t rows) const { return rows * kernel.output()->width(); }

bool LibraryCall::Piece::isLike(const Piece &other) const {
  return rows == other.rows && inputRows == other.inputRows && padTop == other.padTop && padBottom == other.padBottom;
}

/// First element past a window, along one axis.
static int64_t extent(int64_t kernel, int64_t dilation) { return (kernel - 1) * dilation + 1; }

LibraryCall::Piece LibraryCall::pieceAt(int64_t firstRow) const {
  int64_t rows = std::min(kernel.rows(), kernel.output()->height() - firstRow);
  int64_t begin = firstRow * kernel.stride()->height() - kernel.pad()->height();
  int64_t end =
      begin + (rows - 1) * kernel.stride()->height() + extent(kernel.kernel()->height(), kernel.dilation()->height());
  int64_t first = std::max<int64_t>(begin, 0), last = std::min(end, kernel.input()->height());
  return {rows, first, last - first, first - begin, end - last};
}

const LibraryCall::Primitive &LibraryCall::primitiveOf(const Piece &piece) const {
  return *std::find_if(primitives.begin(), primitives.end(), [&](const Primitive &p) { return p.piece.isLike(piece); });
}

LibraryCall::Owned LibraryCall::describe(const Piece &piece, const void *source, const void *target,
                                         const void *attributes) const {
  Owned weights = anyLayout(weightsDims());
  if (kernel.is_product())
    return make(dnn->descriptionDestroy, [&](void **out) {
      return dnn->matmulCreate(out, engine.get(), source, weights.get(), biasLayout.get(), target, attributes);
    });
  const artifact::Plane &stride = *kernel.stride(), &dilation = *kernel.dilation();
  int64_t lastColumn = (kernel.output()->width() - 1) * stride.width() - kernel.pad()->width() +
                       extent(kernel.kernel()->width(), dilation.width());
  int64_t strides[] = {stride.height(), stride.width()};
  int64_t dilations[] = {dilation.height() - 1, dilation.width() - 1};
  int64_t padBegin[] = {piece.padTop, kernel.pad()->width()};
  int64_t padEnd[] = {piece.padBottom, std::max<int64_t>(0, lastColumn - kernel.input()->width())};
  return make(dnn->descriptionDestroy, [&](void **out) {
    return dnn->convolutionCreate(out, engine.get(), OneDnn::forwardInference, OneDnn::convolutionDirect, source,
                                  weights.get(), biasLayout.get(), target, strides, dilations, padBegin, padEnd,
                                  attributes);
  });
}

void LibraryCall::makePrimitive(const Piece &piece, const void *weights) {
  auto picture = [&](int type, int64_t height, int64_t width, int64_t channels) {
    return kernel.is_product()
               ? layout(type, {height, channels}, {channels, 1})
               : layout(type, {1, channels, height, width}, {height * width * channels, 1, width * channels, channels});
  };
  int sourceType = kernel.is_integer() ? OneDnn::typeU8 : OneDnn::typeF32;
  Owned source = picture(sourceType, piece.inputRows, kernel.input()->width(), kernel.in_channels());
  Owned target = picture(OneDnn::typeF32, piece.rows, kernel.output()->width(), kernel.out_channels());
  Owned attributes = make(dnn->attributesDestroy, [&](void **out) { return dnn->attributesCreate(out); });
  check(dnn->attributesSetScratchpad(attributes.get(), OneDnn::scratchpadUser));
  if (kernel.zero_arg())
    check(dnn->attributesSetZeroPoints(attributes.get(), OneDnn::argSource, 0));
  Owned description = describe(piece, source.get(), target.get(), attributes.get());
  size_t number = pack(dnn->descriptionLayout(description.get(), OneDnn::queryWeights, 0), weights);
  const void *wanted = dnn->descriptionLayout(description.get(), OneDnn::queryScratchpad, 0);
  Owned scratchpad = make(dnn->layoutDestroy, [&](void **out) { return dnn->layoutClone(out, wanted); });
  mostScratch = std::max<uint64_t>(mostScratch, dnn->layoutBytes(wanted));
  Owned primitive =
      make(dnn->primitiveDestroy, [&](void **out) { return dnn->primitiveCreate(out, description.get()); });
  primitives.push_back(
      {piece, std::move(source), std::move(target), std::move(scratchpad), std::move(primitive), number});
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

static int64_t piecesOf(const artifact::LibraryKernel &kernel) {
  return (kernel.output()->height() + kernel.rows() - 1) / kernel.rows();
}

int64_t LibraryCall::tasks() const { return kernel.images() * piecesOf(kernel); }

int32_t LibraryCall::run(void *const *args, int64_t taskBegin, int64_t taskEnd, void *scratch) const try {
  OnOneThread alone(*dnn);
  Owned stream =
      make(dnn->streamDestroy, [&](void **out) { return dnn->streamCreate(out, engine.get(), OneDnn::streamInOrder); });
  for (int64_t task = taskBegin; task < taskEnd; ++task)
    if (int32_t code = runTask(args, task, stream.get(), scratch))
      return code;
  return LATHE_KERNEL_OK;
} catch (...) {
  return LATHE_KERNEL_LIBRARY_FAILED;
}

int32_t LibraryCall::runTask(void *const *args, int64_t task, void *stream, void *scratch) const {
  int64_t pieces = piecesOf(kernel), image = task / pieces, row = task % pieces * kernel.rows();
  const artifact::Plane &in = *kernel.input(), &out = *kernel.output();
  Piece piece = pieceAt(row);
  int64_t read = (image * in.height() + piece.inputBegin) * in.width() * kernel.in_channels();
  int64_t written = (image * out.height() + row) * out.width() * kernel.out_channels();
  float *sums = givesBytes(kernel) ? reinterpret_cast<float *>(static_cast<char *>(scratch) + sumsOffset)
                                   : static_cast<float *>(args[resultArg]) + written;
  const char *source = static_cast<const char *>(args[kernel.input_arg()]);
  source += read * static_cast<int64_t>(kernel.is_integer() ? 1 : sizeof(float));
  if (execute(primitiveOf(piece), args, source, sums, scratch, stream))
    return LATHE_KERNEL_LIBRARY_FAILED;
  applySteps(kernel, args, sums, args[resultArg], written, pixelsOf(piece.rows) * kernel.out_channels());
  return LATHE_KERNEL_OK;
}

/// Memory objects have state, so each task makes its own.
OneDnn::Status LibraryCall::execute(const Primitive &primitive, void *const *args, const void *source, float *target,
                                    void *scratch, void *stream) const {
  const Packed &weights = packed[primitive.packed];
  const void *data = weights.data ? static_cast<const void *>(weights.data)
                                  : static_cast<const char *>(args[kernel.weights_arg()]) + weights.offsetBytes;
  Owned from = memory(primitive.source.get(), source), to = memory(primitive.target.get(), target);
  Owned filter = memory(weights.layout.get(), data);
  Owned spare = memory(primitive.scratchpad.get(), scratch);
  Owned added(nullptr, dnn->memoryDestroy), shift(nullptr, dnn->memoryDestroy);
  std::vector<OneDnn::Argument> arguments = {{OneDnn::argSource, from.get()},
                                             {OneDnn::argTarget, to.get()},
                                             {OneDnn::argWeights, filter.get()},
                                             {OneDnn::argScratchpad, spare.get()}};
  if (kernel.bias_arg()) {
    added = memory(biasLayout.get(), args[*kernel.bias_arg()]);
    arguments.push_back({OneDnn::argBias, added.get()});
  }
  int32_t zero = kernel.zero_arg() ? *static_cast<const uint8_t *>(args[*kernel.zero_arg()]) : 0;
  if (kernel.zero_arg()) {
    shift = memory(zeroLayout.get(), &zero);
    arguments.push_back({OneDnn::argZeroPoints | OneDnn::argSource, shift.get()});
  }
  if (OneDnn::Status status = dnn->primitiveExecute(primitive.primitive.get(), stream,
                                                    static_cast<int>(arguments.size()), arguments.data()))
    return status;
  return dnn->streamWait(stream);
}

} // namespace lathe::runtime
