// ONNX's quantized operators: nn.quantize and nn.dequantize, and products of 8-bit integers with sums in i32.
#include "compiler/import/NarrowTypes.h"
#include "compiler/import/Products.h"
#include "compiler/import/Quantized.h"
#include "dialects/reference/Evaluate.h"
#include "dialects/reference/Tensor.h"
#include <cmath>

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

/// Where scales and zero points belong: all elements, entries along `axis`, or blocks of `block` elements along it. Those
/// without an axis broadcast as they are.
struct Grid {
  int64_t axis = -1, block = 0;
};

bool isOneElement(Value value) { return typeOf(value).hasStaticShape() && typeOf(value).getNumElements() == 1; }

/// The attributes of QuantizeLinear and DequantizeLinear for an input of this rank. One scale for all has no axis, whatever `axis` says.
std::optional<Grid> gridOf(Node &n, int64_t rank, Value scale) {
  int64_t block = n.integer("block_size", 0);
  if (block == 0 && isOneElement(scale) && rankOf(scale) <= 1)
    return Grid{0, 0};
  auto axis = n.axis(rank > 1 || n.hasAttr("axis") ? n.integer("axis", 1) : 0, std::max<int64_t>(rank, 1));
  if (!axis)
    return std::nullopt;
  return Grid{*axis, block};
}

/// Scale or zero point (may be null) shaped as nn.quantize wants it; null with an error if sizes don't fit.
Value entriesOn(Node &n, Value entries, Value x, Grid grid) {
  if (!entries || rankOf(entries) == 0 || grid.axis < 0)
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

/// What scales may be. Weights of a dead channel may have a scale of 0: they are 0. Weights in blocks, or of 4 bits, may have negative ones:
/// ONNX Runtime makes the largest magnitude of a block the integer -8, which has no positive counterpart.
enum class Scales { positive, notNegative, finite };

bool isScale(float value, Scales scales) {
  return std::isfinite(value) &&
         (scales == Scales::finite || value > 0 || (value == 0 && scales == Scales::notNegative));
}

/// False, with an error, for constant scales that are no scales.
bool areScales(Node &n, Value scale, Scales scales) {
  bool isHalf = scale && elementOf(scale).isF16();
  auto values = isHalf || (scale && elementOf(scale).isF32()) ? reference::constantTensor(scale) : std::nullopt;
  if (!values)
    return true;
  for (int64_t i = 0; i < values->size(); ++i) {
    float value = isHalf ? float(values->data<reference::Half>()[i].value) : values->data<float>()[i];
    if (!isScale(value, scales)) {
      StringRef wanted = scales == Scales::finite ? "finite" : "positive and finite";
      n.refuse("expects scales to be " + wanted + ", got " + std::to_string(value) + " at element " + Twine(i));
      return false;
    }
  }
  return true;
}

bool isQuantized(Type type) { return isa<IntegerType>(type) && type.getIntOrFloatBitWidth() <= 16 && !isBool(type); }

/// saturate(round(x / scale) + zero) as `type`; zero may be null. Floating operands of other types are computed in f32.
Value quantizeOn(Node &n, Value x, Value scale, Value zero, Type type, Grid grid) {
  if (!x || !scale || !type)
    return {};
  if (!isQuantized(type))
    return n.refuse("expects an 8- or 16-bit integer result");
  if (!areScales(n, scale, Scales::positive))
    return {};
  Value entries = entriesOn(n, n.cast(scale, n.f32()), x, grid), shift = entriesOn(n, zero, x, grid);
  if (!entries || (zero && !shift))
    return {};
  if (shift && elementOf(shift) != type)
    return n.refuse("expects the zero point to have the result's type");
  return sizedUniform(n, "nn.quantize", n.cast(x, n.f32()), entries, shift, type, grid);
}

/// (x - zero) * scale as the scale's type; zero may be null.
Value dequantizeOn(Node &n, Value x, Value scale, Value zero, Grid grid, Scales scales = Scales::notNegative) {
  if (!x || !scale)
    return {};
  if (!isa<IntegerType>(elementOf(x)) || isBool(elementOf(x)) || elementOf(x).getIntOrFloatBitWidth() > 32)
    return n.refuse("expects integers");
  if (!areScales(n, scale, scales))
    return {};
  Value entries = entriesOn(n, n.cast(scale, n.f32()), x, grid), shift = entriesOn(n, zero, x, grid);
  if (!entries || (zero && !shift))
    return {};
  if (shift && elementOf(shift) != elementOf(x))
    return n.refuse("expects the zero point to have the input's type");
  return n.cast(sizedUniform(n, "nn.dequantize", x, entries, shift, n.f32(), grid), elementOf(scale));
}

//===- narrow floats -===//

Value blockless(Node &n, Value entries, Value x, Grid grid) {
  return grid.block > 0 ? n.refuse("blocks of narrow floats are not supported") : entriesOn(n, entries, x, grid);
}

/// x / scale + 0 as bits of a narrow float: the zero point is always 0, and makes 0 of -0.
Value quantizeToFloat(Node &n, Value x, Value scale, int32_t type, Grid grid) {
  Value quotient = n.div(n.cast(x, n.f32()), blockless(n, n.cast(scale, n.f32()), x, grid));
  Value isZero = n.binary(BinaryKind::equal, quotient, 0);
  quotient = n.select(isZero, n.scalar(0, n.f32()), quotient);
  return encodedFloat(n, quotient, type, n.integer("saturate", 1) != 0);
}

Value dequantizeFloat(Node &n, Value x, Value scale, Value zero, Grid grid) {
  Value numbers = decodedFloat(n, x, n.narrow(0));
  if (zero)
    numbers = n.sub(numbers, decodedFloat(n, blockless(n, zero, x, grid), n.narrow(0)));
  return n.cast(n.mul(numbers, blockless(n, n.cast(scale, n.f32()), x, grid)), elementOf(scale));
}

//===- QuantizeLinear and DequantizeLinear -===//

Values quantizeLinear(Node &n) {
  Value x = n.in(0), scale = n.in(1), zero = n.optional(2);
  auto grid = x && scale ? gridOf(n, rankOf(x), scale) : std::nullopt;
  if (!grid)
    return {};
  int64_t wanted = n.integer("output_dtype", 0);
  int32_t narrow = zero ? n.narrow(2) : narrowBits(int32_t(wanted)) != 0 ? int32_t(wanted) : 0;
  n.narrowResult = narrow;
  if (isNarrowFloat(narrow))
    return {quantizeToFloat(n, x, scale, narrow, *grid)};
  Type type = zero          ? elementOf(zero)
              : wanted != 0 ? n.elementType(wanted)
                            : Type(IntegerType::get(n.context(), 8, IntegerType::Unsigned));
  return {saturatedNarrow(n, quantizeOn(n, x, scale, zero, type, *grid), narrow)};
}

Values dequantizeLinear(Node &n) {
  Value x = n.in(0), scale = n.in(1), zero = n.optional(2);
  auto grid = x && scale ? gridOf(n, rankOf(x), scale) : std::nullopt;
  if (!grid)
    return {};
  Scales scales = grid->block > 0 || n.narrow(0) != 0 ? Scales::finite : Scales::notNegative;
  Value result = isNarrowFloat(n.narrow(0)) ? dequantizeFloat(n, x, scale, zero, *grid)
                                            : dequantizeOn(n, x, scale, zero, *grid, scales);
  int64_t wanted = n.integer("output_dtype", 0);
  return {wanted != 0 ? n.cast(result, n.elementType(wanted)) : result};
}

//===- what Quantized.h gives to others -===//

/// One number as a scalar, others as they are; null stays null.
Value scalarOrEntries(Node &n, Value value) { return value && isOneElement(value) ? n.reshape(value, {}) : value; }

} // namespace

