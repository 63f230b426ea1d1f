// How constant operands of contractions are stored: panels in the order in which the kernels read them.
#pragma once

#include "mlir/IR/BuiltinAttributes.h"
#include <cstdint>

namespace lathe::x86 {

/// A [groups][columns][taps][depth] view of a dense f32 tensor, stored as [group][panel][tap][depth][nr]: columns are cut
/// into panels of `nr`, the last one filled up with zeros. Strides are in elements of the source.
///   matmul [K, N]: taps 1, depth K; convolution [M, C, kh, kw]: columns M, taps kh * kw, depth C.
struct PanelPacking {
  int64_t groups = 1, columns = 0, taps = 1, depth = 0, nr = 0;
  int64_t groupStride = 0, columnStride = 0, tapStride = 0, depthStride = 0;

  int64_t panels() const { return (columns + nr - 1) / nr; }
  int64_t panelElements() const { return taps * depth * nr; }
  int64_t sizeBytes() const { return groups * panels() * panelElements() * 4; }

  void pack(const float *source, float *out) const;

  /// The packing of an operand, for the emitter `kind`; and back.
  mlir::DictionaryAttr toAttribute(mlir::MLIRContext *context, llvm::StringRef kind) const;
  static PanelPacking of(mlir::DictionaryAttr packing);
};

} // namespace lathe::x86
