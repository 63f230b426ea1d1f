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
/// steps [nr][4], then i32 numbers of the steps that they belong to. Panels have different sizes then; a table of PanelEntry goes
/// first.
struct IntegerPacking {
  int64_t groups = 1, columns = 0, taps = 1, runs = 1, elements = 0, nr = 0, stepElements = 2, hasSums = 0;
  int64_t groupStride = 0, columnStride = 0, tapStride = 0, runStride = 0, elementStride = 0;
  int64_t chain = 0, extraBytes = 0;
  int64_t stepMultiple = 1; ///< a tap's steps are filled up to one

  int64_t depth() const { return runs * elements; }
  /// Of one tap.
  int64_t steps() const {
    const int64_t needed = (depth() + stepElements - 1) / stepElements;
    return (needed + stepMultiple - 1) / stepMultiple * stepMultiple;
  }
  int64_t panels() const { return (columns + nr - 1) / nr; }
  /// Without sums.
  int64_t weightBytes() const { return taps * steps() * stepElements * nr; }
  int64_t panelBytes() const { return weightBytes() + (hasSums ? 4 * nr : 0); }
  /// Of the table.
  int64_t tableBytes() const;
  int64_t sizeBytes() const { return tableBytes() + groups * panels() * panelBytes() + extraBytes; }

  void pack(const int8_t *source, char *out) const;

  /// Extra steps of all panels, and the bytes that they take; nullopt if the weights can't be split.
  struct Extras {
    int64_t steps = 0, bytes = 0;
  };
  std::optional<Extras> countExtras(const int8_t *source) const;

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

/// Of a panel in the table: where it begins, in units of kPanelUnit bytes from the table on, and the number of its extra steps.
struct PanelEntry {
  uint32_t begin, extras;
};
constexpr int64_t kPanelUnit = 32;

} // namespace lathe::x86
