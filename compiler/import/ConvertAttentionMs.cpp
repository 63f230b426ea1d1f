// Attention as ONNX Runtime's transformer optimizer fuses it (com.microsoft): projections of query, key and value by one matrix, or none.
#include "compiler/import/Quantized.h"
#include <cmath>

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

/// What heads are computed from: [B, heads, rows, size].
struct Heads {
  Value query, key, value;
  AffineExpr past; // rows of key and value before those that belong to the query's; null: none

  bool areThere() const { return query && key && value; }
};

bool isRefused(Node &n, StringRef attribute) {
  if (n.integer(attribute, 0) == 0)
    return false;
  n.refuse(attribute + " is not supported");
  return true;
}

/// 0 with an error if there are none.
int64_t headCount(Node &n) {
  int64_t heads = n.integer("num_heads", 0);
  if (heads < 1)
    n.refuse("expects num_heads to be positive, got " + Twine(heads));
  return std::max<int64_t>(heads, 0);
}

/// [B, rows, heads * size] as [B, heads, rows, size].
Value splitHeads(Node &n, Value x, int64_t heads) {
  if (!x || rankOf(x) != 3)
    return x ? n.refuse("expects rank 3, got " + Twine(rankOf(x))) : Value();
  DimExprs dims = dimsOf(x);
  if (auto width = constantDim(dims[2]); width && *width % heads != 0)
    return n.refuse("expects " + Twine(*width) + " channels to be a multiple of num_heads, " + Twine(heads));
  AffineExpr size = exactQuotient(dims[2], n.dim(heads));
  return n.transpose(n.reshape(x, {dims[0], dims[1], n.dim(heads), size}), {0, 2, 1, 3});
}

Value mergeHeads(Node &n, Value x) {
  if (!x)
    return {};
  DimExprs dims = dimsOf(x);
  return n.reshape(n.transpose(x, {0, 2, 1, 3}), {dims[0], dims[2], simplifyDim(dims[1] * dims[3])});
}

/// Widths of query, key and value in `width` columns; empty, with an error, if they don't fit.
Ints projectedWidths(Node &n, AffineExpr width) {
  auto all = constantDim(width);
  Ints given = n.integersOf("qkv_hidden_sizes");
  if (!all || (given.empty() && *all % 3 != 0))
    return n.refuse("expects weights of three times the hidden size"), Ints();
  if (given.empty())
    return {*all / 3, *all / 3, *all / 3};
  if (given.size() != 3 || given[0] < 1 || given[0] != given[1] || given[2] < 1 || given[0] > *all || given[2] > *all ||
      2 * given[0] + given[2] != *all)
    return n.refuse("expects qkv_hidden_sizes to be three sizes whose sum is " + Twine(*all)), Ints();
  return given;
}

//===- masks -===//

/// Added to scores: 0 where a key may be seen, else the node's number for masked ones.
Value addedMask(Node &n, Value isSeen) {
  double filter = n.real("mask_filter_value", -10000.0);
  return isSeen ? n.select(isSeen, n.scalar(0, n.f32()), n.scalar(filter, n.f32())) : Value();
}

/// Entries [first, first + batch) of `limits`, to meet scores.
Value perBatch(Node &n, Value limits, AffineExpr first, AffineExpr batch) {
  return n.reshape(n.sliceAxis(n.cast(limits, n.i64()), 0, first, batch), {batch, n.dim(1), n.dim(1), n.dim(1)});
}

/// Keys before an end of each batch row, and from a start on if there are twice as many numbers.
Value seenByLimits(Node &n, Value limits, AffineExpr batch, AffineExpr keys) {
  Value positions = n.iota({n.dim(1), n.dim(1), n.dim(1), keys}, 3, n.i64());
  bool hasStarts = dimsOf(limits)[0] == simplifyDim(batch * 2);
  if (!hasStarts && !n.require(dimsOf(limits)[0], batch))
    return {};
  Value seen = n.binary(BinaryKind::less, positions, perBatch(n, limits, n.dim(0), batch));
  if (!hasStarts)
    return seen;
  Value starts = perBatch(n, limits, batch, batch);
  return n.binary(BinaryKind::logical_and, seen, n.binary(BinaryKind::greater_equal, positions, starts));
}

