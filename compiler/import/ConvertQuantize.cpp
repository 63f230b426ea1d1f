// Quantized operators, computed on exact integers in i32 and rounded where ONNX says so.
#include "compiler/import/Products.h"
#include <cmath>

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

/// Scale or zero point made to broadcast to `x`: per tensor, per `axis`, or per block of `block` elements along it.
Value spread(Node &n, Value value, Value x, int64_t axis, int64_t block) {
  if (!value || !x || rankOf(value) == 0)
    return value;
  if (typeOf(value).hasStaticShape() && typeOf(value).getNumElements() == 1 && rankOf(value) == 1)
    return n.reshape(value, {});
  if (rankOf(value) == 1 && block == 0) {
    DimExprs dims(rankOf(x), n.dim(1));
    dims[axis] = dimsOf(value)[0];
    return n.require(dims[axis], dimsOf(x)[axis]) ? n.reshape(value, dims) : Value();
  }
  if (block <= 0 || rankOf(value) != rankOf(x))
    return n.refuse("expects scale and zero point to be scalars, one per axis or one per block");
  DimExprs dims = dimsOf(value), apart = dims, merged = dims;
  apart.insert(apart.begin() + axis + 1, n.dim(1));
  DimExprs repeated = apart;
  repeated[axis + 1] = n.dim(block);
  merged[axis] = simplifyDim(dims[axis] * block);
  Value whole = n.reshape(n.broadcast(n.reshape(value, apart), repeated), merged);
  return n.sliceAxis(whole, axis, n.dim(0), dimsOf(x)[axis]);
}

struct IntegerRange {
  double low, high;
};
std::optional<IntegerRange> rangeOfType(Type type) {
  if (!isa<IntegerType>(type) || type.getIntOrFloatBitWidth() > 16 || isBool(type))
    return std::nullopt;
  double span = std::ldexp(1.0, int(type.getIntOrFloatBitWidth()));
  return isUnsigned(type) ? IntegerRange{0, span - 1} : IntegerRange{-span / 2, span / 2 - 1};
}

/// saturate(round(x / scale) + zero) as `type`; x and scale floating, zero of any type or null.
Value quantize(Node &n, Value x, Value scale, Value zero, Type type) {
  auto range = type ? rangeOfType(type) : std::nullopt;
  if (!x || !scale || !range)
    return type && !range ? n.refuse("expects an 8- or 16-bit integer result") : Value();
  Value rounded = n.unary(UnaryKind::round, n.div(x, n.cast(scale, elementOf(x))));
  if (rounded && !elementOf(rounded).isF64())
    rounded = n.cast(rounded, n.f32());
  if (zero && rounded)
    rounded = n.add(rounded, n.cast(zero, elementOf(rounded)));
  return n.cast(n.binary(BinaryKind::min, n.binary(BinaryKind::max, rounded, range->low), range->high), type);
}

Values quantizeLinear(Node &n) {
  Value x = n.in(0), scale = n.in(1), zero = n.optional(2);
  if (!x || !scale)
    return {};
  auto axis = n.axis(rankOf(x) > 1 || n.hasAttr("axis") ? n.integer("axis", 1) : 0, std::max<int64_t>(rankOf(x), 1));
  int64_t block = n.integer("block_size", 0), wanted = n.integer("output_dtype", 0);
  if (!axis)
    return {};
  Type type = zero          ? elementOf(zero)
              : wanted != 0 ? n.elementType(wanted)
                            : Type(IntegerType::get(n.context(), 8, IntegerType::Unsigned));
  if (!isFloat(x))
    x = n.cast(x, n.f32());
  return {quantize(n, x, spread(n, scale, x, *axis, block), spread(n, zero, x, *axis, block), type)};
}

/// (x - zero) * scale; integers are subtracted as i32.
Value dequantize(Node &n, Value x, Value scale, Value zero) {
  if (!x || !scale)
    return {};
  if (!isa<IntegerType>(elementOf(x)))
    return n.refuse("expects integers");
  Value wide = n.cast(x, n.i32());
  if (zero)
    wide = n.sub(wide, n.cast(zero, n.i32()));
  return n.mul(n.cast(wide, elementOf(scale)), scale);
}

