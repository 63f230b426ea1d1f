#include "backends/x86/FloatMath.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLog2e = 1.4426950408889634074, kLn2 = 0.69314718055994530942;
constexpr double kPi = 3.14159265358979323846;

Value c32(Scalar &s, double value) { return s.real(value, s.f32()); }
Value c64(Scalar &s, double value) { return s.real(value, s.f64()); }
Value int32(Scalar &s, int64_t value) { return s.integer(value, s.i32()); }
Value int64(Scalar &s, int64_t value) { return s.integer(value, s.i64()); }

/// Coefficients from the constant term upwards.
Value polynomial(Scalar &s, Value x, ArrayRef<double> coefficients) {
  Value sum = s.real(coefficients.back(), x.getType());
  for (double coefficient : llvm::reverse(coefficients.drop_back()))
    sum = s.fma(sum, x, s.real(coefficient, x.getType()));
  return sum;
}

/// x cut to [low, high]; NaN stays.
Value clampF(Scalar &s, Value x, double low, double high) {
  Value lo = s.real(low, x.getType()), hi = s.real(high, x.getType());
  x = s.select(s.gtF(lo, x), lo, x);
  return s.select(s.ltF(hi, x), hi, x);
}

/// 2^n for an i32 in the range of normal exponents.
Value powerOfTwo32(Scalar &s, Value n) { return s.bits(s.shl(s.add(n, int32(s, 127)), int32(s, 23)), s.f32()); }

/// (exp(r) - 1 - r) / r^2 on [-ln2/2, ln2/2]
Value expTail(Scalar &s, Value r) {
  return polynomial(s, r, {0.5, 0.1666651964, 0.04166620597, 0.008368882351, 0.001395048224});
}

//===- double precision, for the functions that are rare -===//

Value series(Scalar &s, Value x, int terms, llvm::function_ref<double(int)> coefficient) {
  SmallVector<double> coefficients;
  for (int i = 0; i < terms; ++i)
    coefficients.push_back(coefficient(i));
  return polynomial(s, x, coefficients);
}

/// Relative error 1e-14; arguments are cut to the range of normal results.
Value expF64(Scalar &s, Value x) {
  x = clampF(s, x, -708, 709);
  Value magic = c64(s, 0x1.8p52);
  Value shifted = s.fma(x, c64(s, kLog2e), magic);
  Value n = s.sub(shifted, magic);
  constexpr double high = 0x1.62e42fefap-1;
  Value r = s.sub(s.sub(x, s.mul(n, c64(s, high))), s.mul(n, c64(s, kLn2 - high)));
  double factorial = 1;
  Value p = series(s, r, 12, [&](int i) { return 1 / (factorial *= std::max(i, 1)); });
  Value exponent = s.shl(s.add(s.bits(shifted, s.i64()), int64(s, 1023)), int64(s, 52));
  return s.mul(p, s.bits(exponent, s.f64()));
}

/// Natural logarithm of normal positive numbers.
Value logPositiveF64(Scalar &s, Value x) {
  Value word = s.bits(x, s.i64());
  Value sqrtHalf = int64(s, 0x3fe6a09e667f3bcd);
  Value e = s.shrS(s.sub(word, sqrtHalf), int64(s, 52));
  Value m = s.bits(s.sub(word, s.shl(e, int64(s, 52))), s.f64());
  // Exponent to double without a 64-bit conversion: add it to the bits of 1.5 * 2^52.
  Value magic = c64(s, 0x1.8p52);
  Value n = s.sub(s.bits(s.add(s.bits(magic, s.i64()), e), s.f64()), magic);
  Value one = c64(s, 1);
  Value t = s.divF(s.sub(m, one), s.add(m, one));
  Value p = series(s, s.mul(t, t), 10, [](int i) { return 2.0 / (2 * i + 1); });
  return s.fma(n, c64(s, kLn2), s.mul(t, p));
}

struct SinCos {
  Value sin, cos, quadrant; // of the argument reduced to [-pi/4, pi/4]; quadrant: i32 in 0..3
};

Value reduceQuadrant(Scalar &s, Value x, Value &quadrant) {
  Value magic = c64(s, 0x1.8p52);
  Value shifted = s.fma(x, c64(s, 2 / kPi), magic);
  quadrant = s.andI(s.resizeU(s.bits(shifted, s.i64()), s.i32()), int32(s, 3));
  Value n = s.sub(shifted, magic);
  constexpr double high = 0x1.921fb544p0, low = 0x1.0b4611a626331p-34;
  return s.sub(s.sub(x, s.mul(n, c64(s, high))), s.mul(n, c64(s, low)));
}

