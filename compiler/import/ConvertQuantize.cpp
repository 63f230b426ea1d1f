// Quantized operators: nn.quantize and nn.dequantize, and products of 8-bit integers with sums in i32.
#include "compiler/import/Products.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

/// Where scales and zero points belong: all elements, entries along `axis`, or blocks of `block` elements along it.
struct Grid {
  int64_t axis = 0, block = 0;
};

/// The attributes of QuantizeLinear and DequantizeLinear for an input of this rank.
std::optional<Grid> gridOf(Node &n, int64_t rank) {
  auto axis = n.axis(rank > 1 || n.hasAttr("axis") ? n.integer("axis", 1) : 0, std::max<int64_t>(rank, 1));
  if (!axis)
    return std::nullopt;
  return Grid{*axis, n.integer("block_size", 0)};
}

bool isOneElement(Value value) { return typeOf(value).hasStaticShape() && typeOf(value).getNumElements() == 1; }

/// Scale or zero point (may be null) shaped as nn.quantize wants it; null with an error if sizes don't fit.
Value entriesOn(Node &n, Value entries, Value x, Grid grid) {
  if (!entries || rankOf(entries) == 0)
    return entries;
  if (isOneElement(entries) && rankOf(entries) == 1)
    return n.reshape(entries, {});
  if (rankOf(entries) == 1 && grid.block == 0) {
    DimExprs dims(rankOf(x), n.dim(1));
    dims[grid.axis] = dimsOf(entries)[0];
    return n.require(dims[grid.axis], dimsOf(x)[grid.axis]) ? n.reshape(entries, dims) : Value();
  }
  if (grid.block <= 0 || rankOf(entries) != rankOf(x))
    return n.refuse("expects scale and zero point to be scalars, one per axis or one per block");
  DimExprs dims = dimsOf(x);
  dims[grid.axis] = simplifyDim(dims[grid.axis].ceilDiv(grid.block));
  for (auto [found, expected] : llvm::zip_equal(dimsOf(entries), dims))
    if (!n.require(found, expected))
      return {};
  return entries;
}

Value sizedUniform(Node &n, StringRef name, Value input, Value scale, Value zero, Type type, Grid grid) {
  SmallVector<Value> operands{input, scale};
  if (zero)
    operands.push_back(zero);
  bool isBlocked = grid.block > 0 && rankOf(scale) > 0;
  return n.size(name, operands, makeTensorType(dimsOf(input), type),
                {n.intAttr("axis", isBlocked ? grid.axis : 0), n.intAttr("block", isBlocked ? grid.block : 0)});
}

bool isQuantized(Type type) { return isa<IntegerType>(type) && type.getIntOrFloatBitWidth() <= 16 && !isBool(type); }

/// saturate(round(x / scale) + zero) as `type`; zero may be null. Floating operands of other types are computed in f32.
Value quantize(Node &n, Value x, Value scale, Value zero, Type type, Grid grid = {}) {
  if (!x || !scale || !type)
    return {};
  if (!isQuantized(type))
    return n.refuse("expects an 8- or 16-bit integer result");
  Value entries = entriesOn(n, n.cast(scale, n.f32()), x, grid), shift = entriesOn(n, zero, x, grid);
  if (!entries || (zero && !shift))
    return {};
  if (shift && elementOf(shift) != type)
    return n.refuse("expects the zero point to have the result's type");
  return sizedUniform(n, "nn.quantize", n.cast(x, n.f32()), entries, shift, type, grid);
}