Value scalesIn(Node &n, unsigned index, bool mayBeNegative) {
  Value scale = n.in(index);
  return areScales(n, scale, mayBeNegative ? Scales::finite : Scales::notNegative) ? scale : Value();
}

Value quantized(Node &n, Value x, Value scale, Value zero, Type type) {
  if (!areScales(n, scale, Scales::positive))
    return {};
  return quantizeOn(n, x, scalarOrEntries(n, scale), scalarOrEntries(n, zero), type, {});
}

Value dequantized(Node &n, Value x, Value scale, Value zero) {
  if (!areScales(n, scale, Scales::notNegative))
    return {};
  return dequantizeOn(n, x, scalarOrEntries(n, scale), scalarOrEntries(n, zero), {});
}

Value dequantizedBlocks(Node &n, Value x, Value scales, Value zeros, int64_t axis, int64_t block) {
  return dequantizeOn(n, x, scales, zeros, {axis, block}, Scales::finite);
}

Value unpackedLast(Node &n, Value bytes, int64_t bits) {
  if (bits == 8 || !bytes)
    return bytes;
  SmallVector<Value> planes;
  int64_t rank = rankOf(bytes);
  for (int64_t shift = 0; shift < 8; shift += bits) {
    Value moved = shift == 0 ? bytes : n.binary(BinaryKind::shift_right, bytes, double(shift));
    planes.push_back(n.unsqueeze(n.binary(BinaryKind::bit_and, moved, double((1 << bits) - 1)), {rank}));
  }
  DimExprs dims = dimsOf(bytes);
  dims.back() = simplifyDim(dims.back() * (8 / bits));
  return n.reshape(n.concat(planes, rank), dims);
}