SinCos sinCosF32(Scalar &s, Value x) {
  SinCos result;
  Value r = s.resizeF(reduceQuadrant(s, s.resizeF(x, s.f64()), result.quadrant), s.f32());
  Value z = s.mul(r, r);
  Value p = polynomial(s, z, {-0.1666666716, 0.008333329111, -0.0001983933471, 2.718311634e-06});
  result.sin = s.fma(s.mul(r, z), p, r);
  Value q = polynomial(s, z, {0.04166664556, -0.001388736768, 2.443845187e-05});
  result.cos = s.fma(s.mul(z, z), q, s.fma(z, c32(s, -0.5), c32(s, 1)));
  return result;
}

SinCos sinCosF64(Scalar &s, Value x) {
  SinCos result;
  Value r = reduceQuadrant(s, x, result.quadrant);
  Value z = s.neg(s.mul(r, r));
  double factorial = 1;
  Value p = series(s, z, 9, [&](int i) { return 1 / (factorial *= i ? 2.0 * i * (2 * i + 1) : 1); });
  result.sin = s.mul(r, p);
  factorial = 1;
  result.cos = series(s, z, 9, [&](int i) { return 1 / (factorial *= i ? 2.0 * i * (2 * i - 1) : 1); });
  return result;
}

/// The value of sine in the quadrant, cut to [-1, 1] for arguments that are too large to be reduced.
Value sineOf(Scalar &s, const SinCos &parts, Value quadrant) {
  Value isOdd = s.neI(s.andI(quadrant, int32(s, 1)), int32(s, 0));
  Value isNegative = s.neI(s.andI(quadrant, int32(s, 2)), int32(s, 0));
  Value value = s.select(isOdd, parts.cos, parts.sin);
  return clampF(s, s.select(isNegative, s.neg(value), value), -1, 1);
}

/// arctangent, argument possibly infinite.
Value atanF64(Scalar &s, Value x) {
  Value magnitude = s.absF(x), one = c64(s, 1);
  Value isLarge = s.gtF(magnitude, one);
  Value t = s.select(isLarge, s.divF(one, magnitude), magnitude);
  // tan(pi/8): reduce [0, 1] to |t| <= tan(pi/8)
  constexpr double centre = 0.41421356237309504880;
  Value isUpper = s.gtF(t, c64(s, centre));
  Value moved = s.divF(s.sub(t, one), s.add(t, one));
  t = s.select(isUpper, moved, t);
  Value base = s.select(isUpper, c64(s, kPi / 4), c64(s, 0));
  Value p = series(s, s.neg(s.mul(t, t)), 18, [](int i) { return 1.0 / (2 * i + 1); });
  Value angle = s.fma(t, p, base);
  angle = s.select(isLarge, s.sub(c64(s, kPi / 2), angle), angle);
  return s.copySign(angle, x);
}

Value toF64(Scalar &s, Value x) { return s.resizeF(x, s.f64()); }
Value toF32(Scalar &s, Value x) { return s.resizeF(x, s.f32()); }

/// x + c x^3 where |x| is small, else `otherwise`; as a product, so that -0 stays.
Value cubicNearZero(Scalar &s, Value x, double c, Value otherwise) {
  Value cubic = s.mul(x, s.fma(s.mul(x, x), c64(s, c), c64(s, 1)));
  return s.select(s.ltF(s.absF(x), c64(s, 1e-3)), cubic, otherwise);
}
} // namespace

//===- exp and log -===//

namespace {
constexpr double kMagic = 0x1.8p23; // added to an f32, it leaves the rounded integer in the low bits

struct ReducedExp {
  Value shifted, r; // x = n ln2 + r, shifted = n + kMagic
};

ReducedExp reduceExp(Scalar &s, Value x) {
  Value magic = c32(s, kMagic), shifted = s.fma(x, c32(s, kLog2e), magic), n = s.sub(shifted, magic);
  constexpr double high = 0x1.62e4p-1;
  Value r = s.sub(x, s.mul(n, c32(s, high)));
  return {shifted, s.sub(r, s.mul(n, c32(s, kLn2 - high)))};
}
} // namespace

