// Element types of tensors as C++ types, and the choice of a template by element type.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/ErrorHandling.h"
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace lathe::reference {

/// IEEE binary16 in memory; computed with as double.
struct Half {
  _Float16 value;
  Half() = default;
  explicit Half(double wide) : value(_Float16(wide)) {}
  explicit operator double() const { return double(value); }
};

/// Upper half of a binary32 in memory; computed with as double.
struct BFloat16 {
  uint16_t bits;
  BFloat16() = default;
  explicit BFloat16(double wide) {
    uint32_t word = llvm::bit_cast<uint32_t>(float(wide));
    bool isNan = (word & 0x7fffffff) > 0x7f800000;
    bits = isNan ? uint16_t(word >> 16 | 0x40) : uint16_t((word + 0x7fff + (word >> 16 & 1)) >> 16);
  }
  explicit operator double() const { return llvm::bit_cast<float>(uint32_t(bits) << 16); }
};

template <typename T>
inline constexpr bool isFloatType =
    std::is_floating_point_v<T> || std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

/// What an element is computed with: double for floats, 64 bits of the same signedness for integers.
template <typename T>
using Wide = std::conditional_t<isFloatType<T>, double, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;

/// Value conversion of nn.cast: float to integer truncates and saturates, NaN gives 0; integers wrap; bool is
/// != 0.
template <typename To, typename From> To convert(From from) {
  if constexpr (std::is_same_v<To, From>) {
    return from;
  } else if constexpr (isFloatType<From> && !isFloatType<To>) {
    double value = double(from);
    if constexpr (std::is_same_v<To, bool>)
      return value != 0;
    if (std::isnan(value))
      return To(0);
    if (value <= double(std::numeric_limits<To>::lowest()))
      return std::numeric_limits<To>::lowest();
    return value >= double(std::numeric_limits<To>::max()) ? std::numeric_limits<To>::max() : To(value);
  } else if constexpr (isFloatType<From>) {
    return To(double(from));
  } else if constexpr (std::is_same_v<To, bool>) {
    return from != 0;
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    return To(double(from));
  } else {
    return To(from);
  }
}

template <typename T> Wide<T> widen(T value) { return Wide<T>(value); }
/// Back from the wide type; integers wrap.
template <typename T> T narrow(Wide<T> value) { return T(value); }

/// Lowest and highest value of an element type; infinities for floats.
template <typename T> Wide<T> lowestValue() {
  if constexpr (isFloatType<T>)
    return -std::numeric_limits<double>::infinity();
  else
    return std::numeric_limits<T>::lowest();
}
template <typename T> Wide<T> highestValue() {
  if constexpr (isFloatType<T>)
    return std::numeric_limits<double>::infinity();
  else
    return std::numeric_limits<T>::max();
}

/// Calls fn(T()) with the C++ type of an integer element type.
template <typename Fn> auto dispatchInteger(mlir::Type type, Fn fn) {
  bool isUnsigned = type.isUnsignedInteger();
  switch (type.getIntOrFloatBitWidth()) {
  case 8:
    return isUnsigned ? fn(uint8_t()) : fn(int8_t());
  case 16:
    return isUnsigned ? fn(uint16_t()) : fn(int16_t());
  case 32:
    return isUnsigned ? fn(uint32_t()) : fn(int32_t());
  default:
    return isUnsigned ? fn(uint64_t()) : fn(int64_t());
  }
}

/// Calls fn(T()) with the C++ type of a floating-point element type.
template <typename Fn> auto dispatchFloat(mlir::Type type, Fn fn) {
  if (type.isF32())
    return fn(float());
  if (type.isF64())
    return fn(double());
  return type.isF16() ? fn(Half()) : fn(BFloat16());
}

/// Calls fn(T()) with the C++ type of a number; i1 is no number.
template <typename Fn> auto dispatchNumber(mlir::Type type, Fn fn) {
  return mlir::isa<mlir::FloatType>(type) ? dispatchFloat(type, fn) : dispatchInteger(type, fn);
}

/// Calls fn(T()) with the C++ type of any element type.
template <typename Fn> auto dispatch(mlir::Type type, Fn fn) {
  return type.isSignlessInteger(1) ? fn(bool()) : dispatchNumber(type, fn);
}

/// Calls fn(T()) with an unsigned integer as large as the element: enough to move it.
template <typename Fn> auto dispatchSize(int64_t sizeBytes, Fn fn) {
  switch (sizeBytes) {
  case 1:
    return fn(uint8_t());
  case 2:
    return fn(uint16_t());
  case 4:
    return fn(uint32_t());
  default:
    return fn(uint64_t());
  }
}

/// True for element types that tensors of the interpreter can have.
bool isSupported(mlir::Type elementType);

} // namespace lathe::reference
