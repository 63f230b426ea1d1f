// Normalizations.
#include "compiler/import/Standard.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

/// [C] as [C, 1, ..], to meet the channels of an [N, C, ..] input.
Value perChannel(Node &n, Value value, int64_t rank) {
  if (!value || rank < 2)
    return value;
  DimExprs dims = dimsOf(value);
  dims.append(rank - 2, n.dim(1));
  return n.reshape(value, dims);
}

double epsilonOf(Node &n) { return n.real("epsilon", 1e-5f); }

/// x * (scale / sqrt(var + epsilon)) + (bias - mean * that): the factors are constants in a trained model.
Values batchNormalization(Node &n) {
  Value x = n.in(0), scale = n.in(1), bias = n.in(2), mean = n.in(3), variance = n.in(4);
  if (!x || !variance)
    return {};
  if (n.integer("training_mode", 0) != 0 || n.wants(1))
    return {n.refuse("training is not supported")};
  Type type = elementOf(x);
  auto wide = [&](Value value) { return n.cast(value, type); };
  Value deviation = n.unary(UnaryKind::sqrt, n.binary(BinaryKind::add, wide(variance), epsilonOf(n)));
  Value factor = n.div(wide(scale), deviation);
  Value offset = n.sub(wide(bias), n.mul(wide(mean), factor));
  int64_t rank = rankOf(x);
  return {n.add(n.mul(x, perChannel(n, factor, rank)), perChannel(n, offset, rank))};
}

/// Normalizes each of `groups` runs of channels over everything but the batch.
Value normalizeGroups(Node &n, Value x, AffineExpr groups) {
  DimExprs dims = dimsOf(x);
  AffineExpr inner = exactQuotient(dimProduct(ArrayRef(dims).drop_front(), n.context()), groups);
  return n.reshape(layerNorm(n, n.reshape(x, {dims[0], groups, inner}), {}, {}, 2, epsilonOf(n)), dims);
}

Values instanceNormalization(Node &n) {
  Value x = n.in(0), scale = n.in(1), bias = n.in(2);
  if (!x || rankOf(x) < 3)
    return {x ? n.refuse("expects rank 3 or more") : Value()};
  Value normal = normalizeGroups(n, x, dimsOf(x)[1]);
  return {n.add(n.mul(normal, perChannel(n, scale, rankOf(x))), perChannel(n, bias, rankOf(x)))};
}

/// Scale and bias are per group in opset 18, per channel since 21.
Value perGroup(Node &n, Value value, AffineExpr channels, int64_t groups) {
  if (!value || constantDim(dimsOf(value)[0]) != groups || constantDim(channels) == groups)
    return value;
  AffineExpr each = exactQuotient(channels, n.dim(groups));
  return n.reshape(n.broadcast(n.reshape(value, {n.dim(groups), n.dim(1)}), {n.dim(groups), each}), channels);
}

Values groupNormalization(Node &n) {
  Value x = n.in(0), scale = n.in(1), bias = n.in(2);
  int64_t groups = n.integer("num_groups", 0);
  if (!x || !scale || !bias || rankOf(x) < 2 || groups < 1)
    return {x && bias ? n.refuse("expects rank 2 or more and positive num_groups") : Value()};
  AffineExpr channels = dimsOf(x)[1];
  if (auto count = constantDim(channels); count && *count % groups != 0)
    return {n.refuse("expects channels to be a multiple of num_groups, got " + Twine(*count))};
  if (rankOf(scale) != 1 || rankOf(bias) != 1)
    return {n.refuse("expects scale and bias of rank 1")};
  Value normal = normalizeGroups(n, x, n.dim(groups));
  if (n.version < 21) {
    scale = perGroup(n, scale, channels, groups);
    bias = perGroup(n, bias, channels, groups);
  }
  return {n.add(n.mul(normal, perChannel(n, scale, rankOf(x))), perChannel(n, bias, rankOf(x)))};
}

Ints axesFrom(int64_t axis, int64_t rank) {
  Ints axes;
  for (int64_t i = axis; i < rank; ++i)
    axes.push_back(i);
  return axes;
}

