// How integer weights of f32 products are stored: words of 8 or 4 integers that are neighbors along the depth, in the order in
// which the kernel reads them; scales and zero points in the same order of columns.
#pragma once

#include "mlir/IR/BuiltinAttributes.h"
#include <cstdint>

namespace lathe::x86 {

/// A [depth][columns] view of a matrix of 8-bit integers, stored as [panel][group][step][nr] words of 32 bits. A word holds the
/// integers of `slots()` steps of the depth in one column, the first in the lowest bits: unsigned ones as they are, signed ones
/// plus half(). The last slot is minus half(), two's complement: seen as an i32, a word cut to one slot is that integer times a
/// power of two. With `inBytes` (4 bits) the last slot is as the others, and the lower halves of a word's bytes hold the first four steps,
/// the upper ones the next four. Groups and panels are filled up. Strides are in elements of the source.
struct WeightWords {
  int64_t bits = 4, isSigned = 1, depth = 0, columns = 0, group = 0, nr = 0, depthStride = 0, columnStride = 0;
  int64_t inBytes = 0;

  int64_t slots() const { return 32 / bits; }
  /// Where in its word a step of the depth is.
  int64_t slotOf(int64_t step) const { return inBytes ? step % 4 * 2 + step / 4 : step; }
  int64_t half() const { return int64_t(1) << (bits - 1); }
  int64_t steps() const { return (group + slots() - 1) / slots(); } // of a group
  int64_t groups() const { return (depth + group - 1) / group; }
  int64_t panels() const { return (columns + nr - 1) / nr; }
  int64_t panelWords() const { return groups() * steps() * nr; }
  int64_t sizeBytes() const { return panels() * panelWords() * 4; }

  void pack(const uint8_t *source, char *out) const;
};

/// Scales (f32) or zero points (bytes, plus `shift`) seen as [rows][columns], stored as [panel][row][nr] f32 or unsigned bytes.
struct WeightEntries {
  int64_t isScale = 1, rows = 0, columns = 0, nr = 0, rowStride = 0, columnStride = 0, shift = 0;

  int64_t panels() const { return (columns + nr - 1) / nr; }
  int64_t sizeBytes() const { return panels() * rows * nr * (isScale ? 4 : 1); }

  void pack(const char *source, char *out) const;
};

mlir::DictionaryAttr toAttribute(const WeightWords &words, mlir::MLIRContext *context, llvm::StringRef kind);
mlir::DictionaryAttr toAttribute(const WeightEntries &entries, mlir::MLIRContext *context, llvm::StringRef kind);
/// Bytes of what such an attribute describes, and the packing itself.
int64_t packedWeightBytes(mlir::DictionaryAttr packing);
void packWeight(const char *source, mlir::DictionaryAttr packing, char *out);

} // namespace lathe::x86
