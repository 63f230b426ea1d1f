// Products whose weights are integers of a few bits, several in a byte: com.microsoft MatMulNBits.
#include "compiler/import/Quantized.h"

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
  if (b.bits != 2 && b.bits != 4 && b.bits != 8)
    n.refuse("expects weights of 2, 4 or 8 bits, got " + Twine(b.bits));
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
  Value all = unpackedLast(n, matrix, b.bits);
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
  return zero && hasElements(n, zero, b.columns * b.bytesOf(b.count())) ? unpack(n, zero, b, b.count()) : Value();
}

Value matrixOf(Node &n, const Blocks &b, Value perBlock) {
  return perBlock && hasElements(n, perBlock, b.columns * b.count())
             ? n.cast(n.reshape(perBlock, {n.dim(b.columns), n.dim(b.count())}), n.f32())
             : Value();
}

/// What zero points that are no integers (HQQ) take off the product of integers: the sums of A over each block times (zero - middle) *
/// scale. A zero point of nn.dequantize is an integer.
Value zeroProduct(Node &n, const Blocks &b, Value a, Value scale) {
  Value zero = n.binary(BinaryKind::sub, matrixOf(n, b, n.in(3)), double(int64_t(1) << (b.bits - 1)));
  if (!zero)
    return {};
  DimExprs dims = dimsOf(a), low(dims.size(), n.dim(0));
  dims.back() = n.dim(b.count() * b.block);
  if (b.depth != b.count() * b.block)
    a = n.pad(a, n.scalar(0, n.f32()), low, dims, PadMode::constant);
  dims.back() = n.dim(b.count());
  dims.push_back(n.dim(b.block));
  Value sums = n.reduce(ReduceKind::sum, n.reshape(a, dims), {int64_t(dims.size()) - 1}, /*keepdims=*/false);
  return n.matmul(sums, n.mul(zero, scale), false, true);
}

bool isRefused(Node &n) {
  if (n.has(4))
    n.refuse("g_idx is not supported");
  else if (n.integer("weight_prepacked", 0) != 0)
    n.refuse("weights packed for one execution provider are not supported");
  else
    return false;
  return true;
}

/// A * (B - zero) * scale per block, B [N, K] packed along K.
Values matMulNBits(Node &n) {
  auto b = blocksOf(n);
  Value a = n.cast(n.in(0), n.f32()),
        scale = b && !isRefused(n) ? matrixOf(n, *b, scalesIn(n, 2, /*mayBeNegative=*/true)) : Value();
  if (!a || !scale)
    return {};
  if (rankOf(a) == 0)
    return {n.refuse("expects rank 1 or more")};
  if (!n.require(dimsOf(a).back(), n.dim(b->depth)))
    return {};
  bool hasZero = n.has(3), isWhole = hasZero && elementOf(n.in(3)).isUnsignedInteger(8);
  if (hasZero && !isWhole && !isFloat(n.in(3)))
    return {n.refuse("expects zero points in unsigned bytes or floating point")};
  Value weights =
      dequantizedBlocks(n, integersOf(n, *b, isWhole), scale, isWhole ? zeroOf(n, *b) : Value(), 1, b->block);
  Value product = n.matmul(a, weights, false, true);
  if (hasZero && !isWhole)
    product = n.sub(product, zeroProduct(n, *b, a, scale));
  if (n.has(5))
    product = n.add(product, n.cast(n.in(5), n.f32()));
  return {product ? n.cast(product, elementOf(n.in(0))) : Value()};
}

constexpr ConverterEntry kTable[] = {
    {"MatMulNBits", 1, kNewest, matMulNBits, "com.microsoft"},
};

} // namespace

llvm::ArrayRef<ConverterEntry> quantizedWeightConverters() { return kTable; }

} // namespace lathe::importer
