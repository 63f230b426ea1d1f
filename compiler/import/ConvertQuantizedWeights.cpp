// Products whose weights are integers of a few bits, several in a byte: com.microsoft MatMulNBits.
#include "compiler/import/Products.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

/// Sizes of a MatMulNBits node: weights [columns, depth] in blocks of `block` along the depth.
struct Blocks {
  int64_t depth = 0, columns = 0, bits = 0, block = 0;
  int64_t count() const { return llvm::divideCeil(depth, block); } // of a column
  int64_t perByte() const { return 8 / bits; }
  int64_t bytesOf(int64_t integers) const { return llvm::divideCeil(integers, perByte()); }
};

std::optional<Blocks> blocksOf(Node &n) {
  Blocks b{n.integer("K", 0), n.integer("N", 0), n.integer("bits", 4), n.integer("block_size", 0)};
  constexpr int64_t mostSize = int64_t(1) << 31, mostBlock = int64_t(1) << 20;
  if (b.bits != 4 && b.bits != 8)
    n.refuse("expects weights of 4 or 8 bits, got " + Twine(b.bits));
  else if (b.depth <= 0 || b.columns <= 0 || b.depth >= mostSize || b.columns >= mostSize)
    n.refuse("expects K and N to be positive and below 2^31");
  else if (b.block < 16 || b.block > mostBlock || (b.block & (b.block - 1)) != 0)
    n.refuse("expects block_size to be a power of two from 16 on, got " + Twine(b.block));
  else
    return b;
  return std::nullopt;
}

/// [columns, integers] of bytes that hold `bits` each, lowest first; `integers` may be fewer than the bytes have room for.
Value unpack(Node &n, Value packed, const Blocks &b, int64_t integers) {
  int64_t bytes = b.bytesOf(integers);
  Value matrix = n.reshape(packed, {n.dim(b.columns), n.dim(bytes)});
  if (b.bits == 8)
    return matrix;
  Value low = n.binary(BinaryKind::bit_and, matrix, 15), high = n.binary(BinaryKind::shift_right, matrix, 4);
  Value pairs = n.concat({n.unsqueeze(low, {2}), n.unsqueeze(high, {2})}, 2);
  Value all = n.reshape(pairs, {n.dim(b.columns), n.dim(bytes * b.perByte())});
  return integers == bytes * b.perByte() ? all : n.sliceAxis(all, 1, n.dim(0), n.dim(integers));
}

bool hasElements(Node &n, Value value, int64_t count) {
  return value && n.require(dimProduct(dimsOf(value), n.context()), n.dim(count));
}

/// Weights as integers [columns, depth]: signed ones without a zero point if the node has none.
Value integersOf(Node &n, const Blocks &b, bool hasZero) {
  Value packed = n.in(1);
  int64_t whole = b.count() * b.block;
  if (!hasElements(n, packed, b.columns * b.bytesOf(whole)))
    return {};
  if (!elementOf(packed).isUnsignedInteger(8))
    return n.refuse("expects weights in unsigned bytes");
  Value all = unpack(n, packed, b, whole);
  if (whole != b.depth)
    all = n.sliceAxis(all, 1, n.dim(0), n.dim(b.depth));
  if (hasZero || !all)
    return all;
  Value centered = n.sub(all, n.scalar(double(int64_t(1) << (b.bits - 1)), elementOf(all)));
  return n.size("nn.bitcast", {centered}, makeTensorType(dimsOf(centered), IntegerType::get(n.context(), 8)));
}

Value zeroOf(Node &n, const Blocks &b) {
  Value zero = n.in(3);
  if (!zero)
    return {};
  if (!elementOf(zero).isUnsignedInteger(8))
    return n.refuse("expects zero points in unsigned bytes");
  if (!hasElements(n, zero, b.columns * b.bytesOf(b.count())))
    return {};
  return unpack(n, zero, b, b.count());
}

/// A * (B - zero) * scale per block, B [N, K] packed along K.
Values matMulNBits(Node &n) {
  auto b = blocksOf(n);
  if (!b)
    return {};
  if (n.has(4))
    return {n.refuse("g_idx is not supported")};
  if (n.integer("weight_prepacked", 0) != 0)
    return {n.refuse("weights packed for one execution provider are not supported")};
  Value a = n.in(0), scale = n.in(2);
  if (!a || !scale || !hasElements(n, scale, b->columns * b->count()))
    return {};
  bool hasZero = n.has(3);
  SmallVector<Value> operands{integersOf(n, *b, hasZero),
                              n.cast(n.reshape(scale, {n.dim(b->columns), n.dim(b->count())}), n.f32())};
  if (hasZero)
    operands.push_back(zeroOf(n, *b));
  if (llvm::is_contained(operands, Value()))
    return {};
  Value weights = n.size("nn.dequantize", operands, makeTensorType(dimsOf(operands[0]), n.f32()),
                         {n.intAttr("axis", 1), n.intAttr("block", b->block)});
  Value product = n.matmul(n.cast(a, n.f32()), weights, false, true);
  if (n.has(5))
    product = n.add(product, n.cast(n.in(5), n.f32()));
  return {product ? n.cast(product, elementOf(a)) : Value()};
}

constexpr ConverterEntry kTable[] = {
    {"MatMulNBits", 1, kNewest, matMulNBits, "com.microsoft"},
};

} // namespace

llvm::ArrayRef<ConverterEntry> quantizedWeightConverters() { return kTable; }

} // namespace lathe::importer