Value expF32(Scalar &s, Value x) {
  x = clampF(s, x, -104.5, 89); // both ends give 0 and infinity below
  auto [shifted, r] = reduceExp(s, x);
  Value p = s.add(s.fma(s.mul(r, r), expTail(s, r), r), c32(s, 1));
  // 2^n in two steps, so that denormal results and overflow come out right.
  Value exponent = s.sub(s.bits(shifted, s.i32()), s.bits(c32(s, kMagic), s.i32()));
  Value half = s.shrS(exponent, int32(s, 1));
  return s.mul(s.mul(p, powerOfTwo32(s, half)), powerOfTwo32(s, s.sub(exponent, half)));
}

namespace {
/// exp(x) for x in [-88, 89], NaN stays; results below 2^-127 are 0, above 2^127.5 infinity.
Value expNormal(Scalar &s, Value x) {
  auto [shifted, r] = reduceExp(s, x);
  Value p = s.fma(s.fma(r, expTail(s, r), c32(s, 1)), r, c32(s, 1));
  return s.mul(p, powerOfTwo32(s, s.bits(shifted, s.i32()))); // magic's bits are shifted out
}
} // namespace

Value expNegativeF32(Scalar &s, Value x) {
  Value lowest = c32(s, -88);
  return expNormal(s, s.select(s.gtF(lowest, x), lowest, x));
}

Value expm1F32(Scalar &s, Value x) {
  Value isSmall = s.ltF(s.absF(x), c32(s, 0.34));
  Value small = s.fma(s.mul(x, x), expTail(s, x), x);
  return s.select(isSmall, small, s.sub(expF32(s, x), c32(s, 1)));
}

Value logF32(Scalar &s, Value x) {
  Value isDenormal = s.ltF(x, c32(s, 0x1p-126));
  Value scaled = s.select(isDenormal, s.mul(x, c32(s, 0x1p23)), x);
  Value word = s.bits(scaled, s.i32());
  Value e = s.shrS(s.sub(word, int32(s, 0x3f3504f3)), int32(s, 23)); // mantissa in [sqrt(1/2), sqrt(2))
  Value f = s.sub(s.bits(s.sub(word, s.shl(e, int32(s, 23))), s.f32()), c32(s, 1));
  e = s.sub(e, s.select(isDenormal, int32(s, 23), int32(s, 0)));
  Value n = s.toFloatS(e, s.f32());
  Value p = polynomial(s, f,
                       {0.3333331347, -0.2500000894, 0.2000211924, -0.1666799486, 0.1421955526, -0.1240559667,
                        0.1188815311, -0.1167560369, 0.06746603549});
  Value f2 = s.mul(f, f);
  constexpr double high = 0x1.62ep-1;
  Value tail = s.fma(n, c32(s, kLn2 - high), s.mul(s.mul(f2, f), p));
  tail = s.add(s.fma(f2, c32(s, -0.5), tail), f);
  Value result = s.fma(n, c32(s, high), tail);
  Value infinity = c32(s, kInfinity);
  result = s.select(s.eqF(x, infinity), infinity, result);
  result = s.select(s.eqF(x, c32(s, 0)), c32(s, -kInfinity), result);
  return s.select(s.cmp(arith::CmpFPredicate::UGE, x, c32(s, 0)), s.select(s.isNan(x), x, result), c32(s, kNan));
}

Value log1pF32(Scalar &s, Value x) {
  // log(u) * x / (u - 1) with u = 1 + x rounded: the rounding errors of u cancel (Kahan).
  Value one = c32(s, 1), u = s.add(x, one);
  Value difference = s.sub(u, one);
  Value isTiny = s.eqF(difference, c32(s, 0));
  Value isInfinite = s.eqF(x, c32(s, kInfinity));
  Value quotient = s.divF(x, s.select(isTiny, one, difference));
  Value corrected = s.mul(logF32(s, u), quotient);
  return s.select(s.orI(isTiny, isInfinite), x, corrected);
}

//===- sigmoids -===//

Value sigmoidF32(Scalar &s, Value x) {
  return s.divF(c32(s, 1), s.add(c32(s, 1), expNormal(s, clampF(s, s.neg(x), -88, 89))));
}

Value tanhF32(Scalar &s, Value x) {
  Value magnitude = s.absF(x), z = s.mul(x, x);
  Value p = polynomial(s, z, {-0.3333328366, 0.1333149076, -0.05374349654, 0.02065058611, -0.005717043765});
  Value small = s.fma(s.mul(magnitude, z), p, magnitude);
  Value e = expNormal(s, s.mul(clampF(s, magnitude, 0, 10), c32(s, 2)));
  Value large = s.sub(c32(s, 1), s.divF(c32(s, 2), s.add(e, c32(s, 1))));
  return s.copySign(s.select(s.ltF(magnitude, c32(s, 0.625)), small, large), x);
}

