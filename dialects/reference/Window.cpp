// Convolution, transposed convolution and pooling, in both layouts.
#include "dialects/reference/Kernels.h"

using namespace mlir;
using lathe::nn::PoolKind;

namespace lathe::reference {

namespace {

/// An image tensor seen as batch, channels and spatial axes, with strides.
struct Image {
  int64_t batch, channels, batchStride, channelStride;
  SmallVector<int64_t> sizes, strides;

  Image(const Tensor &tensor, bool channelsLast) {
    SmallVector<int64_t> all = rowMajorStrides(tensor.shape());
    size_t channel = channelsLast ? all.size() - 1 : 1, first = channelsLast ? 1 : 2;
    batch = tensor.dim(0);
    channels = tensor.dim(int64_t(channel));
    batchStride = all[0];
    channelStride = all[channel];
    for (size_t axis = first; axis < first + all.size() - 2; ++axis) {
      sizes.push_back(tensor.dim(int64_t(axis)));
      strides.push_back(all[axis]);
    }
  }
  int64_t offset(ArrayRef<int64_t> index) const {
    int64_t sum = 0;
    for (auto [i, stride] : llvm::zip(index, strides))
      sum += i * stride;
    return sum;
  }
};

struct Window {
  ArrayRef<int64_t> kernel, strides, pads, dilations;
};

/// One element of a window: where it lies in the input and which kernel element it meets.
struct Tap {
  int64_t inputOffset, kernelIndex;
};

/// Elements of the window at `at` that lie inside the input; `padded` counts those inside the padded input.
void collectTaps(const Image &input, const Window &window, ArrayRef<int64_t> at, std::vector<Tap> &taps,
                 int64_t &padded) {
  taps.clear();
  padded = 0;
  int64_t kernelIndex = 0;
  forEachIndex(window.kernel, [&](ArrayRef<int64_t> k) {
    bool isInside = true, isPadded = true;
    int64_t offset = 0;
    for (size_t axis = 0; axis < k.size(); ++axis) {
      int64_t i = at[axis] * window.strides[axis] - window.pads[axis] + k[axis] * window.dilations[axis];
      isInside &= i >= 0 && i < input.sizes[axis];
      isPadded &= i < input.sizes[axis] + window.pads[axis + k.size()];
      offset += i * input.strides[axis];
    }
    padded += isPadded;
    if (isInside)
      taps.push_back({offset, kernelIndex});
    ++kernelIndex;
  });
}

int64_t product(ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes)
    result *= size;
  return result;
}

template <typename T> using Sum = std::conditional_t<isFloatType<T>, double, uint64_t>;

/// All channels of one output position.
template <typename T>
void convolveAt(const T *in, const Image &input, const T *filter, ArrayRef<int64_t> filterShape, const T *bias,
                int64_t group, ArrayRef<Tap> taps, T *out, int64_t outStride) {
  int64_t kernelSize = product(filterShape.drop_front(2)), depth = filterShape[1], perGroup = filterShape[0] / group;
  for (int64_t m = 0; m < filterShape[0]; ++m) {
    Sum<T> sum = bias ? Sum<T>(bias[m]) : Sum<T>(0);
    const T *weights = filter + m * depth * kernelSize, *channels = in + m / perGroup * depth * input.channelStride;
    for (int64_t c = 0; c < depth; ++c)
      for (const Tap &tap : taps)
        sum += Sum<T>(channels[c * input.channelStride + tap.inputOffset]) *
               Sum<T>(weights[c * kernelSize + tap.kernelIndex]);
    out[m * outStride] = T(sum);
  }
}

template <typename T> Tensor convolve(nn::ConvOp op, const Args &args) {
  Tensor output = args.allocate();
  Image input(args[0], op.getChannelsLast()), result(output, op.getChannelsLast());
  Window window{args[1].shape().drop_front(2), op.getStrides(), op.getPads(), op.getDilations()};
  const T *bias = args.operands.size() > 2 ? args[2].data<T>() : nullptr;
  std::vector<Tap> taps;
  int64_t padded;
  forEachIndex(result.sizes, [&](ArrayRef<int64_t> at) {
    collectTaps(input, window, at, taps, padded);
    for (int64_t n = 0; n < input.batch; ++n)
      convolveAt(args[0].data<T>() + n * input.batchStride, input, args[1].data<T>(), args[1].shape(), bias,
                 op.getGroup(), taps, output.mutableData<T>() + n * result.batchStride + result.offset(at),
                 result.channelStride);
  });
  return output;
}

/// Adds what one input position gives to all outputs it reaches; sums are wide, laid out as the output.
template <typename T>
void spreadFrom(nn::ConvTransposeOp op, const Args &args, const Image &input, const Image &result, int64_t n,
                ArrayRef<int64_t> from, std::vector<Sum<T>> &sums) {
  ArrayRef<int64_t> filterShape = args[1].shape(), kernel = filterShape.drop_front(2);
  int64_t kernelSize = product(kernel), width = filterShape[1], perGroup = input.channels / op.getGroup(),
          kernelIndex = -1;
  const T *in = args[0].data<T>() + n * input.batchStride + input.offset(from);
  forEachIndex(kernel, [&](ArrayRef<int64_t> k) {
    ++kernelIndex;
    int64_t offset = n * result.batchStride;
    for (size_t axis = 0; axis < k.size(); ++axis) {
      int64_t o = from[axis] * op.getStrides()[axis] - op.getPads()[axis] + k[axis] * op.getDilations()[axis];
      if (o < 0 || o >= result.sizes[axis])
        return;
      offset += o * result.strides[axis];
    }
    for (int64_t c = 0; c < input.channels; ++c)
      for (int64_t m = 0; m < width; ++m)
        sums[offset + (c / perGroup * width + m) * result.channelStride] +=
            Sum<T>(in[c * input.channelStride]) * Sum<T>(args[1].data<T>()[(c * width + m) * kernelSize + kernelIndex]);
  });
}

template <typename T> Tensor convolveTransposed(nn::ConvTransposeOp op, const Args &args) {
  Tensor output = args.allocate();
  Image input(args[0], op.getChannelsLast()), result(output, op.getChannelsLast());
  std::vector<Sum<T>> sums(size_t(output.size()), 0);
  for (int64_t n = 0; n < input.batch; ++n)
    forEachIndex(input.sizes, [&](ArrayRef<int64_t> from) { spreadFrom<T>(op, args, input, result, n, from, sums); });
  const T *bias = args.operands.size() > 2 ? args[2].data<T>() : nullptr;
  for (int64_t i = 0; i < output.size(); ++i) {
    int64_t channel = i / result.channelStride % result.channels;
    output.mutableData<T>()[i] = T(sums[i] + (bias ? Sum<T>(bias[channel]) : Sum<T>(0)));
  }
  return output;
}

template <typename T> T poolTaps(PoolKind kind, const T *in, ArrayRef<Tap> taps, int64_t divisor, double p) {
  if (kind == PoolKind::pool_max) {
    Wide<T> best = lowestValue<T>();
    for (const Tap &tap : taps)
      best = widen(in[tap.inputOffset]) > best || widen(in[tap.inputOffset]) != widen(in[tap.inputOffset])
                 ? widen(in[tap.inputOffset])
                 : best;
    return T(best);
  }
  double sum = 0;
  for (const Tap &tap : taps)
    sum += kind == PoolKind::pool_average ? double(in[tap.inputOffset])
                                          : std::pow(std::fabs(double(in[tap.inputOffset])), p);
  return T(kind == PoolKind::pool_average ? sum / double(divisor) : std::pow(sum, 1 / p));
}

template <typename T> Tensor pool(nn::PoolOp op, const Args &args) {
  Tensor output = args.allocate();
  Image input(args[0], op.getChannelsLast()), result(output, op.getChannelsLast());
  Window window{op.getKernel(), op.getStrides(), op.getPads(), op.getDilations()};
  std::vector<Tap> taps;
  int64_t padded;
  forEachIndex(result.sizes, [&](ArrayRef<int64_t> at) {
    collectTaps(input, window, at, taps, padded);
    int64_t divisor = op.getCountIncludePad() ? padded : int64_t(taps.size());
    for (int64_t n = 0; n < input.batch; ++n)
      for (int64_t c = 0; c < input.channels; ++c)
        output.mutableData<T>()[n * result.batchStride + c * result.channelStride + result.offset(at)] =
            poolTaps(op.getKind(), args[0].data<T>() + n * input.batchStride + c * input.channelStride, taps, divisor,
                     double(op.getP()));
  });
  return output;
}

/// Flat position of an element, with the last two spatial axes numbered column by column if wanted.
int64_t numberElement(const Image &input, int64_t plane, int64_t offset, bool columnMajor) {
  if (!columnMajor || input.sizes.size() < 2)
    return plane + offset;
  int64_t width = input.sizes.back(), height = input.sizes[input.sizes.size() - 2], area = width * height;
  int64_t row = offset % area / width, column = offset % width;
  return plane + offset / area * area + column * height + row;
}

template <typename T> Tensor maxIndices(nn::MaxPoolIndicesOp op, const Args &args) {
  Tensor output = args.allocate();
  Image input(args[0], false), result(output, false);
  Window window{op.getKernel(), op.getStrides(), op.getPads(), op.getDilations()};
  std::vector<Tap> taps;
  int64_t padded;
  forEachIndex(result.sizes, [&](ArrayRef<int64_t> at) {
    collectTaps(input, window, at, taps, padded);
    for (int64_t plane = 0; plane < input.batch * input.channels; ++plane) {
      const T *in = args[0].data<T>() + plane * input.channelStride;
      int64_t best = taps.empty() ? 0 : taps[0].inputOffset;
      for (const Tap &tap : taps)
        if (widen(in[tap.inputOffset]) > widen(in[best]))
          best = tap.inputOffset;
      output.mutableData<int64_t>()[plane * result.channelStride + result.offset(at)] =
          numberElement(input, plane * input.channelStride, best, op.getColumnMajor());
    }
  });
  return output;
}

} // namespace

