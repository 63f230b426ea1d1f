#include "backends/x86/Elements.h"
#include "backends/x86/FloatMath.h"
#include <limits>

using namespace mlir;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

namespace lathe::x86 {

namespace {
bool isFloat(Type type) { return isa<FloatType>(type); }

/// Quotient or remainder that never traps: x / 0 is 0, MIN / -1 is MIN (remainders 0). Divisors 0 and -1 are replaced before
/// the division, so that it can be done in any lane.
struct SafeDivision {
  Value quotient, remainder;
};

SafeDivision divideSafely(EmitContext &c, Value x, Value y, bool isUnsigned) {
  Value zero = c.integer(0, x.getType()), one = c.integer(1, x.getType());
  Value isZero = c.eqI(y, zero);
  if (isUnsigned) {
    Value divisor = c.select(isZero, one, y);
    return {c.select(isZero, zero, c.divU(x, divisor)), c.select(isZero, zero, c.remU(x, divisor))};
  }
  Value isMinusOne = c.eqI(y, c.integer(-1, x.getType()));
  Value divisor = c.select(c.orI(isZero, isMinusOne), one, y);
  Value quotient = c.select(isMinusOne, c.neg(x), c.divS(x, divisor));
  return {c.select(isZero, zero, quotient), c.select(c.orI(isZero, isMinusOne), zero, c.remS(x, divisor))};
}

/// Amounts outside [0, width) shift everything out: 0 is left, or the sign of a signed number shifted right.
Value shift(EmitContext &c, Value x, Value y, bool isLeft, bool isSigned) {
  unsigned width = x.getType().getIntOrFloatBitWidth();
  Value isInside = c.cmp(CmpIPredicate::ult, y, c.integer(width, x.getType()));
  Value zero = c.integer(0, x.getType());
  if (!isLeft && isSigned)
    return c.shrS(x, c.select(isInside, y, c.integer(width - 1, x.getType())));
  Value amount = c.select(isInside, y, zero);
  return c.select(isInside, isLeft ? c.shl(x, amount) : c.shrU(x, amount), zero);
}

/// x^n by squaring, for n >= 0; else the reciprocal's integer part: 0, or +-1 for x = +-1.
Value powInteger(EmitContext &c, Value x, Value exponent, bool isExponentUnsigned) {
  Type type = x.getType();
  Value n = isExponentUnsigned ? c.resizeU(exponent, c.i64()) : c.resizeS(exponent, c.i64());
  Value isNegative = isExponentUnsigned ? c.boolean(false) : c.ltS(n, c.index(0));
  Value magnitude = c.select(isNegative, c.sub(c.index(0), n), n);
  Values state = c.loop(c.index(0), c.index(64), {c.integer(1, type), x}, [&](Value bit, ValueRange carried) {
    Value isSet = c.neI(c.andI(c.shrU(magnitude, bit), c.index(1)), c.index(0));
    Value product = c.select(isSet, c.mul(carried[0], carried[1]), carried[0]);
    return Values{product, c.mul(carried[1], carried[1])};
  });
  Value one = c.integer(1, type), zero = c.integer(0, type);
  Value isUnit = c.orI(c.eqI(x, one), c.eqI(x, c.integer(-1, type)));
  return c.select(isNegative, c.select(isUnit, state[0], zero), state[0]);
}

/// Exponents known at compile time that need no logarithm.
Value powConstant(EmitContext &c, Value x, double exponent) {
  Value one = c.real(1, x.getType());
  if (exponent == 1)
    return x;
  if (exponent == 2)
    return c.mul(x, x);
  if (exponent == 3)
    return c.mul(c.mul(x, x), x);
  if (exponent == 4)
    return c.mul(c.mul(x, x), c.mul(x, x));
  if (exponent == -1)
    return c.divF(one, x);
  if (exponent == -2)
    return c.divF(one, c.mul(x, x));
  if (exponent == 0)
    return one;
  return {};
}

std::optional<double> constantReal(Value value) {
  FloatAttr attr;
  if (matchPattern(value, m_Constant(&attr)))
    return attr.getValueAsDouble();
  return std::nullopt;
}

Value emitPow(EmitContext &c, Value x, Value y, Type xType, Type yType) {
  if (!isFloat(xType)) {
    if (!isFloat(yType))
      return powInteger(c, x, y, isUnsigned(yType));
    Value power = c.callBinary(LATHE_BINARY_POW, emitCast(c, x, xType, c.f64()), c.resizeF(y, c.f64()));
    return emitCast(c, power, c.f64(), xType);
  }
  y = emitCast(c, y, yType, xType);
  if (auto exponent = constantReal(y))
    if (Value power = powConstant(c, x, *exponent))
      return power;
  return xType.isF64() ? c.callBinary(LATHE_BINARY_POW, x, y) : powF32(c, x, y);
}

/// Remainder with the divisor's sign.
Value emitMod(EmitContext &c, Value x, Value y, Type type) {
  if (isFloat(type)) {
    Value remainder = emitBinary(c, nn::BinaryKind::fmod, x, y, type, type);
    Value zero = c.real(0, x.getType());
    Value isOther = c.xorI(c.ltF(remainder, zero), c.ltF(y, zero));
    Value isMoved = c.andI(isOther, c.cmp(CmpFPredicate::ONE, remainder, zero));
    return c.select(isMoved, c.add(remainder, y), remainder);
  }
  Value remainder = divideSafely(c, x, y, isUnsigned(type)).remainder;
  if (isUnsigned(type))
    return remainder;
  Value zero = c.integer(0, x.getType());
  Value isOther = c.xorI(c.ltS(remainder, zero), c.ltS(y, zero));
  Value isMoved = c.andI(isOther, c.neI(remainder, zero));
  return c.select(isMoved, c.add(remainder, y), remainder);
}

Value emitFmod(EmitContext &c, Value x, Value y, Type type) {
  if (!isFloat(type))
    return divideSafely(c, x, y, isUnsigned(type)).remainder;
  return type.isF64() ? c.callBinary(LATHE_BINARY_FMOD, x, y) : fmodF32(c, x, y);
}

Value compare(EmitContext &c, nn::BinaryKind kind, Value x, Value y, Type type) {
  bool isSigned = !isUnsigned(type);
  auto by = [&](CmpFPredicate real, CmpIPredicate signedOne, CmpIPredicate unsignedOne) {
    return isFloat(type) ? c.cmp(real, x, y) : c.cmp(isSigned ? signedOne : unsignedOne, x, y);
  };
  switch (kind) {
  case nn::BinaryKind::less:
    return by(CmpFPredicate::OLT, CmpIPredicate::slt, CmpIPredicate::ult);
  case nn::BinaryKind::less_equal:
    return by(CmpFPredicate::OLE, CmpIPredicate::sle, CmpIPredicate::ule);
  case nn::BinaryKind::greater:
    return by(CmpFPredicate::OGT, CmpIPredicate::sgt, CmpIPredicate::ugt);
  case nn::BinaryKind::greater_equal:
    return by(CmpFPredicate::OGE, CmpIPredicate::sge, CmpIPredicate::uge);
  default:
    return by(CmpFPredicate::OEQ, CmpIPredicate::eq, CmpIPredicate::eq);
  }
}
} // namespace

Value emitMax(EmitContext &c, Value x, Value y, Type elementType) {
  if (isFloat(elementType))
    return c.maximumF(x, y);
  return isUnsigned(elementType) ? c.maxU(x, y) : c.maxS(x, y);
}

Value emitMin(EmitContext &c, Value x, Value y, Type elementType) {
  if (isFloat(elementType))
    return c.minimumF(x, y);
  return isUnsigned(elementType) ? c.minU(x, y) : c.minS(x, y);
}

Value lowestOf(EmitContext &c, Type elementType) {
  Type type = computedType(elementType);
  if (isFloat(elementType))
    return c.real(-std::numeric_limits<double>::infinity(), type);
  return c.integer(isUnsigned(elementType) ? 0 : llvm::minIntN(type.getIntOrFloatBitWidth()), type);
}

Value highestOf(EmitContext &c, Type elementType) {
  Type type = computedType(elementType);
  if (isFloat(elementType))
    return c.real(std::numeric_limits<double>::infinity(), type);
  return c.integer(isUnsigned(elementType) ? -1 : llvm::maxIntN(type.getIntOrFloatBitWidth()), type);
}

Value emitBinary(EmitContext &c, nn::BinaryKind kind, Value x, Value y, Type xType, Type yType) {
  switch (kind) {
  case nn::BinaryKind::add:
    return c.add(x, y);
  case nn::BinaryKind::sub:
    return c.sub(x, y);
  case nn::BinaryKind::mul:
    return c.mul(x, y);
  case nn::BinaryKind::div:
    return isFloat(xType) ? c.divF(x, y) : divideSafely(c, x, y, isUnsigned(xType)).quotient;
  case nn::BinaryKind::mod:
    return emitMod(c, x, y, xType);
  case nn::BinaryKind::fmod:
    return emitFmod(c, x, y, xType);
  case nn::BinaryKind::pow:
    return emitPow(c, x, y, xType, yType);
  case nn::BinaryKind::min:
    return emitMin(c, x, y, xType);
  case nn::BinaryKind::max:
    return emitMax(c, x, y, xType);
  case nn::BinaryKind::prelu: {
    Value zero = c.number(0, x.getType());
    Value isNegative = isFloat(xType) ? c.ltF(x, zero) : isUnsigned(xType) ? c.boolean(false) : c.ltS(x, zero);
    return c.select(isNegative, c.mul(x, y), x);
  }
  case nn::BinaryKind::logical_and:
  case nn::BinaryKind::bit_and:
    return c.andI(x, y);
  case nn::BinaryKind::logical_or:
  case nn::BinaryKind::bit_or:
    return c.orI(x, y);
  case nn::BinaryKind::logical_xor:
  case nn::BinaryKind::bit_xor:
    return c.xorI(x, y);
  case nn::BinaryKind::shift_left:
    return shift(c, x, y, true, !isUnsigned(xType));
  case nn::BinaryKind::shift_right:
    return shift(c, x, y, false, !isUnsigned(xType));
  default:
    return compare(c, kind, x, y, xType);
  }
}

//===- conversions -===//

namespace {
/// Truncates and saturates; NaN gives 0.
Value floatToInteger(EmitContext &c, Value x, IntegerType to) {
  bool isUnsignedTarget = to.isUnsigned();
  unsigned width = to.getWidth();
  Type type = x.getType(), result = computedType(to);
  double low = isUnsignedTarget ? 0 : -std::ldexp(1.0, width - 1);
  double bound = std::ldexp(1.0, isUnsignedTarget ? width : width - 1); // one above the largest
  // Out-of-range arguments are replaced before the conversion, which is undefined for them.
  Value isLow = c.cmp(CmpFPredicate::OLE, x, c.real(low, type));
  Value isHigh = c.cmp(CmpFPredicate::OGE, x, c.real(bound, type));
  Value isOutside = c.orI(c.orI(isLow, isHigh), c.isNan(x));
  Value inside = c.select(isOutside, c.real(0, type), x);
  Value converted = isUnsignedTarget ? Value(c.b.create<arith::FPToUIOp>(c.loc, result, inside))
                                     : Value(c.b.create<arith::FPToSIOp>(c.loc, result, inside));
  converted = c.select(isLow, c.integer(isUnsignedTarget ? 0 : llvm::minIntN(width), result), converted);
  return c.select(isHigh, c.integer(isUnsignedTarget ? -1 : llvm::maxIntN(width), result), converted);
}
} // namespace

Value emitCast(EmitContext &c, Value x, Type from, Type to) {
  if (from == to)
    return x;
  Type type = computedType(to);
  if (isFloat(from) && isFloat(to)) {
    Value resized = c.resizeF(x, type);
    return to.isF16() || to.isBF16() ? c.fromStorage(c.toStorage(resized, to), to) : resized;
  }
  if (to.isInteger(1))
    return isFloat(from) ? c.cmp(CmpFPredicate::UNE, x, c.real(0, x.getType())) : c.neI(x, c.integer(0, x.getType()));
  if (isFloat(from))
    return floatToInteger(c, x, cast<IntegerType>(to));
  if (isFloat(to)) {
    Value real = isUnsigned(from) ? c.toFloatU(x, type) : c.toFloatS(x, type);
    return to.isF16() || to.isBF16() ? c.fromStorage(c.toStorage(real, to), to) : real;
  }
  return isUnsigned(from) ? c.resizeU(x, type) : c.resizeS(x, type);
}

} // namespace lathe::x86
