#include "backends/x86/Elements.h"
#include "backends/x86/FloatMath.h"
#include <limits>

using namespace mlir;

namespace lathe::x86 {

namespace {
bool isFloat(Type type) { return isa<FloatType>(type); }

Value clampUnit(EmitContext &c, Value x) {
  Value zero = c.real(0, x.getType()), one = c.real(1, x.getType());
  x = c.select(c.ltF(x, zero), zero, x);
  return c.select(c.gtF(x, one), one, x);
}

using F32Function = Value (*)(Scalar &, Value);
struct MathFunction {
  F32Function f32;
  lathe_unary_index f64;
};

std::optional<MathFunction> mathFunction(nn::UnaryKind kind) {
  switch (kind) {
  case nn::UnaryKind::exp:
    return MathFunction{expF32, LATHE_UNARY_EXP};
  case nn::UnaryKind::log:
    return MathFunction{logF32, LATHE_UNARY_LOG};
  case nn::UnaryKind::sin:
    return MathFunction{sinF32, LATHE_UNARY_SIN};
  case nn::UnaryKind::cos:
    return MathFunction{cosF32, LATHE_UNARY_COS};
  case nn::UnaryKind::tan:
    return MathFunction{tanF32, LATHE_UNARY_TAN};
  case nn::UnaryKind::asin:
    return MathFunction{asinF32, LATHE_UNARY_ASIN};
  case nn::UnaryKind::acos:
    return MathFunction{acosF32, LATHE_UNARY_ACOS};
  case nn::UnaryKind::atan:
    return MathFunction{atanF32, LATHE_UNARY_ATAN};
  case nn::UnaryKind::sinh:
    return MathFunction{sinhF32, LATHE_UNARY_SINH};
  case nn::UnaryKind::cosh:
    return MathFunction{coshF32, LATHE_UNARY_COSH};
  case nn::UnaryKind::tanh:
    return MathFunction{tanhF32, LATHE_UNARY_TANH};
  case nn::UnaryKind::asinh:
    return MathFunction{asinhF32, LATHE_UNARY_ASINH};
  case nn::UnaryKind::acosh:
    return MathFunction{acoshF32, LATHE_UNARY_ACOSH};
  case nn::UnaryKind::atanh:
    return MathFunction{atanhF32, LATHE_UNARY_ATANH};
  case nn::UnaryKind::erf:
    return MathFunction{erfF32, LATHE_UNARY_ERF};
  default:
    return std::nullopt;
  }
}

Value emitMath(EmitContext &c, nn::UnaryKind kind, Value x) {
  MathFunction function = *mathFunction(kind);
  return x.getType().isF64() ? c.callUnary(function.f64, x) : function.f32(c, x);
}

Value emitExpm1(EmitContext &c, Value x) {
  return x.getType().isF64() ? c.callUnary(LATHE_UNARY_EXPM1, x) : expm1F32(c, x);
}

Value emitSigmoid(EmitContext &c, Value x) {
  Value one = c.real(1, x.getType());
  return x.getType().isF64() ? c.divF(one, c.add(one, emitExp(c, c.neg(x)))) : sigmoidF32(c, x);
}

Value emitIntegerUnary(EmitContext &c, nn::UnaryKind kind, Value x, bool isUnsigned) {
  Value zero = c.integer(0, x.getType()), one = c.integer(1, x.getType());
  Value isNegative = isUnsigned ? c.boolean(false) : c.ltS(x, zero);
  switch (kind) {
  case nn::UnaryKind::abs:
    return c.select(isNegative, c.neg(x), x);
  case nn::UnaryKind::neg:
    return c.neg(x);
  case nn::UnaryKind::sign:
    return c.select(isNegative, c.neg(one), c.select(c.eqI(x, zero), zero, one));
  case nn::UnaryKind::relu:
    return c.select(isNegative, zero, x);
  case nn::UnaryKind::logical_not:
  case nn::UnaryKind::bitwise_not:
    return c.xorI(x, c.integer(-1, x.getType()));
  default: // rounding and the like change no integer
    return x;
  }
}

/// max(x, 0) + log(1 + exp(-|x|))
Value emitSoftplus(EmitContext &c, Value x) {
  Value zero = c.real(0, x.getType());
  Value t = emitExpNegative(c, c.neg(c.absF(x)));
  Value tail = x.getType().isF64() ? c.callUnary(LATHE_UNARY_LOG1P, t) : log1pF32(c, t);
  return c.add(c.select(c.ltF(x, zero), zero, x), tail);
}

/// x tanh(softplus(x)) = x n / (n + 2) with n = e^2x + 2 e^x
Value emitMish(EmitContext &c, Value x) {
  Value bound = c.real(20, x.getType()), two = c.real(2, x.getType());
  Value isLarge = c.gtF(x, bound);
  Value e = emitExp(c, c.select(isLarge, bound, x));
  Value n = c.mul(e, c.add(e, two));
  return c.select(isLarge, x, c.divF(c.mul(x, n), c.add(n, two)));
}

Value emitGeluTanh(EmitContext &c, Value x) {
  // 0.5 x (1 + tanh u) = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)
  Type type = x.getType();
  Value cubic =
      c.fma(c.mul(x, x), c.real(2 * 0.7978845608028654 * 0.044715, type), c.real(2 * 0.7978845608028654, type));
  return c.mul(x, emitSigmoid(c, c.mul(x, cubic)));
}

Value emitGelu(EmitContext &c, Value x) {
  Type type = x.getType();
  if (!type.isF64())
    return geluF32(c, x);
  Value scaled = emitMath(c, nn::UnaryKind::erf, c.mul(x, c.real(0.70710678118654752440, type)));
  return c.mul(c.mul(x, c.real(0.5, type)), c.add(c.real(1, type), scaled));
}

Value emitSign(EmitContext &c, Value x) {
  Value zero = c.real(0, x.getType());
  Value negative = c.select(c.ltF(x, zero), c.real(-1, x.getType()), x); // zero and NaN stay
  return c.select(c.gtF(x, zero), c.real(1, x.getType()), negative);
}

Value emitIsInf(EmitContext &c, Value x, bool positive, bool negative) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Value isPositive = positive ? c.eqF(x, c.real(infinity, x.getType())) : c.boolean(false);
  Value isNegative = negative ? c.eqF(x, c.real(-infinity, x.getType())) : c.boolean(false);
  return c.orI(isPositive, isNegative);
}
} // namespace