Dynamic quantizedDynamically(Node &n, Value given) {
  Value x = n.cast(given, n.f32());
  Ints axes;
  for (int64_t i = 0; x && i < rankOf(x); ++i)
    axes.push_back(i);
  Value low = n.binary(BinaryKind::min, n.reduce(ReduceKind::min, x, axes, /*keepdims=*/false), 0);
  Value high = n.binary(BinaryKind::max, n.reduce(ReduceKind::max, x, axes, /*keepdims=*/false), 0);
  Value range = n.sub(high, low);
  if (!range)
    return {};
  Value scale =
      n.select(n.binary(BinaryKind::equal, range, 0), n.scalar(1, n.f32()), n.binary(BinaryKind::div, range, 255));
  Value zero = n.sub(n.scalar(0, n.f32()), n.div(low, scale));
  zero = n.unary(UnaryKind::round, n.binary(BinaryKind::min, n.binary(BinaryKind::max, zero, 0), 255));
  zero = n.cast(zero, IntegerType::get(n.context(), 8, IntegerType::Unsigned));
  return {quantized(n, x, scale, zero, zero ? elementOf(zero) : Type()), scale, zero};
}

Value perRow(Node &n, Value entries) {
  if (!entries || isOneElement(entries))
    return scalarOrEntries(n, entries);
  return rankOf(entries) == 1 ? n.unsqueeze(entries, {1}) : entries;
}

Value integerProduct(Node &n, Value lhs, Value zeroLhs, Value rhs, Value zeroRhs) {
  Value rowZero = lhs && rankOf(lhs) > 1 ? perRow(n, zeroLhs) : scalarOrEntries(n, zeroLhs);
  return matmulAnyRank(n, lhs, rhs, rowZero, scalarOrEntries(n, zeroRhs));
}

Value integerConvolution(Node &n, Value input, Value zeroInput, Value filter, Value zeroFilter, Value bias) {
  return convolve(n, input, filter, bias, scalarOrEntries(n, zeroInput), scalarOrEntries(n, zeroFilter));
}

Value perChannel(Node &n, Value scale, Value sums) {
  Value entries = scalarOrEntries(n, scale);
  if (!entries || !sums || rankOf(entries) != 1)
    return entries;
  DimExprs dims{dimsOf(entries)[0]};
  dims.append(rankOf(sums) - 2, n.dim(1));
  return n.reshape(entries, dims);
}

Value scaledSums(Node &n, Value sums, Value scale) {
  return sums && scale ? sizedUniform(n, "nn.dequantize", sums, n.cast(scale, n.f32()), {}, n.f32(), {}) : Value();
}

Value requantized(Node &n, Value sums, Value scale, Value resultScale, Value resultZero) {
  if (!resultZero)
    return {};
  return quantized(n, scaledSums(n, sums, scale), resultScale, resultZero, elementOf(resultZero));
}

namespace {

Values dynamicQuantizeLinear(Node &n) {
  Dynamic result = quantizedDynamically(n, n.in(0));
  return {result.integers, result.scale, result.zero};
}

Values matMulInteger(Node &n) { return {integerProduct(n, n.in(0), n.optional(2), n.in(1), n.optional(3))}; }

Values convInteger(Node &n) { return {integerConvolution(n, n.in(0), n.optional(2), n.in(1), n.optional(3))}; }

Values qlinearMatMul(Node &n) {
  Value scale = n.mul(perRow(n, scalesIn(n, 1)), scalarOrEntries(n, scalesIn(n, 4)));
  return {requantized(n, integerProduct(n, n.in(0), n.in(2), n.in(3), n.in(5)), scale, n.in(6), n.in(7))};
}

Values qlinearConv(Node &n) {
  Value sums = integerConvolution(n, n.in(0), n.in(2), n.in(3), n.in(5), n.optional(8));
  Value scale = n.mul(scalarOrEntries(n, scalesIn(n, 1)), scalarOrEntries(n, scalesIn(n, 4)));
  return {requantized(n, sums, perChannel(n, scale, sums), n.in(6), n.in(7))};
}

constexpr ConverterEntry kTable[] = {
    {"QuantizeLinear", 10, kNewest, quantizeLinear},
    {"DequantizeLinear", 10, kNewest, dequantizeLinear},
    {"QuantizeLinear", 1, kNewest, quantizeLinear, "com.microsoft"},
    {"DequantizeLinear", 1, kNewest, dequantizeLinear, "com.microsoft"},
    {"DynamicQuantizeLinear", 11, kNewest, dynamicQuantizeLinear},
    {"MatMulInteger", 10, kNewest, matMulInteger},
    {"ConvInteger", 10, kNewest, convInteger},
    {"QLinearMatMul", 10, kNewest, qlinearMatMul},
    {"QLinearConv", 10, kNewest, qlinearConv},
};

} // namespace

llvm::ArrayRef<ConverterEntry> quantizeConverters() { return kTable; }

} // namespace lathe::importer