Value erfF32(Scalar &s, Value x) {
  Value magnitude = s.absF(x);
  Value p = polynomial(
      s, s.mul(x, x),
      {1.128379226, -0.376126349, 0.1128371507, -0.02686050907, 0.005203859415, -0.0008175639668, 8.513105422e-05});
  Value small = s.mul(magnitude, p);
  // 1 - exp(-q) with q = -log(erfc) fitted on [0.9, 4]
  Value q = polynomial(
      s, clampF(s, magnitude, 0, 4),
      {0.0001779918384, 1.127747297, 0.6370639205, 0.104033336, -0.02227494679, 0.003055014415, -0.0001971148158});
  Value large = s.sub(c32(s, 1), expNormal(s, s.neg(q)));
  return s.copySign(s.select(s.ltF(magnitude, c32(s, 0.9)), small, large), x);
}

Value geluF32(Scalar &s, Value x) {
  // erf(t) = t P(t^2) / Q(t^2) on [-4, 4], t = x / sqrt(2); sqrt(1/2) / 2 and the powers of 1/2 go into the coefficients
  constexpr double p[] = {1.1283791395302012,    0.193537673654433,      0.053100497931210695,
                          0.0038829455332387254, 0.00028454392569066583, 1.98667740521471e-06};
  constexpr double q[] = {
      1.0, 0.5048508564032785, 0.11534669990072138, 0.015206472380416423, 0.0011854495267367502, 3.741791447440273e-05};
  SmallVector<double> above, below;
  for (int i = 0; i < 6; ++i) {
    above.push_back(p[i] * std::ldexp(std::sqrt(0.5) / 2, -i));
    below.push_back(q[i] * std::ldexp(1.0, -i));
  }
  Value z = s.mul(x, x), half = c32(s, 0.5);
  Value inside = s.divF(s.mul(x, polynomial(s, z, above)), polynomial(s, z, below));
  // Beyond, the rounding of erf = -1 would be multiplied by x.
  Value halfErf = s.select(s.ltF(s.absF(x), c32(s, 5.5)), inside, s.copySign(half, x));
  return s.mul(x, s.add(half, halfErf));
}

//===- trigonometry -===//

Value sinF32(Scalar &s, Value x) {
  SinCos parts = sinCosF32(s, x);
  return s.select(s.eqF(x, c32(s, 0)), x, sineOf(s, parts, parts.quadrant)); // -0 stays
}

Value cosF32(Scalar &s, Value x) {
  SinCos parts = sinCosF32(s, x);
  return sineOf(s, parts, s.add(parts.quadrant, int32(s, 1)));
}

Value tanF32(Scalar &s, Value x) {
  SinCos parts = sinCosF64(s, toF64(s, x));
  Value isOdd = s.neI(s.andI(parts.quadrant, int32(s, 1)), int32(s, 0));
  Value numerator = s.select(isOdd, s.neg(parts.cos), parts.sin);
  return toF32(s, s.divF(numerator, s.select(isOdd, parts.sin, parts.cos)));
}

/// asin(x) = atan(x / sqrt(1 - x^2))
static Value asinF64(Scalar &s, Value x) {
  Value one = c64(s, 1);
  return atanF64(s, s.divF(x, s.sqrt(s.mul(s.sub(one, x), s.add(one, x)))));
}

Value asinF32(Scalar &s, Value x) { return toF32(s, asinF64(s, toF64(s, x))); }
Value acosF32(Scalar &s, Value x) { return toF32(s, s.sub(c64(s, kPi / 2), asinF64(s, toF64(s, x)))); }
Value atanF32(Scalar &s, Value x) { return toF32(s, atanF64(s, toF64(s, x))); }

Value sinhF32(Scalar &s, Value x) {
  Value wide = toF64(s, x);
  Value e = expF64(s, s.absF(wide));
  Value large = s.mul(s.sub(e, s.divF(c64(s, 1), e)), c64(s, 0.5));
  return toF32(s, cubicNearZero(s, wide, 1.0 / 6, s.copySign(large, wide)));
}

Value coshF32(Scalar &s, Value x) {
  Value e = expF64(s, s.absF(toF64(s, x)));
  return toF32(s, s.mul(s.add(e, s.divF(c64(s, 1), e)), c64(s, 0.5)));
}