Values dequantizeLinear(Node &n) {
  Value x = n.in(0), scale = n.in(1);
  if (!x || !scale)
    return {};
  auto axis = n.axis(rankOf(x) > 1 || n.hasAttr("axis") ? n.integer("axis", 1) : 0, std::max<int64_t>(rankOf(x), 1));
  int64_t block = n.integer("block_size", 0);
  if (!axis)
    return {};
  Value zero = n.has(2) ? spread(n, n.in(2), x, *axis, block) : Value();
  Value result = dequantize(n, x, spread(n, scale, x, *axis, block), zero);
  return {n.hasAttr("output_dtype") && n.integer("output_dtype", 0) != 0
              ? n.cast(result, n.elementType(n.integer("output_dtype", 0)))
              : result};
}

//===- integer products -===//

/// x - zero as i32; a zero point per row (lhs) stands beside the last axis but one, per column (rhs) along the last.
Value centered(Node &n, Value x, Value zero, bool isLhs) {
  if (!x)
    return {};
  Value wide = n.cast(x, n.i32());
  if (!zero)
    return wide;
  if (rankOf(zero) == 1 && isLhs && rankOf(x) > 1 && constantDim(dimsOf(zero)[0]) != 1)
    zero = n.unsqueeze(zero, {1});
  return n.sub(wide, n.cast(zero, n.i32()));
}

Values matMulInteger(Node &n) {
  return {matmulAnyRank(n, centered(n, n.in(0), n.optional(2), true), centered(n, n.in(1), n.optional(3), false))};
}

/// A zero point per output channel of a filter.
Value perFilter(Node &n, Value value, Value filter) {
  if (!value || !filter || rankOf(value) != 1)
    return value;
  DimExprs dims{dimsOf(value)[0]};
  dims.append(rankOf(filter) - 1, n.dim(1));
  return n.reshape(value, dims);
}

Value scalarOf(Node &n, Value value) {
  return value && rankOf(value) == 1 && constantDim(dimsOf(value)[0]) == 1 ? n.reshape(value, {}) : value;
}

Values convInteger(Node &n) {
  Value x = n.in(0), filter = n.in(1);
  Value wideX = centered(n, x, scalarOf(n, n.optional(2)), false);
  return {convolve(n, wideX, centered(n, filter, perFilter(n, n.optional(3), filter), false), {})};
}

/// round(sum * (scaleA * scaleB / scaleY)) + zeroY, saturated.
Value requantize(Node &n, Value sum, Value scale, Value scaleY, Value zeroY) {
  if (!sum || !scale || !scaleY || !zeroY)
    return {};
  Value scaled = n.mul(n.cast(sum, n.f32()), n.cast(scale, n.f32()));
  return quantize(n, scaled, n.cast(scalarOf(n, scaleY), n.f32()), scalarOf(n, zeroY), elementOf(zeroY));
}

Value rowScale(Node &n, Value scale) {
  return scale && rankOf(scale) == 1 && constantDim(dimsOf(scale)[0]) != 1 ? n.unsqueeze(scale, {1}) : scale;
}

Values qlinearMatMul(Node &n) {
  Value product = matmulAnyRank(n, centered(n, n.in(0), n.in(2), true), centered(n, n.in(3), n.in(5), false));
  return {requantize(n, product, n.mul(rowScale(n, n.in(1)), n.in(4)), n.in(6), n.in(7))};
}

Values qlinearConv(Node &n) {
  Value x = n.in(0), filter = n.in(3);
  Value sum = convolve(n, centered(n, x, scalarOf(n, n.in(2)), false),
                       centered(n, filter, perFilter(n, n.in(5), filter), false), n.optional(8));
  Value scale = n.mul(scalarOf(n, n.in(1)), scalarOf(n, n.in(4)));
  if (!sum || !scale)
    return {};
  if (rankOf(scale) == 1) {
    DimExprs dims{dimsOf(scale)[0]};
    dims.append(rankOf(sum) - 2, n.dim(1));
    scale = n.reshape(scale, dims);
  }
  return {requantize(n, sum, scale, n.in(6), n.in(7))};
}

constexpr ConverterEntry kTable[] = {
    {"QuantizeLinear", 10, kNewest, quantizeLinear}, {"DequantizeLinear", 10, kNewest, dequantizeLinear},
    {"MatMulInteger", 10, kNewest, matMulInteger},   {"ConvInteger", 10, kNewest, convInteger},
    {"QLinearMatMul", 10, kNewest, qlinearMatMul},   {"QLinearConv", 10, kNewest, qlinearConv},
};

} // namespace

llvm::ArrayRef<ConverterEntry> quantizeConverters() { return kTable; }

} // namespace lathe::importer
