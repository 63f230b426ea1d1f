// Element-wise arithmetic, logic, comparison and conversion.
#include "compiler/import/NarrowTypes.h"
#include "compiler/import/Tensors.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

template <UnaryKind kind> Values unary(Node &n) { return {n.unary(kind, n.in(0))}; }
template <BinaryKind kind> Values binary(Node &n) { return {n.binary(kind, n.in(0), n.in(1))}; }

/// Sum, Max, Min: any number of inputs.
template <BinaryKind kind> Values variadic(Node &n) {
  Value result = n.in(0);
  for (unsigned i = 1; i < n.numInputs(); ++i)
    result = n.binary(kind, result, n.in(i));
  return {result};
}

Values mean(Node &n) {
  return {n.binary(BinaryKind::div, variadic<BinaryKind::add>(n).front(), double(n.numInputs()))};
}

Values mod(Node &n) {
  bool isC = n.integer("fmod", 0) != 0;
  Value lhs = n.in(0);
  if (lhs && isFloat(lhs) && !isC)
    return {n.refuse("expects fmod to be 1 for floating-point inputs")};
  return {n.binary(isC ? BinaryKind::fmod : BinaryKind::mod, lhs, n.in(1))};
}

Values bitShift(Node &n) {
  std::string direction = n.text("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    return {n.refuse("expects direction to be LEFT or RIGHT, got '" + direction + "'")};
  return {n.binary(direction == "LEFT" ? BinaryKind::shift_left : BinaryKind::shift_right, n.in(0), n.in(1))};
}

Values isInf(Node &n) {
  return {n.unary(UnaryKind::is_inf, n.in(0), double(n.integer("detect_positive", 1)),
                  double(n.integer("detect_negative", 1)))};
}

Values where(Node &n) { return {n.select(n.in(0), n.in(1), n.in(2))}; }

/// Bounds by attribute up to opset 10.
Values clip6(Node &n) {
  Value x = n.in(0);
  if (n.hasAttr("min"))
    x = n.binary(BinaryKind::max, x, n.real("min", 0));
  if (n.hasAttr("max"))
    x = n.binary(BinaryKind::min, x, n.real("max", 0));
  return {x};
}

Value bound(Node &n, unsigned input) {
  Value value = n.in(input);
  if (value && rankOf(value) == 1 && typeOf(value).hasStaticShape() && typeOf(value).getNumElements() == 1)
    return n.reshape(value, {});
  return value && rankOf(value) != 0 ? n.refuse("expects bounds to be scalars") : value;
}

Values clip11(Node &n) {
  Value x = n.in(0);
  if (n.has(1))
    x = n.binary(BinaryKind::max, x, bound(n, 1));
  if (n.has(2))
    x = n.binary(BinaryKind::min, x, bound(n, 2));
  return {x};
}

Values castAs(Node &n, int64_t to) {
  if (!n.elementType(to))
    return {};
  int32_t from = n.narrow(0), target = int32_t(to);
  n.narrowResult = narrowBits(target) != 0 ? target : 0;
  if (from != 0 || *n.narrowResult != 0)
    return {castNarrow(n, n.in(0), from, target, n.integer("saturate", 1) != 0)};
  return {n.cast(n.in(0), n.elementType(to))};
}

Values castTo(Node &n) { return castAs(n, n.integer("to", 0)); }

Values castLike(Node &n) {
  Value like = n.in(1);
  if (!like)
    return {};
  return castAs(n, n.narrow(1) != 0 ? n.narrow(1) : onnxElementType(elementOf(like)));
}

Values bitCast(Node &n) {
  Value x = n.in(0);
  Type to = n.elementType(n.integer("to", 0));
  if (n.narrow(0) != 0 || narrowBits(int32_t(n.integer("to", 0))) != 0)
    return {n.refuse("expects types of whole bytes")};
  if (!x || !to || elementOf(x) == to)
    return {to ? x : Value()};
  return {n.size("nn.bitcast", x, withElementType(typeOf(x), to))};
}

/// Abs of unsigned integers is the input.
Values absolute(Node &n) {
  Value x = n.in(0);
  return {x && isUnsigned(elementOf(x)) ? x : n.unary(UnaryKind::abs, x)};
}

/// Comparison of bools is that of 0 and 1.
template <BinaryKind kind> Values compare(Node &n) {
  Value a = n.in(0), b = n.in(1);
  Type byte = IntegerType::get(n.context(), 8);
  bool areBools = a && b && isBool(elementOf(a)) && isBool(elementOf(b));
  return {areBools ? n.binary(kind, n.cast(a, byte), n.cast(b, byte)) : n.binary(kind, a, b)};
}

constexpr ConverterEntry kTable[] = {
    {"Abs", 6, kNewest, absolute},
    {"Neg", 6, kNewest, unary<UnaryKind::neg>},
    {"Ceil", 6, kNewest, unary<UnaryKind::ceil>},
    {"Floor", 6, kNewest, unary<UnaryKind::floor>},
    {"Round", 11, kNewest, unary<UnaryKind::round>},
    {"Sign", 9, kNewest, unary<UnaryKind::sign>},
    {"Sqrt", 6, kNewest, unary<UnaryKind::sqrt>},
    {"Reciprocal", 6, kNewest, unary<UnaryKind::reciprocal>},
    {"Exp", 6, kNewest, unary<UnaryKind::exp>},
    {"Log", 6, kNewest, unary<UnaryKind::log>},
    {"Sin", 7, kNewest, unary<UnaryKind::sin>},
    {"Cos", 7, kNewest, unary<UnaryKind::cos>},
    {"Tan", 7, kNewest, unary<UnaryKind::tan>},
    {"Asin", 7, kNewest, unary<UnaryKind::asin>},
    {"Acos", 7, kNewest, unary<UnaryKind::acos>},
    {"Atan", 7, kNewest, unary<UnaryKind::atan>},
    {"Sinh", 9, kNewest, unary<UnaryKind::sinh>},
    {"Cosh", 9, kNewest, unary<UnaryKind::cosh>},
    {"Asinh", 9, kNewest, unary<UnaryKind::asinh>},
    {"Acosh", 9, kNewest, unary<UnaryKind::acosh>},
    {"Atanh", 9, kNewest, unary<UnaryKind::atanh>},
    {"Erf", 9, kNewest, unary<UnaryKind::erf>},
    {"Not", 1, kNewest, unary<UnaryKind::logical_not>},
    {"BitwiseNot", 18, kNewest, unary<UnaryKind::bitwise_not>},
    {"IsNaN", 9, kNewest, unary<UnaryKind::is_nan>},
    {"IsInf", 10, kNewest, isInf},
    {"Add", 7, kNewest, binary<BinaryKind::add>},
    {"Sub", 7, kNewest, binary<BinaryKind::sub>},
    {"Mul", 7, kNewest, binary<BinaryKind::mul>},
    {"Div", 7, kNewest, binary<BinaryKind::div>},
    {"Pow", 7, kNewest, binary<BinaryKind::pow>},
    {"Mod", 10, kNewest, mod},
    {"And", 7, kNewest, binary<BinaryKind::logical_and>},
    {"Or", 7, kNewest, binary<BinaryKind::logical_or>},
    {"Xor", 7, kNewest, binary<BinaryKind::logical_xor>},
    {"BitwiseAnd", 18, kNewest, binary<BinaryKind::bit_and>},
    {"BitwiseOr", 18, kNewest, binary<BinaryKind::bit_or>},
    {"BitwiseXor", 18, kNewest, binary<BinaryKind::bit_xor>},
    {"BitShift", 11, kNewest, bitShift},
    {"Equal", 7, kNewest, compare<BinaryKind::equal>},
    {"Less", 7, kNewest, compare<BinaryKind::less>},
    {"Greater", 7, kNewest, compare<BinaryKind::greater>},
    {"LessOrEqual", 12, kNewest, compare<BinaryKind::less_equal>},
    {"GreaterOrEqual", 12, kNewest, compare<BinaryKind::greater_equal>},
    {"Sum", 6, kNewest, variadic<BinaryKind::add>},
    {"Max", 6, kNewest, variadic<BinaryKind::max>},
    {"Min", 6, kNewest, variadic<BinaryKind::min>},
    {"Mean", 6, kNewest, mean},
    {"Where", 9, kNewest, where},
    {"Clip", 6, 10, clip6},
    {"Clip", 11, kNewest, clip11},
    {"Cast", 6, kNewest, castTo},
    {"CastLike", 15, kNewest, castLike},
    {"BitCast", 1, kNewest, bitCast},
    {"PRelu", 7, kNewest, binary<BinaryKind::prelu>},
};

} // namespace

llvm::ArrayRef<ConverterEntry> elementwiseConverters() { return kTable; }

} // namespace lathe::importer
