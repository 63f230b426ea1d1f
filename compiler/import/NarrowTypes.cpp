#include "compiler/import/NarrowTypes.h"
#include "llvm/ADT/APFloat.h"
#include <cmath>

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {
using T = onnx::TensorProto;

const llvm::fltSemantics *semanticsOf(int32_t type) {
  switch (type) {
  case T::FLOAT8E4M3FN:
    return &llvm::APFloat::Float8E4M3FN();
  case T::FLOAT8E4M3FNUZ:
    return &llvm::APFloat::Float8E4M3FNUZ();
  case T::FLOAT8E5M2:
    return &llvm::APFloat::Float8E5M2();
  case T::FLOAT8E5M2FNUZ:
    return &llvm::APFloat::Float8E5M2FNUZ();
  case T::FLOAT4E2M1:
    return &llvm::APFloat::Float4E2M1FN();
  default:
    return nullptr;
  }
}

bool isSignedInteger(int32_t type) { return type == T::INT4 || type == T::INT2; }

bool hasNegativeZero(int32_t type) { return type != T::FLOAT8E4M3FNUZ && type != T::FLOAT8E5M2FNUZ; }

double bitsOf(const llvm::APFloat &number) { return double(number.bitcastToAPInt().getZExtValue()); }

/// What stands for a NaN; ONNX's reference gives -0 where there is none.
double nanBits(const llvm::fltSemantics &format, int32_t type) {
  return type == T::FLOAT4E2M1 ? 8 : bitsOf(llvm::APFloat::getNaN(format));
}

Type word(Node &n) { return IntegerType::get(n.context(), 32, IntegerType::Unsigned); }
Type byte(Node &n, bool isSigned) {
  return IntegerType::get(n.context(), 8, isSigned ? IntegerType::Signless : IntegerType::Unsigned);
}

Value bitcast(Node &n, Value x, Type type) {
  return x ? n.size("nn.bitcast", x, makeTensorType(dimsOf(x), type)) : Value();
}
} // namespace

bool isNarrowFloat(int32_t type) { return semanticsOf(type); }

void unpackNarrow(ArrayRef<char> packed, int32_t type, MutableArrayRef<char> elements) {
  unsigned bits = narrowBits(type), perByte = 8 / bits, unused = 8 - bits;
  for (auto [i, element] : llvm::enumerate(elements)) {
    auto high = uint8_t(uint8_t(packed[i / perByte]) << (unused - bits * (i % perByte)));
    element = isSignedInteger(type) ? char(int8_t(high) >> unused) : char(high >> unused);
  }
}

Value decodedFloat(Node &n, Value bits, int32_t type) {
  const llvm::fltSemantics &format = *semanticsOf(type);
  unsigned width = narrowBits(type);
  SmallVector<float> numbers;
  for (uint64_t code = 0; code < (uint64_t(1) << width); ++code)
    numbers.push_back(llvm::APFloat(format, llvm::APInt(width, code)).convertToFloat());
  auto table = RankedTensorType::get({int64_t(numbers.size())}, n.f32());
  return n.gather(n.constant(DenseElementsAttr::get(table, ArrayRef<float>(numbers))), n.cast(bits, n.i32()), 0);
}

/// Normal numbers are the bits of an f32, rounded and with another bias; what is smaller is a multiple of the smallest one.
Value encodedFloat(Node &n, Value given, int32_t type, bool saturate) {
  const llvm::fltSemantics &format = *semanticsOf(type);
  int shift = 24 - int(llvm::APFloat::semanticsPrecision(format));
  int lowest = llvm::APFloat::semanticsMinExponent(format);
  llvm::APFloat largest = llvm::APFloat::getLargest(format);
  Value x = n.cast(given, n.f32()), magnitude = n.unary(UnaryKind::abs, x);
  bool isBounded = saturate || type == T::FLOAT4E2M1;
  if (isBounded)
    magnitude = n.binary(BinaryKind::min, magnitude, double(largest.convertToFloat()));
  Value bits = bitcast(n, magnitude, word(n));
  Value odd = n.binary(BinaryKind::bit_and, n.binary(BinaryKind::shift_right, bits, shift), 1);
  Value rounded = n.add(n.binary(BinaryKind::add, bits, std::ldexp(1.0, shift - 1) - 1), odd);
  double offset = std::ldexp(double(lowest + 126), 23 - shift);
  Value code = n.binary(BinaryKind::sub, n.binary(BinaryKind::shift_right, rounded, shift), offset);
  Value steps = n.binary(BinaryKind::mul, magnitude, std::ldexp(1.0, 23 - shift - lowest));
  Value small = n.cast(n.unary(UnaryKind::round, steps), word(n));
  code = n.select(n.binary(BinaryKind::less, magnitude, std::ldexp(1.0, lowest)), small, code);
  double nan = nanBits(format, type);
  double beyond = type == T::FLOAT8E5M2 ? bitsOf(llvm::APFloat::getInf(format)) : nan;
  if (!isBounded)
    code = n.select(n.binary(BinaryKind::greater, code, bitsOf(largest)), n.scalar(beyond, word(n)), code);
  Value sign = n.binary(BinaryKind::shift_right, bitcast(n, x, word(n)), 31);
  sign = n.binary(BinaryKind::shift_left, sign, double(narrowBits(type) - 1));
  if (!hasNegativeZero(type)) // neither is there one of NaN
    sign = n.select(n.binary(BinaryKind::equal, code, 0), n.scalar(0, word(n)), sign);
  code = n.binary(BinaryKind::bit_or, code, sign);
  code = n.select(n.unary(UnaryKind::is_nan, x), n.scalar(nan, word(n)), code);
  return n.cast(code, byte(n, false));
}

Value saturatedNarrow(Node &n, Value x, int32_t type) {
  unsigned bits = narrowBits(type);
  if (bits == 0 || isNarrowFloat(type))
    return x;
  double count = std::ldexp(1.0, int(bits)), low = isSignedInteger(type) ? -count / 2 : 0;
  Value high = n.binary(BinaryKind::min, x, low + count - 1);
  return low < 0 ? n.binary(BinaryKind::max, high, low) : high;
}

/// The low bits of integers, as a narrow integer of these.
static Value wrapped(Node &n, Value x, int32_t type) {
  double half = std::ldexp(1.0, int(narrowBits(type)) - 1);
  Value low = n.binary(BinaryKind::bit_and, n.cast(x, n.i32()), half * 2 - 1);
  if (isSignedInteger(type))
    low = n.binary(BinaryKind::sub, n.binary(BinaryKind::bit_xor, low, half), half);
  return n.cast(low, byte(n, isSignedInteger(type)));
}

Value castNarrow(Node &n, Value given, int32_t from, int32_t to, bool saturate) {
  Value x = isNarrowFloat(from) ? decodedFloat(n, given, from) : given;
  if (isNarrowFloat(to))
    return encodedFloat(n, x, to, saturate);
  if (narrowBits(to) == 0)
    return n.cast(x, n.elementType(to));
  return wrapped(n, x && isFloat(x) ? n.cast(x, n.i32()) : x, to);
}

} // namespace lathe::importer