/// The mask in any of its forms, to be added to scores [B, heads, rows, keys].
Value maskOf(Node &n, Value mask, AffineExpr batch, AffineExpr rows, AffineExpr keys) {
  if (rankOf(mask) == 1)
    return addedMask(n, seenByLimits(n, mask, batch, keys));
  if (rankOf(mask) > 3)
    return n.refuse("expects a mask of rank 1 to 3, got " + Twine(rankOf(mask)));
  DimExprs dims{batch, n.dim(1), rankOf(mask) == 3 ? rows : n.dim(1), keys}, found = dimsOf(mask);
  if (!n.require(found[0], batch) || !n.require(found.back(), keys) ||
      (rankOf(mask) == 3 && !n.require(found[1], rows)))
    return {};
  return addedMask(n, n.binary(BinaryKind::greater, n.reshape(mask, dims), 0));
}

/// Rows see keys up to their own.
Value causalMask(Node &n, AffineExpr rows, AffineExpr keys, AffineExpr past) {
  Value row = n.iota({n.dim(1), n.dim(1), rows, n.dim(1)}, 2, n.i64());
  if (past)
    row = n.add(row, n.dimValues({past}, /*isScalar=*/true));
  Value key = n.iota({n.dim(1), n.dim(1), n.dim(1), keys}, 3, n.i64());
  Value isSeen = n.binary(BinaryKind::less_equal, key, row);
  return n.select(isSeen, n.scalar(0, n.f32()), n.scalar(std::numeric_limits<float>::lowest(), n.f32()));
}

Value sumOf(Node &n, Value lhs, Value rhs) { return lhs && rhs ? n.add(lhs, rhs) : (lhs ? lhs : rhs); }

//===- the computation -===//

struct Masks {
  Value keys, added; // either may be null: of any form; added to scores as it is
};

/// [B, rows, heads * size of values].
Value attend(Node &n, const Heads &heads, Masks masks) {
  if (!heads.areThere())
    return {};
  DimExprs query = dimsOf(heads.query), key = dimsOf(heads.key);
  auto size = constantDim(query[3]);
  if (!size || *size < 1)
    return n.refuse("expects the size of a head to be known and positive");
  double scale = n.real("scale", 0.0);
  Value mask;
  if (masks.keys && !(mask = maskOf(n, masks.keys, query[0], query[2], key[2])))
    return {};
  if (n.integer("unidirectional", 0) != 0)
    mask = sumOf(n, mask, causalMask(n, query[2], key[2], heads.past));
  if (masks.added && !(mask = sumOf(n, mask, n.cast(masks.added, n.f32()))))
    return {};
  SmallVector<Value> operands{heads.query, heads.key, heads.value};
  if (mask)
    operands.push_back(n.cast(mask, elementOf(heads.query)));
  return mergeHeads(
      n, n.infer("nn.attention", operands, n.floatAttr("scale", scale != 0 ? scale : 1 / std::sqrt(double(*size)))));
}

/// Puts what was computed before in front; `present` gets the whole.
Value withPast(Node &n, Value past, Value now) {
  return past && now ? n.concat({past, now}, 2) : (past ? Value() : now);
}

/// Key or value (`index`) of a state [2, B, heads, rows, size].
Value ofState(Node &n, Value past, int64_t index) {
  if (rankOf(past) != 5)
    return n.refuse("expects a past of rank 5, got " + Twine(rankOf(past)));
  DimExprs dims = dimsOf(past);
  return n.reshape(n.sliceAxis(past, 0, n.dim(index), n.dim(1)), ArrayRef(dims).drop_front());
}

/// What follows the projection [B, rows, widths of query, key and value], for Attention and QAttention.
Values projectedAttention(Node &n, Value projected, Value mask, Value past, Value added) {
  int64_t heads = headCount(n);
  if (!projected || heads == 0 || isRefused(n, "do_rotary") || isRefused(n, "past_present_share_buffer"))
    return {};
  if (rankOf(projected) != 3)
    return {n.refuse("expects an input of rank 3")};
  Ints widths = projectedWidths(n, dimsOf(projected)[2]);
  if (widths.empty())
    return {};
  Value parts[3];
  int64_t start = 0;
  for (auto [part, width] : llvm::zip_equal(parts, widths)) {
    part = splitHeads(n, n.sliceAxis(projected, 2, n.dim(start), n.dim(width)), heads);
    start += width;
  }
  Heads all{parts[0], parts[1], parts[2], {}};
  if (past) {
    all.past = rankOf(past) == 5 ? dimsOf(past)[3] : AffineExpr();
    all.key = withPast(n, ofState(n, past, 0), all.key);
    all.value = withPast(n, ofState(n, past, 1), all.value);
  }
  Value result = attend(n, all, {mask, added});
  if (!result || !n.wants(1))
    return {result};
  return {result, n.concat({n.unsqueeze(all.key, {0}), n.unsqueeze(all.value, {0})}, 0)};
}

