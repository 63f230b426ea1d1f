// How constant 8-bit operands of contractions are stored: as many bytes as they have elements, but for padding.
#pragma once

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <cstdint>

namespace lathe::x86 {

/// A [groups][columns][taps][runs][elements] view of a dense tensor of bytes; the depth of a tap is runs * elements. Stored as
/// [group][panel][tap][step][nr][step elements], filled up with zeros, and where `hasSums` after each panel [nr] i32: the sums of
/// its columns. Strides are in elements of the source.
///   matmul [K, N]: elements K; convolution [M, C, kh, kw]: columns M, taps kh, runs kw, elements C.
///
/// Where `chain` is not 0, so many steps are summed in i16 (ChainSplit.h), and what would not fit is stored behind the sums: extra
/// steps [nr][4]. A table goes first: u32 [panels + 1], the extra steps of all panels before, filled up to a multiple of kPanelUnit.
/// Behind the panels: u16 [extra steps], the numbers of the steps that they belong to.
struct IntegerPacking {
  int64_t groups = 1, columns = 0, taps = 1, runs = 1, elements = 0, nr = 0, stepElements = 2, hasSums = 0;
  int64_t groupStride = 0, columnStride = 0, tapStride = 0, runStride = 0, elementStride = 0;
  int64_t chain = 0, extraSteps = 0;
  int64_t stepMultiple = 1; ///< a tap's steps are filled up to one

  int64_t depth() const { return runs * elements; }
  /// Of one tap.
  int64_t steps() const {
    const int64_t needed = (depth() + stepElements - 1) / stepElements;
    return (needed + stepMultiple - 1) / stepMultiple * stepMultiple;
  }
  int64_t panels() const { return (columns + nr - 1) / nr; }
  /// Without sums.
  int64_t weightBytes() const { return taps * steps() * stepBytes(); }
  int64_t panelBytes() const { return weightBytes() + (hasSums ? 4 * nr : 0); }
  int64_t stepBytes() const { return stepElements * nr; }
  int64_t tableBytes() const;
  /// Table and panels, but for extra steps.
  int64_t fixedBytes() const { return tableBytes() + groups * panels() * panelBytes(); }
  int64_t sizeBytes() const { return fixedBytes() + extraSteps * (stepBytes() + int64_t(sizeof(uint16_t))); }

  void pack(const int8_t *source, char *out) const;

  /// Extra steps of all panels; nullopt if the weights can't be split.
  std::optional<int64_t> countExtraSteps(const int8_t *source) const;

  mlir::DictionaryAttr toAttribute(mlir::MLIRContext *context, llvm::StringRef kind) const;
  static IntegerPacking of(mlir::DictionaryAttr packing);

private:
  /// Writes a panel's weights and adds them up per column.
  void packPanel(const int8_t *source, int64_t group, int64_t panel, char *out, int32_t *sums) const;
  void packChained(const int8_t *source, char *out) const;
  /// The offset of an element of the depth; -1: padding.
  int64_t depthOffset(int64_t k) const {
    return k < depth() ? k / elements * runStride + k % elements * elementStride : -1;
  }
};

/// Panels of chains begin at multiples of it.
constexpr int64_t kPanelUnit = 32;

} // namespace lathe::x86