/// (x - zero) * scale as the scale's type; zero may be null.
Value dequantize(Node &n, Value x, Value scale, Value zero, Grid grid = {}) {
  if (!x || !scale)
    return {};
  if (!isa<IntegerType>(elementOf(x)) || isBool(elementOf(x)) || elementOf(x).getIntOrFloatBitWidth() > 32)
    return n.refuse("expects integers");
  Value entries = entriesOn(n, n.cast(scale, n.f32()), x, grid), shift = entriesOn(n, zero, x, grid);
  if (!entries || (zero && !shift))
    return {};
  if (shift && elementOf(shift) != elementOf(x))
    return n.refuse("expects the zero point to have the input's type");
  return n.cast(sizedUniform(n, "nn.dequantize", x, entries, shift, n.f32(), grid), elementOf(scale));
}

Values quantizeLinear(Node &n) {
  Value x = n.in(0), scale = n.in(1), zero = n.optional(2);
  auto grid = x && scale ? gridOf(n, rankOf(x)) : std::nullopt;
  if (!grid)
    return {};
  int64_t wanted = n.integer("output_dtype", 0);
  Type type = zero          ? elementOf(zero)
              : wanted != 0 ? n.elementType(wanted)
                            : Type(IntegerType::get(n.context(), 8, IntegerType::Unsigned));
  return {quantize(n, x, scale, zero, type, *grid)};
}

Values dequantizeLinear(Node &n) {
  Value x = n.in(0), scale = n.in(1), zero = n.optional(2);
  auto grid = x && scale ? gridOf(n, rankOf(x)) : std::nullopt;
  if (!grid)
    return {};
  Value result = dequantize(n, x, scale, zero, *grid);
  int64_t wanted = n.integer("output_dtype", 0);
  return {wanted != 0 ? n.cast(result, n.elementType(wanted)) : result};
}

//===- integer products -===//

/// A zero point of an operand of a product: one number, one per row (lhs) or one per column (rhs).
Value zeroOf(Node &n, Value zero, Value operand, bool isLhs) {
  if (!zero || !operand)
    return {};
  if (isOneElement(zero))
    return n.reshape(zero, {});
  return rankOf(zero) == 1 && isLhs && rankOf(operand) > 1 ? n.unsqueeze(zero, {1}) : zero;
}

Value product(Node &n, unsigned a, unsigned zeroA, unsigned b, unsigned zeroB) {
  Value lhs = n.in(a), rhs = n.in(b);
  return matmulAnyRank(n, lhs, rhs, zeroOf(n, n.optional(zeroA), lhs, true), zeroOf(n, n.optional(zeroB), rhs, false));
}

Values matMulInteger(Node &n) { return {product(n, 0, 2, 1, 3)}; }

/// One number as a scalar, one per filter as it is.
Value perFilter(Node &n, Value value) { return value && isOneElement(value) ? n.reshape(value, {}) : value; }

Values convInteger(Node &n) {
  return {convolve(n, n.in(0), n.in(1), {}, perFilter(n, n.optional(2)), perFilter(n, n.optional(3)))};
}

/// sum * scale, rounded and saturated with the scale and zero point of the result.
Value requantize(Node &n, Value sum, Value scale, Value scaleY, Value zeroY) {
  if (!sum || !scale || !scaleY || !zeroY)
    return {};
  Value scaled = sizedUniform(n, "nn.dequantize", sum, n.cast(scale, n.f32()), {}, n.f32(), {});
  return quantize(n, scaled, perFilter(n, scaleY), perFilter(n, zeroY), elementOf(zeroY));
}

Value rowScale(Node &n, Value scale) {
  return scale && !isOneElement(scale) && rankOf(scale) == 1 ? n.unsqueeze(scale, {1}) : scale;
}

Values qlinearMatMul(Node &n) {
  return {requantize(n, product(n, 0, 2, 3, 5), n.mul(rowScale(n, n.in(1)), n.in(4)), n.in(6), n.in(7))};
}

Values qlinearConv(Node &n) {
  Value sum = convolve(n, n.in(0), n.in(3), n.optional(8), perFilter(n, n.in(2)), perFilter(n, n.in(5)));
  Value scale = n.mul(perFilter(n, n.in(1)), perFilter(n, n.in(4)));
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