Values attention(Node &n) {
  Value product = n.matmul(n.in(0), n.in(1));
  if (n.has(2))
    product = n.add(product, n.in(2));
  return projectedAttention(n, product, n.optional(3), n.optional(4), n.optional(5));
}

/// Attention whose input and weights are 8-bit integers; what follows the projection is f32.
Values qattention(Node &n) {
  Value sums = integerProduct(n, n.in(0), n.optional(6), n.in(1), n.optional(7));
  Value scale = n.mul(scalesIn(n, 3), scalesIn(n, 4)); // one, or one per column of the weights
  Value product =
      n.add(scaledSums(n, sums, scale && typeOf(scale).getNumElements() == 1 ? n.reshape(scale, {}) : scale), n.in(2));
  return projectedAttention(n, product, n.optional(5), n.optional(8), {});
}

//===- MultiHeadAttention -===//

/// Part `index` of x [B, rows, heads, parts, size] as [B, heads, rows, size].
Value packedPart(Node &n, Value x, int64_t index) {
  DimExprs dims = dimsOf(x);
  Value part = n.reshape(n.sliceAxis(x, 3, n.dim(index), n.dim(1)), {dims[0], dims[1], dims[2], dims[4]});
  return n.transpose(part, {0, 2, 1, 3});
}

bool isPacked(Node &n, Value x, int64_t parts) { return x && rankOf(x) == 5 && n.require(dimsOf(x)[3], n.dim(parts)); }

/// Query, key or value of rank 3 with its part of the bias, from column `start` on.
Value biasedHeads(Node &n, Value x, AffineExpr start, int64_t heads) {
  Value bias = n.optional(3);
  if (bias && x && rankOf(x) == 3)
    x = n.add(x, n.sliceAxis(bias, 0, start, dimsOf(x)[2]));
  return splitHeads(n, x, heads);
}

Heads multiHeads(Node &n, int64_t heads) {
  Value query = n.in(0);
  if (!query)
    return {};
  if (isPacked(n, query, 3))
    return {packedPart(n, query, 0), packedPart(n, query, 1), packedPart(n, query, 2), {}};
  if (rankOf(query) != 3)
    return n.refuse("expects a query of rank 3 or 5, got " + Twine(rankOf(query))), Heads();
  AffineExpr width = dimsOf(query)[2];
  Value key = n.in(1), first = biasedHeads(n, query, n.dim(0), heads);
  if (!key || isPacked(n, key, 2))
    return {first, key ? packedPart(n, key, 0) : Value(), key ? packedPart(n, key, 1) : Value(), {}};
  Value value = n.in(2);
  if (value && rankOf(key) == 4 && rankOf(value) == 4) // of another sequence, projected before
    return {first, key, value, {}};
  return {first, biasedHeads(n, key, width, heads), biasedHeads(n, value, simplifyDim(width * 2), heads), {}};
}

Values multiHeadAttention(Node &n) {
  int64_t heads = headCount(n);
  if (heads == 0)
    return {};
  if (n.has(8) || n.has(9) || n.wants(3))
    return {n.refuse("shared buffers, beams and scores as a result are not supported")};
  Heads all = multiHeads(n, heads);
  if (!all.areThere())
    return {};
  if (n.has(6)) {
    all.past = rankOf(n.in(6)) == 4 ? dimsOf(n.in(6))[2] : AffineExpr();
    all.key = withPast(n, n.in(6), all.key);
    all.value = withPast(n, n.in(7), all.value);
  }
  return {attend(n, all, {n.optional(4), n.optional(5)}), all.key, all.value};
}

constexpr llvm::StringLiteral kDomain = "com.microsoft";
constexpr ConverterEntry kTable[] = {
    {"Attention", 1, kNewest, attention, kDomain},
    {"QAttention", 1, kNewest, qattention, kDomain},
    {"MultiHeadAttention", 1, kNewest, multiHeadAttention, kDomain},
};

} // namespace

llvm::ArrayRef<ConverterEntry> attentionMsConverters() { return kTable; }

} // namespace lathe::importer
