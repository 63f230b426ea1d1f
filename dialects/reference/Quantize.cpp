// Uniform quantization, in f32 as ONNX says and compiled code does it.
#include "dialects/reference/Kernels.h"

using namespace mlir;

namespace lathe::reference {

namespace {

/// Calls fn(element, number of its scale, number of its zero point) for all elements; the last block may be cut.
template <typename OpT, typename Fn> void forEachEntry(OpT op, const Args &args, Fn fn) {
  const Tensor *zero = args.optional(op, 2);
  ArrayRef<int64_t> shape = args[0].shape();
  if (op.getBlock() == 0) {
    Strides<3> strides{rowMajorStrides(shape), broadcastStrides(args[1], shape),
                       zero ? broadcastStrides(*zero, shape) : SmallVector<int64_t>(shape.size(), 0)};
    return forEachElement<3>(shape, strides, [&](Offsets<3> at) { fn(at[0], at[1], at[2]); });
  }
  AxisView view(shape, op.getAxis());
  int64_t block = op.getBlock(), blocks = (view.length + block - 1) / block;
  for (int64_t o = 0, element = 0; o < view.outer; ++o)
    for (int64_t l = 0; l < view.length; ++l)
      for (int64_t i = 0; i < view.inner; ++i, ++element) {
        int64_t entry = (o * blocks + l / block) * view.inner + i;
        fn(element, entry, entry);
      }
}

template <typename T> Tensor quantize(nn::QuantizeOp op, const Args &args) {
  Tensor output = args.allocate();
  const Tensor *zero = args.optional(op, 2);
  const float *input = args[0].data<float>(), *scale = args[1].data<float>();
  T *out = output.mutableData<T>();
  forEachEntry(op, args, [&](int64_t element, int64_t s, int64_t z) {
    float shift = zero ? float(zero->data<T>()[z]) : 0.0f, value = std::nearbyint(input[element] / scale[s]) + shift;
    float low = std::numeric_limits<T>::lowest(), high = std::numeric_limits<T>::max();
    out[element] = value >= high ? T(high) : value > low ? T(value) : T(low);
  });
  return output;
}

template <typename T> Tensor dequantize(nn::DequantizeOp op, const Args &args) {
  Tensor output = args.allocate();
  const Tensor *zero = args.optional(op, 2);
  const T *input = args[0].data<T>();
  const float *scale = args[1].data<float>();
  float *out = output.mutableData<float>();
  forEachEntry(op, args, [&](int64_t element, int64_t s, int64_t z) {
    uint32_t shift = zero ? uint32_t(zero->data<T>()[z]) : 0; // differences wrap
    out[element] = float(int32_t(uint32_t(input[element]) - shift)) * scale[s];
  });
  return output;
}

} // namespace

Tensor centered(const Tensor &tensor, const Tensor *zero, ArrayRef<int64_t> zeroStrides) {
  Tensor output = Tensor::allocate(tensor.type().clone(IntegerType::get(tensor.type().getContext(), 32)));
  auto *out = output.mutableData<int32_t>();
  dispatchInteger(tensor.elementType(), [&](auto tag) {
    using T = decltype(tag);
    Strides<2> strides{rowMajorStrides(tensor.shape()), SmallVector<int64_t>(zeroStrides)};
    if (!zero)
      strides[1].assign(tensor.shape().size(), 0);
    forEachElement<2>(tensor.shape(), strides, [&](Offsets<2> at) {
      out[at[0]] = int32_t(tensor.data<T>()[at[0]]) - (zero ? int32_t(zero->data<T>()[at[1]]) : 0);
    });
    return 0;
  });
  return output;
}

Result evaluate(nn::QuantizeOp op, const Args &args) {
  return one(
      dispatchInteger(args.types[0].getElementType(), [&](auto tag) { return quantize<decltype(tag)>(op, args); }));
}

Result evaluate(nn::DequantizeOp op, const Args &args) {
  return one(dispatchInteger(args[0].elementType(), [&](auto tag) { return dequantize<decltype(tag)>(op, args); }));
}

} // namespace lathe::reference
