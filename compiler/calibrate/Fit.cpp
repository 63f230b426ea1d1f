#include "compiler/calibrate/Fit.h"
#include "dialects/support/Symbols.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include <utility>

using namespace mlir;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::map_range;

namespace lathe::samples {

std::string typeText(Type type) {
  if (type.isSignlessInteger(1))
    return "bool";
  if (type.isUnsignedInteger())
    return "u" + std::to_string(type.getIntOrFloatBitWidth());
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

std::string shapeText(ArrayRef<int64_t> shape) {
  auto size = [](int64_t size) { return ShapedType::isDynamic(size) ? "?" : std::to_string(size); };
  return "[" + llvm::join(map_range(shape, size), ", ") + "]";
}

std::string namesText(ArrayRef<std::string> names) {
  constexpr size_t most = 16;
  if (names.empty())
    return "none";
  auto quoted = [](const std::string &name) { return "'" + name + "'"; };
  return llvm::join(map_range(names.take_front(most), quoted), ", ") + (names.size() > most ? ", ..." : "");
}

std::string numberText(double value) {
  if (std::isnan(value))
    return "NaN";
  if (std::isinf(value))
    return value > 0 ? "infinity" : "-infinity";
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", value);
  return text;
}

Error at(const Twine &where, Error error) { return createStringError(where + ": " + llvm::toString(std::move(error))); }

Error checkType(Type from, const InputSpec &input) {
  Type to = input.type.getElementType();
  if (isa<FloatType>(from) == isa<FloatType>(to))
    return Error::success();
  return createStringError("expects elements of type " + typeText(to) + ", got " + typeText(from));
}

Error checkShape(ArrayRef<int64_t> shape, const InputSpec &input) {
  bool fits =
      shape.size() == size_t(input.type.getRank()) && succeeded(verifyCompatibleShape(shape, input.type.getShape()));
  if (!fits)
    return createStringError("expects samples of shape " + shapeText(input.type.getShape()) + ", got " +
                             shapeText(shape));
  if (llvm::is_contained(shape, 0))
    return createStringError("expects samples that are not empty, got shape " + shapeText(shape));
  int64_t bytes = sizeof(double); // the widest type that is read
  for (int64_t size : shape)
    if (llvm::MulOverflow(bytes, size, bytes) || bytes > kMaxSampleBytes)
      return createStringError("expects samples of less than 4 GiB, got shape " + shapeText(shape));
  return Error::success();
}

namespace {

/// Where the size of a symbol was first seen.
struct Seen {
  size_t input;
  int64_t axis, size;
};
using SeenSymbols = llvm::DenseMap<unsigned, Seen>;

Error differs(const InputSpec &input, int64_t axis, int64_t got, int64_t expected, const Twine &why) {
  return createStringError("input '" + input.name + "': expects axis " + Twine(axis) + " to be " + Twine(expected) +
                           why + ", got " + Twine(got));
}

/// The value of an expression of several symbols; nothing where one of them is the size of no axis.
std::optional<int64_t> valueOf(AffineExpr expr, const SeenSymbols &seen) {
  SmallVector<int64_t> values;
  bool isKnown = true;
  expr.walk([&](AffineExpr part) {
    auto symbol = dyn_cast<AffineSymbolExpr>(part);
    if (!symbol)
      return;
    auto found = seen.find(symbol.getPosition());
    isKnown &= found != seen.end();
    values.resize(std::max<size_t>(values.size(), symbol.getPosition() + 1));
    if (isKnown)
      values[symbol.getPosition()] = found->second.size;
  });
  return isKnown ? evaluateDim(expr, values) : std::nullopt;
}

} // namespace

Error checkSymbols(ArrayRef<SmallVector<int64_t>> shapes, ArrayRef<InputSpec> inputs) {
  SeenSymbols seen;
  for (bool isSecondPass : {false, true}) // symbols first, then what is computed from them
    for (auto [number, input] : llvm::enumerate(inputs)) {
      if (!hasSymbolicDims(input.type))
        continue;
      for (auto [axis, expr] : llvm::enumerate(dimExprs(input.type))) {
        int64_t size = shapes[number][axis];
        auto symbol = dyn_cast<AffineSymbolExpr>(expr);
        if (symbol && !isSecondPass) {
          auto [found, isNew] = seen.try_emplace(symbol.getPosition(), Seen{number, int64_t(axis), size});
          const Seen &first = found->second;
          if (first.size != size)
            return differs(input, int64_t(axis), size, first.size,
                           " as axis " + Twine(first.axis) + " of '" + inputs[first.input].name + "'");
        }
        std::optional<int64_t> expected = isSecondPass && !symbol ? valueOf(expr, seen) : std::nullopt;
        if (expected && *expected != size)
          return differs(input, int64_t(axis), size, *expected, " by the sizes of other axes");
      }
    }
  return Error::success();
}

namespace {

/// The place of element `i` as indices: "[0, 3]".
std::string placeText(int64_t i, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> index(shape.size());
  for (size_t axis = shape.size(); axis-- > 0; i /= shape[axis])
    index[axis] = i % shape[axis];
  return shapeText(index);
}

template <typename T> std::string valueText(T value) {
  if constexpr (reference::isFloatType<T>)
    return numberText(double(value));
  else
    return std::to_string(+value);
}

/// Bytes of bools may hold anything; they are read as what they are.
template <typename T> using Stored = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;

/// True if `from` is a finite value that To can hold; floats may round, but not to infinity.
template <typename To, typename From> bool canHold(From from) {
  if constexpr (reference::isFloatType<From> != reference::isFloatType<To>)
    return false; // checkType refuses them before
  else if constexpr (reference::isFloatType<From>)
    return std::isfinite(double(from)) && std::isfinite(double(To(double(from))));
  else if constexpr (std::is_same_v<To, bool>)
    return from == From(0) || from == From(1);
  else
    return std::in_range<To>(from);
}

template <typename To, typename From>
Error convertValues(const reference::Tensor &from, reference::Tensor &to, const Twine &type) {
  const auto *source = from.data<Stored<From>>();
  auto *target = to.mutableData<Stored<To>>();
  for (int64_t i = 0; i < from.size(); ++i) {
    if (!canHold<To>(source[i]))
      return createStringError(
          (reference::isFloatType<To> ? "expects finite values of type " : "expects values of type ") + type +
          ", got " + valueText(source[i]) + " at " + placeText(i, from.shape()));
    if constexpr (reference::isFloatType<From> == reference::isFloatType<To>)
      target[i] = reference::convert<Stored<To>>(source[i]);
  }
  return Error::success();
}

} // namespace

Expected<reference::Tensor> fitValues(reference::Tensor values, const InputSpec &input) {
  Type to = input.type.getElementType();
  if (Error error = checkType(values.elementType(), input))
    return error;
  reference::Tensor result = reference::Tensor::allocate(RankedTensorType::get(values.shape(), to));
  Error error = reference::dispatch(values.elementType(), [&](auto source) {
    return reference::dispatch(to, [&](auto target) {
      return convertValues<decltype(target), decltype(source)>(values, result, typeText(to));
    });
  });
  if (error)
    return error;
  return result;
}

} // namespace lathe::samples
