// Softmax and normalizations.
#include "dialects/reference/Kernels.h"

using namespace mlir;

namespace lathe::reference {

namespace {

template <typename T> void softmaxLine(const T *in, T *out, int64_t length, int64_t step, bool isLog) {
  double highest = -INFINITY, sum = 0;
  for (int64_t k = 0; k < length; ++k)
    highest = std::max(highest, double(in[k * step]));
  for (int64_t k = 0; k < length; ++k)
    sum += std::exp(double(in[k * step]) - highest);
  for (int64_t k = 0; k < length; ++k) {
    double shifted = double(in[k * step]) - highest;
    out[k * step] = T(isLog ? shifted - std::log(sum) : std::exp(shifted) / sum);
  }
}

/// Mean (0 for rms) and 1 / deviation of a row.
template <typename T> std::pair<double, double> moments(const T *row, int64_t count, double epsilon, bool isRms) {
  double mean = 0, square = 0;
  for (int64_t i = 0; i < count && !isRms; ++i)
    mean += double(row[i]) / double(count);
  for (int64_t i = 0; i < count; ++i)
    square += (double(row[i]) - mean) * (double(row[i]) - mean) / double(count);
  return {mean, 1 / std::sqrt(square + epsilon)};
}

template <typename T> Tensor layerNorm(nn::LayerNormOp op, const Args &args) {
  const Tensor &input = args[0], *scale = args.optional(op, 1), *bias = args.optional(op, 2);
  Tensor output = args.allocate();
  ArrayRef<int64_t> shape = input.shape();
  int64_t count = 1;
  for (int64_t size : shape.drop_front(op.getAxis()))
    count *= size;
  SmallVector<int64_t> none(shape.size(), 0);
  Strides<2> strides{scale ? broadcastStrides(*scale, shape) : none, bias ? broadcastStrides(*bias, shape) : none};
  const T *in = input.data<T>(), *scales = scale ? scale->data<T>() : nullptr,
          *biases = bias ? bias->data<T>() : nullptr;
  T *out = output.mutableData<T>();
  int64_t i = 0;
  std::pair<double, double> row;
  forEachElement<2>(shape, strides, [&](Offsets<2> at) {
    if (i % count == 0)
      row = moments(in + i, count, op.getEpsilon().convertToDouble(), op.getRms());
    double value = (double(in[i]) - row.first) * row.second;
    out[i++] = T(value * (scales ? double(scales[at[0]]) : 1) + (biases ? double(biases[at[1]]) : 0));
  });
  return output;
}

template <typename T> Tensor localResponse(nn::LrnOp op, const Args &args) {
  Tensor output = args.allocate();
  AxisView view(args[0].shape(), 1);
  int64_t size = op.getSize(), before = (size - 1) / 2, after = size - 1 - before;
  double alpha = op.getAlpha().convertToDouble(), beta = op.getBeta().convertToDouble(),
         bias = op.getBias().convertToDouble();
  for (int64_t o = 0; o < view.outer; ++o)
    for (int64_t i = 0; i < view.inner; ++i) {
      const T *in = args[0].data<T>() + view.at(o, i);
      for (int64_t c = 0; c < view.length; ++c) {
        double squares = 0;
        for (int64_t k = std::max<int64_t>(0, c - before); k <= std::min(view.length - 1, c + after); ++k)
          squares += double(in[k * view.inner]) * double(in[k * view.inner]);
        double divisor = std::pow(bias + alpha / double(size) * squares, beta);
        output.mutableData<T>()[view.at(o, i) + c * view.inner] = T(double(in[c * view.inner]) / divisor);
      }
    }
  return output;
}

} // namespace

Result evaluate(nn::SoftmaxOp op, const Args &args) {
  AxisView view(args[0].shape(), op.getAxis());
  return one(dispatchFloat(args[0].elementType(), [&](auto tag) {
    using T = decltype(tag);
    Tensor output = args.allocate();
    for (int64_t o = 0; o < view.outer; ++o)
      for (int64_t i = 0; i < view.inner; ++i)
        softmaxLine(args[0].data<T>() + view.at(o, i), output.mutableData<T>() + view.at(o, i), view.length, view.inner,
                    op.getLog());
    return output;
  }));
}

Result evaluate(nn::LayerNormOp op, const Args &args) {
  return one(dispatchFloat(args[0].elementType(), [&](auto tag) { return layerNorm<decltype(tag)>(op, args); }));
}

Result evaluate(nn::LrnOp op, const Args &args) {
  return one(dispatchFloat(args[0].elementType(), [&](auto tag) { return localResponse<decltype(tag)>(op, args); }));
}

} // namespace lathe::reference