Value emitExp(EmitContext &c, Value x) { return emitMath(c, nn::UnaryKind::exp, x); }
Value emitExpNegative(EmitContext &c, Value x) { return x.getType().isF64() ? emitExp(c, x) : expNegativeF32(c, x); }
Value emitLog(EmitContext &c, Value x) { return emitMath(c, nn::UnaryKind::log, x); }

Value emitUnary(EmitContext &c, nn::UnaryKind kind, Value x, Type elementType, double alpha, double beta) {
  if (!isFloat(elementType))
    return emitIntegerUnary(c, kind, x, isUnsigned(elementType));
  if (mathFunction(kind))
    return emitMath(c, kind, x);
  Type type = x.getType();
  auto real = [&](double value) { return c.real(value, type); };
  Value zero = real(0), one = real(1), isNegative = c.ltF(x, zero);
  switch (kind) {
  case nn::UnaryKind::abs:
    return c.absF(x);
  case nn::UnaryKind::neg:
    return c.neg(x);
  case nn::UnaryKind::ceil:
    return c.ceilF(x);
  case nn::UnaryKind::floor:
    return c.floorF(x);
  case nn::UnaryKind::round:
    return c.roundF(x);
  case nn::UnaryKind::sign:
    return emitSign(c, x);
  case nn::UnaryKind::sqrt:
    return c.sqrt(x);
  case nn::UnaryKind::reciprocal:
    return c.divF(one, x);
  case nn::UnaryKind::sigmoid:
    return emitSigmoid(c, x);
  case nn::UnaryKind::relu:
    return c.select(isNegative, zero, x);
  case nn::UnaryKind::leaky_relu:
    return c.select(isNegative, c.mul(x, real(alpha)), x);
  case nn::UnaryKind::elu:
    return c.select(isNegative, c.mul(emitExpm1(c, x), real(alpha)), x);
  case nn::UnaryKind::celu:
    return c.select(isNegative, c.mul(emitExpm1(c, c.divF(x, real(alpha))), real(alpha)), x);
  case nn::UnaryKind::selu:
    return c.mul(real(beta), c.select(isNegative, c.mul(emitExpm1(c, x), real(alpha)), x));
  case nn::UnaryKind::softplus:
    return emitSoftplus(c, x);
  case nn::UnaryKind::softsign:
    return c.divF(x, c.add(one, c.absF(x)));
  case nn::UnaryKind::hard_sigmoid:
    return clampUnit(c, c.fma(x, real(alpha), real(beta)));
  case nn::UnaryKind::hard_swish:
    return c.mul(x, clampUnit(c, c.fma(x, real(1.0 / 6), real(0.5))));
  case nn::UnaryKind::mish:
    return emitMish(c, x);
  case nn::UnaryKind::gelu:
    return emitGelu(c, x);
  case nn::UnaryKind::gelu_tanh:
    return emitGeluTanh(c, x);
  case nn::UnaryKind::swish:
    return c.mul(x, emitSigmoid(c, alpha == 1 ? x : c.mul(x, real(alpha))));
  case nn::UnaryKind::thresholded_relu:
    return c.select(c.gtF(x, real(alpha)), x, zero);
  case nn::UnaryKind::shrink: {
    Value right = c.select(c.gtF(x, real(alpha)), c.sub(x, real(beta)), zero);
    return c.select(c.ltF(x, real(-alpha)), c.add(x, real(beta)), right);
  }
  case nn::UnaryKind::is_nan:
    return c.isNan(x);
  case nn::UnaryKind::is_inf:
    return emitIsInf(c, x, alpha != 0, beta != 0);
  default: // logical_not and bitwise_not have no floats
    return x;
  }
}

