// Element-wise functions of two tensors.
#include "dialects/reference/Kernels.h"

using namespace mlir;
using lathe::nn::BinaryKind;

namespace lathe::reference {

namespace {

double floatBinary(BinaryKind kind, double x, double y) {
  switch (kind) {
  case BinaryKind::mod:
    return y == 0 ? std::nan("") : x - std::floor(x / y) * y;
  case BinaryKind::fmod:
    return std::fmod(x, y);
  case BinaryKind::pow:
    return std::pow(x, y);
  case BinaryKind::min:
    return std::isnan(x) || x < y ? x : y;
  case BinaryKind::max:
    return std::isnan(x) || x > y ? x : y;
  case BinaryKind::prelu:
    return x < 0 ? x * y : x;
  default:
    return x;
  }
}

/// Division by zero gives 0, lowest / -1 wraps to lowest: no result is undefined.
template <typename T> T divideInteger(T x, T y) {
  if (y == 0)
    return 0;
  return std::is_signed_v<T> && y == T(-1) ? T(0 - uint64_t(x)) : T(x / y);
}

/// Remainder with the dividend's sign; 0 for a divisor of 0.
template <typename T> T remainderInteger(T x, T y) {
  return y == 0 || (std::is_signed_v<T> && y == T(-1)) ? T(0) : T(x % y);
}

template <typename T> T floorModInteger(T x, T y) {
  T rest = remainderInteger(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? T(rest + y) : rest;
}

/// Wrapping power; negative exponents truncate 1 / x^n.
template <typename T> T powInteger(T base, int64_t exponent) {
  if (exponent < 0)
    return base == 1 ? T(1) : std::is_signed_v<T> && base == T(-1) ? (exponent % 2 ? T(-1) : T(1)) : T(0);
  uint64_t result = 1, factor = uint64_t(base);
  for (; exponent; exponent >>= 1, factor *= factor)
    if (exponent & 1)
      result *= factor;
  return T(result);
}

/// Amounts outside [0, width) shift everything out: what is left is 0, or the sign of a signed number shifted right.
template <typename T> T shift(T x, T amount, bool isLeft) {
  using U = std::make_unsigned_t<T>;
  bool isOut = U(amount) >= sizeof(T) * 8;
  if (isLeft)
    return isOut ? T(0) : T(uint64_t(U(x)) << amount);
  return isOut ? (x < 0 ? T(-1) : T(0)) : T(x >> amount);
}

template <typename T> T integerBinary(BinaryKind kind, T x, T y) {
  switch (kind) {
  case BinaryKind::mod:
    return floorModInteger(x, y);
  case BinaryKind::fmod:
    return remainderInteger(x, y);
  case BinaryKind::pow:
    return powInteger(x, int64_t(y));
  case BinaryKind::min:
    return std::min(x, y);
  case BinaryKind::max:
    return std::max(x, y);
  case BinaryKind::prelu:
    return x < 0 ? T(uint64_t(x) * uint64_t(y)) : x;
  case BinaryKind::bit_and:
    return x & y;
  case BinaryKind::bit_or:
    return x | y;
  case BinaryKind::bit_xor:
    return x ^ y;
  case BinaryKind::shift_left:
    return shift(x, y, true);
  case BinaryKind::shift_right:
    return shift(x, y, false);
  default:
    return x;
  }
}

/// out = fn(lhs, rhs) with broadcasting.
template <typename To, typename L, typename R, typename Fn> Tensor combine(const Args &args, Fn fn) {
  Tensor output = args.allocate();
  const L *lhs = args[0].data<L>();
  const R *rhs = args[1].data<R>();
  To *out = output.mutableData<To>();
  Strides<2> strides{broadcastStrides(args[0], output.shape()), broadcastStrides(args[1], output.shape())};
  forEachRow<2>(output.shape(), strides, {}, [&](Offsets<2> at, int64_t count, Offsets<2> steps) {
    for (int64_t i = 0; i < count; ++i)
      *out++ = fn(lhs[at[0] + i * steps[0]], rhs[at[1] + i * steps[1]]);
  });
  return output;
}

template <typename T> Tensor compare(BinaryKind kind, const Args &args) {
  using W = std::conditional_t<std::is_same_v<T, bool>, bool, Wide<T>>;
  switch (kind) {
  case BinaryKind::equal:
    return combine<bool, T, T>(args, [](T x, T y) { return W(x) == W(y); });
  case BinaryKind::less:
    return combine<bool, T, T>(args, [](T x, T y) { return W(x) < W(y); });
  case BinaryKind::less_equal:
    return combine<bool, T, T>(args, [](T x, T y) { return W(x) <= W(y); });
  case BinaryKind::greater:
    return combine<bool, T, T>(args, [](T x, T y) { return W(x) > W(y); });
  default:
    return combine<bool, T, T>(args, [](T x, T y) { return W(x) >= W(y); });
  }
}

Tensor logical(BinaryKind kind, const Args &args) {
  switch (kind) {
  case BinaryKind::logical_and:
    return combine<bool, bool, bool>(args, [](bool x, bool y) { return x && y; });
  case BinaryKind::logical_or:
    return combine<bool, bool, bool>(args, [](bool x, bool y) { return x || y; });
  default:
    return combine<bool, bool, bool>(args, [](bool x, bool y) { return x != y; });
  }
}

/// The four basic functions have loops of their own: weights pass through them when constants are folded.
template <typename T> Tensor arithmetic(BinaryKind kind, const Args &args) {
  using W = std::conditional_t<isFloatType<T>, double, uint64_t>;
  switch (kind) {
  case BinaryKind::add:
    return combine<T, T, T>(args, [](T x, T y) { return T(W(x) + W(y)); });
  case BinaryKind::sub:
    return combine<T, T, T>(args, [](T x, T y) { return T(W(x) - W(y)); });
  case BinaryKind::mul:
    return combine<T, T, T>(args, [](T x, T y) { return T(W(x) * W(y)); });
  case BinaryKind::div:
    if constexpr (isFloatType<T>)
      return combine<T, T, T>(args, [](T x, T y) { return T(double(x) / double(y)); });
    else
      return combine<T, T, T>(args, [](T x, T y) { return divideInteger(x, y); });
  default:
    if constexpr (isFloatType<T>)
      return combine<T, T, T>(args, [&](T x, T y) { return T(floatBinary(kind, double(x), double(y))); });
    else
      return combine<T, T, T>(args, [&](T x, T y) { return integerBinary(kind, x, y); });
  }
}

/// pow whose exponent has another element type.
Tensor mixedPow(const Args &args) {
  return dispatchNumber(args[0].elementType(), [&](auto base) {
    return dispatchNumber(args[1].elementType(), [&](auto exponent) {
      using B = decltype(base);
      using E = decltype(exponent);
      return combine<B, B, E>(args, [](B x, E y) {
        if constexpr (isFloatType<B> || isFloatType<E>)
          return convert<B>(std::pow(double(x), double(y)));
        else
          return powInteger(x, int64_t(y));
      });
    });
  });
}

} // namespace

Result evaluate(nn::BinaryOp op, const Args &args) {
  BinaryKind kind = op.getKind();
  if (kind >= BinaryKind::equal)
    return one(dispatch(args[0].elementType(), [&](auto tag) { return compare<decltype(tag)>(kind, args); }));
  if (args[0].elementType().isInteger(1))
    return one(logical(kind, args));
  if (args[0].elementType() != args[1].elementType())
    return one(mixedPow(args));
  return one(dispatchNumber(args[0].elementType(), [&](auto tag) { return arithmetic<decltype(tag)>(kind, args); }));
}

} // namespace lathe::reference
