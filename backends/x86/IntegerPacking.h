// How constant 8-bit operands of contractions are stored: as many bytes as they have elements, but for padding.
#pragma once

#include "mlir/IR/BuiltinAttributes.h"
#include <cstdint>

namespace lathe::x86 {

/// A [groups][columns][taps][runs][elements] view of a dense tensor of bytes; the depth of a tap is runs * elements. Stored as
/// [group][panel][tap][step][nr][step elements], filled up with zeros, and where `hasSums` after each panel [nr] i32: the sums of
/// its columns. Strides are in elements of the source.
///   matmul [K, N]: elements K; convolution [M, C, kh, kw]: columns M, taps kh, runs kw, elements C.
struct IntegerPacking {
  int64_t groups = 1, columns = 0, taps = 1, runs = 1, elements = 0, nr = 0, stepElements = 2, hasSums = 0;
  int64_t groupStride = 0, columnStride = 0, tapStride = 0, runStride = 0, elementStride = 0;

  int64_t depth() const { return runs * elements; }
  /// Of one tap.
  int64_t steps() const { return (depth() + stepElements - 1) / stepElements; }
  int64_t panels() const { return (columns + nr - 1) / nr; }
  /// Without sums.
  int64_t weightBytes() const { return taps * steps() * stepElements * nr; }
  int64_t panelBytes() const { return weightBytes() + (hasSums ? 4 * nr : 0); }
  int64_t sizeBytes() const { return groups * panels() * panelBytes(); }

  void pack(const int8_t *source, char *out) const;

  mlir::DictionaryAttr toAttribute(mlir::MLIRContext *context, llvm::StringRef kind) const;
  static IntegerPacking of(mlir::DictionaryAttr packing);

private:
  /// The offset of an element of the depth; -1: padding.
  int64_t depthOffset(int64_t k) const {
    return k < depth() ? k / elements * runStride + k % elements * elementStride : -1;
  }
};

} // namespace lathe::x86