//===- operations -===//

Value element(EmitContext &c, nn::ConstantOp op, IndexList indices) {
  auto value = cast<DenseElementsAttr>(op.getValue());
  Type type = computedType(value.getElementType());
  auto toScalar = [&](Attribute attr) -> Value {
    if (auto real = dyn_cast<FloatAttr>(attr))
      return c.real(real.getValueAsDouble(), type);
    return c.integer(cast<IntegerAttr>(attr).getValue().getSExtValue(), type);
  };
  if (value.isSplat())
    return toScalar(value.getSplatValue<Attribute>());
  // Few elements: a chain of choices by the element's number.
  Value number = c.linearize(indices, c.dims(op.getOutput()));
  Value result;
  for (auto [i, attr] : llvm::enumerate(value.getValues<Attribute>()))
    result = result ? c.select(c.eqI(number, c.index(i)), toScalar(attr), result) : toScalar(attr);
  return result ? result : c.number(0, type);
}

Value element(EmitContext &c, nn::UnaryOp op, IndexList indices) {
  Value x = c.elementAt(op.getInput(), indices);
  return emitUnary(c, op.getKind(), x, elementType(op.getInput()), op.getAlpha().convertToDouble(),
                   op.getBeta().convertToDouble());
}

Value element(EmitContext &c, nn::BinaryOp op, IndexList indices) {
  Value x = broadcastElement(c, op.getLhs(), indices), y = broadcastElement(c, op.getRhs(), indices);
  return emitBinary(c, op.getKind(), x, y, elementType(op.getLhs()), elementType(op.getRhs()));
}

Value element(EmitContext &c, nn::SelectOp op, IndexList indices) {
  Value condition = broadcastElement(c, op.getCondition(), indices);
  Value lhs = broadcastElement(c, op.getLhs(), indices), rhs = broadcastElement(c, op.getRhs(), indices);
  return c.select(condition, lhs, rhs);
}

Value element(EmitContext &c, nn::CastOp op, IndexList indices) {
  return emitCast(c, c.elementAt(op.getInput(), indices), elementType(op.getInput()), elementType(op.getOutput()));
}

Value element(EmitContext &c, nn::BitcastOp op, IndexList indices) {
  Type from = elementType(op.getInput()), to = elementType(op.getOutput());
  Value raw = c.toStorage(c.elementAt(op.getInput(), indices), from);
  if (to.isInteger(1))
    return c.neI(raw, c.integer(0, c.i8()));
  return c.fromStorage(c.bits(raw, storageType(to)), to);
}

} // namespace lathe::x86
