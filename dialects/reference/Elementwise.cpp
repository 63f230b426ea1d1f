// Element-wise functions and conversions.
#include "dialects/reference/Kernels.h"
#include <cstring>
#include <numbers>

using namespace mlir;
using lathe::nn::BinaryKind;
using lathe::nn::UnaryKind;

namespace lathe::reference {

namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::log1p(std::exp(-std::abs(x))) + std::max(x, 0.0); }
double geluTanh(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}
double clamp01(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
double shrink(double x, double lambda, double bias) { return x < -lambda ? x + bias : x > lambda ? x - bias : 0; }

/// Kinds that C's math library has.
std::optional<double> libraryScalar(UnaryKind kind, double x) {
  switch (kind) {
  case UnaryKind::abs:
    return std::fabs(x);
  case UnaryKind::neg:
    return -x;
  case UnaryKind::ceil:
    return std::ceil(x);
  case UnaryKind::floor:
    return std::floor(x);
  case UnaryKind::round:
    return std::nearbyint(x);
  case UnaryKind::sign:
    return x > 0 ? 1 : x < 0 ? -1 : x;
  case UnaryKind::sqrt:
    return std::sqrt(x);
  case UnaryKind::reciprocal:
    return 1 / x;
  case UnaryKind::exp:
    return std::exp(x);
  case UnaryKind::log:
    return std::log(x);
  case UnaryKind::sin:
    return std::sin(x);
  case UnaryKind::cos:
    return std::cos(x);
  case UnaryKind::tan:
    return std::tan(x);
  case UnaryKind::asin:
    return std::asin(x);
  case UnaryKind::acos:
    return std::acos(x);
  case UnaryKind::atan:
    return std::atan(x);
  case UnaryKind::sinh:
    return std::sinh(x);
  case UnaryKind::cosh:
    return std::cosh(x);
  case UnaryKind::tanh:
    return std::tanh(x);
  case UnaryKind::asinh:
    return std::asinh(x);
  case UnaryKind::acosh:
    return std::acosh(x);
  case UnaryKind::atanh:
    return std::atanh(x);
  case UnaryKind::erf:
    return std::erf(x);
  default:
    return std::nullopt;
  }
}

} // namespace

double unaryScalar(UnaryKind kind, double x, double alpha, double beta) {
  if (auto value = libraryScalar(kind, x))
    return *value;
  switch (kind) {
  case UnaryKind::sigmoid:
    return sigmoid(x);
  case UnaryKind::relu:
    return x < 0 ? 0 : x;
  case UnaryKind::leaky_relu:
    return x < 0 ? alpha * x : x;
  case UnaryKind::elu:
    return x < 0 ? alpha * std::expm1(x) : x;
  case UnaryKind::celu:
    return x < 0 ? alpha * std::expm1(x / alpha) : x;
  case UnaryKind::selu:
    return beta * (x > 0 ? x : alpha * std::expm1(x));
  case UnaryKind::softplus:
    return softplus(x);
  case UnaryKind::softsign:
    return x / (1 + std::fabs(x));
  case UnaryKind::hard_sigmoid:
    return clamp01(alpha * x + beta);
  case UnaryKind::hard_swish:
    return x * clamp01(x / 6 + 0.5);
  case UnaryKind::mish:
    return x * std::tanh(softplus(x));
  case UnaryKind::gelu:
    return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
  case UnaryKind::gelu_tanh:
    return geluTanh(x);
  case UnaryKind::swish:
    return x * sigmoid(alpha * x);
  case UnaryKind::thresholded_relu:
    return x > alpha ? x : 0;
  case UnaryKind::shrink:
    return shrink(x, alpha, beta);
  case UnaryKind::is_nan:
    return std::isnan(x);
  case UnaryKind::is_inf:
    return (alpha != 0 && x == INFINITY) || (beta != 0 && x == -INFINITY);
  default:
    return x;
  }
}

namespace {

/// Kinds that take integers; all arithmetic wraps.
template <typename T> T integerUnary(UnaryKind kind, T x) {
  switch (kind) {
  case UnaryKind::abs:
    return x < 0 ? T(0 - uint64_t(x)) : x;
  case UnaryKind::neg:
    return T(0 - uint64_t(x));
  case UnaryKind::sign:
    return T(x > 0) - T(x < 0);
  case UnaryKind::relu:
    return x < 0 ? T(0) : x;
  case UnaryKind::bitwise_not:
    return T(~uint64_t(x));
  default:
    return x;
  }
}

template <typename To, typename From, typename Fn>
Tensor mapElements(const Tensor &input, RankedTensorType type, Fn fn) {
  Tensor output = Tensor::allocate(type);
  const From *in = input.data<From>();
  To *out = output.mutableData<To>();
  for (int64_t i = 0, size = output.size(); i < size; ++i)
    out[i] = fn(in[i]);
  return output;
}

} // namespace

Result evaluate(nn::UnaryOp op, const Args &args) {
  const Tensor &input = args[0];
  UnaryKind kind = op.getKind();
  double alpha = op.getAlpha().convertToDouble(), beta = op.getBeta().convertToDouble();
  if (kind == UnaryKind::logical_not)
    return one(mapElements<bool, bool>(input, args.types[0], [](bool x) { return !x; }));
  return one(dispatchNumber(input.elementType(), [&](auto tag) {
    using T = decltype(tag);
    if constexpr (!isFloatType<T>)
      return mapElements<T, T>(input, args.types[0], [&](T x) { return integerUnary(kind, x); });
    else if (args.types[0].getElementType().isInteger(1))
      return mapElements<bool, T>(input, args.types[0],
                                  [&](T x) { return unaryScalar(kind, double(x), alpha, beta) != 0; });
    else
      return mapElements<T, T>(input, args.types[0], [&](T x) { return T(unaryScalar(kind, double(x), alpha, beta)); });
  }));
}

Result evaluate(nn::CastOp op, const Args &args) {
  return one(dispatch(args[0].elementType(), [&](auto from) {
    return dispatch(args.types[0].getElementType(), [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      return mapElements<To, From>(args[0], args.types[0], [](From x) { return convert<To>(x); });
    });
  }));
}

Result evaluate(nn::BitcastOp op, const Args &args) { return one(args[0].withType(args.types[0])); }

Result evaluate(nn::SelectOp op, const Args &args) {
  return one(dispatchSize(args[1].elementBytes(), [&](auto tag) {
    using T = decltype(tag);
    Tensor output = args.allocate();
    ArrayRef<int64_t> shape = output.shape();
    const bool *condition = args[0].data<bool>();
    const T *lhs = args[1].data<T>(), *rhs = args[2].data<T>();
    T *out = output.mutableData<T>();
    Strides<3> strides{broadcastStrides(args[0], shape), broadcastStrides(args[1], shape),
                       broadcastStrides(args[2], shape)};
    forEachElement<3>(shape, strides, [&](Offsets<3> at) { *out++ = condition[at[0]] ? lhs[at[1]] : rhs[at[2]]; });
    return output;
  }));
}

} // namespace lathe::reference
