// Sums of embeddings, normalized, as ONNX Runtime's transformer optimizer fuses them, and tables quantized in blocks (com.microsoft).
#include "compiler/import/Quantized.h"
#include "compiler/import/Standard.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

/// A table of embeddings, f32 or integers with scale and zero point. Rows are taken first, so that no table becomes f32.
struct Table {
  Value entries, scale, zero; // scale and zero are null for f32

  Value numbers(Node &n, Value rows) const { return scale ? dequantized(n, rows, scale, zero) : rows; }
};

/// Inputs 2 to 6 are tables and factors; in the quantized form their scales and zero points follow from input 8 on.
Table tableOf(Node &n, unsigned index, bool isQuantized) {
  if (!isQuantized)
    return {n.optional(index), {}, {}};
  return {n.optional(index), n.has(index) ? n.in(index + 6) : Value(), n.optional(index + 11)};
}

/// Number of words of each row of the mask; zeros without one.
Value wordCounts(Node &n, AffineExpr batch) {
  if (!n.has(7))
    return n.broadcast(n.scalar(0, n.i32()), {batch});
  return n.reduce(ReduceKind::sum, n.cast(n.binary(BinaryKind::equal, n.in(7), 1), n.i32()), {1}, /*keepdims=*/false);
}

Value positionRows(Node &n, Value table, unsigned positions, AffineExpr length) {
  if (!table || rankOf(table) != 2)
    return table ? n.refuse("expects a position_embedding of rank 2") : n.in(3);
  return n.has(positions) ? n.gather(table, n.in(positions), 0) : n.sliceAxis(table, 0, n.dim(0), length);
}

/// The tables' rows added, normalized. Position ids (input 8) are of the f32 form alone.
template <bool isQuantized> Values embedLayerNormalization(Node &n) {
  Value ids = n.in(0);
  Table words = tableOf(n, 2, isQuantized), places = tableOf(n, 3, isQuantized), segments = tableOf(n, 4, isQuantized);
  Table gamma = tableOf(n, 5, isQuantized), beta = tableOf(n, 6, isQuantized);
  if (!ids || rankOf(ids) != 2)
    return {ids ? n.refuse("expects input_ids of rank 2") : Value()};
  if (!words.entries || !gamma.entries || !beta.entries)
    return {n.refuse("expects word_embedding, gamma and beta")};
  Value sum = words.numbers(n, n.gather(words.entries, ids, 0));
  unsigned positions = isQuantized ? n.numInputs() : 8;
  sum = n.add(sum, places.numbers(n, positionRows(n, places.entries, positions, dimsOf(ids)[1])));
  if (segments.entries)
    sum = n.add(sum, segments.numbers(n, n.gather(segments.entries, n.in(1), 0)));
  Value result = layerNorm(n, sum, gamma.numbers(n, gamma.entries), beta.numbers(n, beta.entries),
                           sum ? rankOf(sum) - 1 : 0, n.real("epsilon", 1e-12f));
  return {result, n.wants(1) ? wordCounts(n, dimsOf(ids)[0]) : Value(), sum};
}

//===- GatherBlockQuantized -===//

struct BlockedTable {
  Value data, scales, zeros; // zeros may be null
  int64_t gatherAxis, blockAxis, block, bits;
};

std::optional<BlockedTable> blockedTable(Node &n) {
  Value data = n.in(0), scales = scalesIn(n, 2, /*mayBeNegative=*/true);
  auto gatherAxis = data && scales ? n.axis(n.integer("gather_axis", 0), rankOf(data)) : std::nullopt;
  auto blockAxis = gatherAxis ? n.axis(n.integer("quantize_axis", 1), rankOf(data)) : std::nullopt;
  if (!blockAxis)
    return std::nullopt;
  BlockedTable table{data,
                     scales,
                     n.optional(3),
                     *gatherAxis,
                     *blockAxis,
                     n.integer("block_size", 128),
                     n.narrow(0) != 0 ? 8 : n.integer("bits", 4)};
  bool isPacked = elementOf(data).isUnsignedInteger(8) && table.bits < 8;
  if (table.block < 16 || table.block > (1 << 20) || (table.block & (table.block - 1)) != 0)
    n.refuse("expects block_size to be a power of two from 16 on, got " + Twine(table.block));
  else if (table.bits != 2 && table.bits != 4 && table.bits != 8)
    n.refuse("expects bits to be 2, 4 or 8, got " + Twine(table.bits));
  else if (rankOf(scales) != rankOf(data) || (table.zeros && rankOf(table.zeros) != rankOf(data)))
    n.refuse("expects scales and zero points to have the rank of the data");
  else if (table.gatherAxis == table.blockAxis || (isPacked && table.gatherAxis == rankOf(data) - 1))
    n.refuse("expects gather_axis to be neither that of blocks nor of packed integers");
  else
    return table;
  return std::nullopt;
}

/// Zero points of bytes without any: the middle. Those of 4-bit types are 0.
Value rowZeros(Node &n, const BlockedTable &table, Value rows, Value scales) {
  Type type = elementOf(table.data);
  if (!table.zeros)
    return n.narrow(0) != 0 || !type.isUnsignedInteger(8)
               ? Value()
               : n.broadcast(n.scalar(double(1 << (table.bits - 1)), type), dimsOf(scales));
  Value zeros = unpackedLast(n, rows, n.narrow(0) != 0 ? 8 : table.bits);
  AffineExpr count = dimsOf(scales).back();
  return zeros && dimsOf(zeros).back() != count ? n.sliceAxis(zeros, rankOf(zeros) - 1, n.dim(0), count) : zeros;
}

/// Rows of a table of integers in blocks, as numbers. Rows are taken first, so that the table stays integers.
Values gatherBlockQuantized(Node &n) {
  auto table = blockedTable(n);
  Value indices = n.in(1);
  if (!table || !indices)
    return {};
  auto rowsOf = [&](Value entries) { return n.gather(entries, indices, table->gatherAxis); };
  Value rows = unpackedLast(n, rowsOf(table->data), table->bits), scales = rowsOf(table->scales);
  Value zeros = rows && scales ? rowZeros(n, *table, table->zeros ? rowsOf(table->zeros) : Value(), scales) : Value();
  if (!rows || !scales || (table->zeros && !zeros))
    return {};
  int64_t axis = table->blockAxis + (table->blockAxis > table->gatherAxis ? rankOf(indices) - 1 : 0);
  n.narrowResult = 0;
  return {dequantizedBlocks(n, rows, scales, zeros, axis, table->block)};
}

constexpr llvm::StringLiteral kDomain = "com.microsoft";
constexpr ConverterEntry kTable[] = {
    {"EmbedLayerNormalization", 1, kNewest, embedLayerNormalization<false>, kDomain},
    {"QEmbedLayerNormalization", 1, kNewest, embedLayerNormalization<true>, kDomain},
    {"GatherBlockQuantized", 1, kNewest, gatherBlockQuantized, kDomain},
};

} // namespace

llvm::ArrayRef<ConverterEntry> embedMsConverters() { return kTable; }

} // namespace lathe::importer