Result evaluate(nn::ConvOp op, const Args &args) {
  if (args[0].elementType().isInteger(8)) {
    const Tensor *bias = args.optional(op, 2), *filterZero = args.optional(op, 4);
    SmallVector<int64_t> perFilter(args[1].rank(), 0);
    perFilter[0] = filterZero && filterZero->size() > 1;
    Tensors wide{centered(args[0], args.optional(op, 3), SmallVector<int64_t>(args[0].rank(), 0)),
                 centered(args[1], filterZero, perFilter)};
    if (bias)
      wide.push_back(*bias);
    return one(convolve<int32_t>(op, Args{wide, args.types, args.symbols}));
  }
  return one(dispatchNumber(args[0].elementType(), [&](auto tag) { return convolve<decltype(tag)>(op, args); }));
}

Result evaluate(nn::ConvTransposeOp op, const Args &args) {
  return one(
      dispatchNumber(args[0].elementType(), [&](auto tag) { return convolveTransposed<decltype(tag)>(op, args); }));
}

Result evaluate(nn::PoolOp op, const Args &args) {
  return one(dispatchNumber(args[0].elementType(), [&](auto tag) { return pool<decltype(tag)>(op, args); }));
}

Result evaluate(nn::MaxPoolIndicesOp op, const Args &args) {
  return one(dispatchNumber(args[0].elementType(), [&](auto tag) { return maxIndices<decltype(tag)>(op, args); }));
}

} // namespace lathe::reference