/// log for finite and infinite positive arguments, NaN for negative ones.
static Value logF64(Scalar &s, Value x) {
  Value infinity = c64(s, kInfinity);
  Value result = s.select(s.eqF(x, infinity), infinity, logPositiveF64(s, x));
  result = s.select(s.eqF(x, c64(s, 0)), c64(s, -kInfinity), result);
  return s.select(s.cmp(arith::CmpFPredicate::OGE, x, c64(s, 0)), result, c64(s, kNan));
}

Value asinhF32(Scalar &s, Value x) {
  Value wide = toF64(s, x), magnitude = s.absF(wide);
  Value root = s.sqrt(s.fma(magnitude, magnitude, c64(s, 1)));
  Value large = logF64(s, s.add(magnitude, root));
  return toF32(s, cubicNearZero(s, wide, -1.0 / 6, s.copySign(large, wide)));
}

Value acoshF32(Scalar &s, Value x) {
  Value wide = toF64(s, x), one = c64(s, 1);
  Value root = s.sqrt(s.mul(s.sub(wide, one), s.add(wide, one)));
  // Near 1 in terms of x - 1, which is exact: acosh(1 + d) = log1p(d + sqrt(d (d + 2)))
  Value t = s.add(s.sub(wide, one), root);
  Value cubic = s.mul(t, s.fma(t, s.fma(t, c64(s, 1.0 / 3), c64(s, -0.5)), one));
  Value result = s.select(s.ltF(t, c64(s, 1e-3)), cubic, logF64(s, s.add(wide, root)));
  return toF32(s, s.select(s.ltF(wide, one), c64(s, kNan), result));
}

Value atanhF32(Scalar &s, Value x) {
  Value wide = toF64(s, x), one = c64(s, 1);
  Value large = s.mul(logF64(s, s.divF(s.add(one, wide), s.sub(one, wide))), c64(s, 0.5));
  return toF32(s, cubicNearZero(s, wide, 1.0 / 3, large));
}

//===- two arguments -===//

Value powF32(Scalar &s, Value x, Value y) {
  Value wideX = toF64(s, x), wideY = toF64(s, y), zero = c32(s, 0), one = c32(s, 1);
  Value magnitude = s.absF(wideX);
  Value product = s.mul(wideY, logF64(s, magnitude));
  Value power = toF32(s, expF64(s, product)); // beyond 709 is infinite in f32, below -708 zero
  Value isInteger = s.eqF(s.floorF(y), y);
  Value half = s.mul(y, c32(s, 0.5));
  Value isOdd = s.andI(isInteger, s.cmp(arith::CmpFPredicate::ONE, s.floorF(half), half));
  Value isFinite = s.ltF(s.absF(y), c32(s, kInfinity));
  isOdd = s.andI(isOdd, isFinite);
  Value isNegative = s.ltS(s.bits(x, s.i32()), int32(s, 0)); // -0 too
  Value result = s.select(s.andI(isNegative, isOdd), s.neg(power), power);
  Value isRoot = s.andI(s.andI(s.ltF(x, zero), s.ltF(c32(s, -kInfinity), x)), s.notB(isInteger));
  result = s.select(isRoot, c32(s, kNan), result);
  result = s.select(s.orI(s.isNan(x), s.isNan(y)), c32(s, kNan), result);
  // 1^y and x^0 are 1 for all arguments; so is (-1)^inf.
  Value isMinusOne = s.andI(s.eqF(x, c32(s, -1)), s.notB(s.orI(isFinite, s.isNan(y))));
  Value isOne = s.orI(s.orI(s.eqF(x, one), s.eqF(y, zero)), isMinusOne);
  return s.select(isOne, one, result);
}

Value fmodF32(Scalar &s, Value x, Value y) {
  // The quotient of two f32 rounded to f64 is within one of the true one; x - q * y is exact for quotients below 2^29.
  Value wideX = s.absF(toF64(s, x)), wideY = s.absF(toF64(s, y));
  Value quotient = s.truncF(s.divF(wideX, wideY));
  Value remainder = s.sub(wideX, s.mul(quotient, wideY));
  remainder = s.select(s.ltF(remainder, c64(s, 0)), s.add(remainder, wideY), remainder);
  remainder = s.select(s.cmp(arith::CmpFPredicate::OGE, remainder, wideY), s.sub(remainder, wideY), remainder);
  Value result = s.copySign(toF32(s, remainder), x);
  Value isInfinite = s.eqF(s.absF(y), c32(s, kInfinity));
  Value isFiniteX = s.ltF(s.absF(x), c32(s, kInfinity));
  return s.select(s.andI(isInfinite, isFiniteX), x, result);
}

} // namespace lathe::x86