Values layerNormalization(Node &n) {
  Value x = n.in(0);
  auto axis = x ? n.axis(n.integer("axis", -1), rankOf(x)) : std::nullopt;
  if (!axis)
    return {};
  Value result = layerNorm(n, x, n.in(1), n.optional(2), *axis, epsilonOf(n));
  if (!result || (!n.wants(1) && !n.wants(2)))
    return {result};
  Ints axes = axesFrom(*axis, rankOf(x));
  Value mean = n.reduce(ReduceKind::mean, x, axes, /*keepdims=*/true), centered = n.sub(x, mean);
  Value variance = n.reduce(ReduceKind::mean, n.mul(centered, centered), axes, /*keepdims=*/true);
  Value deviation = n.unary(UnaryKind::sqrt, n.binary(BinaryKind::add, variance, epsilonOf(n)));
  return {result, mean, n.unary(UnaryKind::reciprocal, deviation)};
}

Values rmsNormalization(Node &n) {
  Value x = n.in(0);
  auto axis = x ? n.axis(n.integer("axis", -1), rankOf(x)) : std::nullopt;
  return {axis ? layerNorm(n, x, n.in(1), {}, *axis, epsilonOf(n), /*isRms=*/true) : Value()};
}

/// com.microsoft: normalizes input + skip (+ bias); the sum is output 3.
template <bool isRms> Values skipLayerNormalization(Node &n) {
  Value x = n.in(0), sum = n.add(x, n.in(1));
  Value beta = isRms ? Value() : n.optional(3), bias = n.optional(isRms ? 3 : 4);
  if (bias)
    sum = n.add(sum, bias);
  if (!sum)
    return {};
  Value result = layerNorm(n, sum, n.in(2), beta, rankOf(sum) - 1, n.real("epsilon", 1e-12f), isRms);
  return {result, {}, {}, sum};
}

/// Zero where the norm is zero.
Values lpNormalization(Node &n) {
  Value x = n.in(0);
  auto axis = x ? n.axis(n.integer("axis", -1), rankOf(x)) : std::nullopt;
  int64_t p = n.integer("p", 2);
  if (!axis || (p != 1 && p != 2))
    return {axis ? n.refuse("expects p to be 1 or 2, got " + Twine(p)) : Value()};
  Value norm = n.reduce(p == 1 ? ReduceKind::l1 : ReduceKind::l2, x, *axis, /*keepdims=*/true);
  Value isZero = norm ? n.binary(BinaryKind::equal, norm, 0) : Value();
  return {isZero ? n.div(x, n.select(isZero, n.scalar(1, elementOf(x)), norm)) : Value()};
}

Values lrn(Node &n) {
  return {n.infer("nn.lrn", n.in(0),
                  {n.intAttr("size", n.integer("size", 0)), n.floatAttr("alpha", n.real("alpha", 1e-4f)),
                   n.floatAttr("beta", n.real("beta", 0.75)), n.floatAttr("bias", n.real("bias", 1.0))})};
}

constexpr ConverterEntry kTable[] = {
    {"BatchNormalization", 7, kNewest, batchNormalization},
    {"InstanceNormalization", 6, kNewest, instanceNormalization},
    {"GroupNormalization", 18, kNewest, groupNormalization},
    {"LayerNormalization", 17, kNewest, layerNormalization},
    {"LayerNormalization", 1, 16, layerNormalization},
    {"RMSNormalization", 23, kNewest, rmsNormalization},
    {"SimplifiedLayerNormalization", 1, kNewest, rmsNormalization},
    {"SkipLayerNormalization", 1, kNewest, skipLayerNormalization<false>, "com.microsoft"},
    {"SkipSimplifiedLayerNormalization", 1, kNewest, skipLayerNormalization<true>, "com.microsoft"},
    {"LpNormalization", 1, kNewest, lpNormalization},
    {"LRN", 1, kNewest, lrn},
};

} // namespace

llvm::ArrayRef<ConverterEntry> normConverters() { return kTable; }

} // namespace lathe::importer
