// What an integer product computes, seen as lines of output positions times columns, and how it is cut into tasks.
#pragma once

#include "backends/x86/Contraction.h"
#include "backends/x86/IntegerPacking.h"
#include "backends/x86/IntegerSource.h"

namespace lathe::x86 {

/// The operands of an nn.matmul or channels-last nn.conv of 8-bit integers. Null values are absent.
struct IntegerRoot {
  mlir::Operation *op = nullptr;
  mlir::Value source, weights, bias, sourceZero, weightsZero;

  /// The only contraction of 8-bit integers among `operations`; op is null if there is none.
  static IntegerRoot of(llvm::ArrayRef<mlir::Operation *> operations);
  bool hasUnsignedSource() const { return isUnsigned(elementType(source)); }
  bool hasUnsignedWeights() const { return isUnsigned(elementType(weights)); }
};

/// The contraction of a kernel to be, if all else is element-wise on its result, weights are constant and it has one zero point for
/// all activations; else op is null.
IntegerRoot integerRootOf(mlir::Operation *kernelOp, llvm::ArrayRef<bool> isConstant, const Target &target);

/// The weights, if the compiler knows them.
std::optional<reference::Tensor> constantWeights(mlir::Operation *op, const IntegerRoot &root);

/// May one of the zero points (null: absent) be other than 0?
bool hasNonZero(mlir::Value zero);

/// Sizes. `isFlat`: rows of the source are contiguous, one after the other, and each gives one row of the result; else the source is
/// a picture whose windows the rows are.
struct IntegerShape {
  bool isFlat = true;
  bool isUpright = false; // one axis is the picture's height, so that it is cut into blocks; else it is the width
  mlir::AffineExpr rows;  // flat: all
  mlir::AffineExpr images, height, width; // else: of the result
  IntegerWindow window;
  IntegerPacking packing;

  /// nullopt: not a form that the kernel has.
  static std::optional<IntegerShape> of(const IntegerRoot &root);
};

/// Parameters of a kernel. `block`: the most rows (flat) or output lines of a task, whose number is `rowBlocks` if all are known, else
/// 0: as many as it takes. `columnBlocks`: parts of the panels.
struct IntegerConfig {
  TileShape tile;
  int64_t block, rowBlocks = 0, columnBlocks;
  PanelForm form; // of the weights as tiles read them
  bool hasWeightsZero;

  mlir::DictionaryAttr toAttribute(mlir::MLIRContext *context) const;
  static IntegerConfig of(mlir::DictionaryAttr attrs);
  /// The number of blocks of that many rows (flat) or lines; even where it isn't one and follows from the size.
  mlir::AffineExpr blocksOf(mlir::AffineExpr rows) const;
};

/// So few rows are bound by reading the weights.
constexpr int64_t kMemoryBoundRows = 2;

/// Is the number of rows known at run time only, and are few of them multiplied with weights as they are stored?
bool mayHaveFewRows(const IntegerShape &shape, const IntegerConfig &config);

/// Are activations read where they are? Only unsigned ones, and only if no step reads past the end of a row.
bool isInPlace(const IntegerRoot &root, const IntegerShape &shape, const IntegerConfig &config);

/// The time of a product whose weights are chained (ChainSplit.h), as a part of that by pairs of i16; nullopt if the processor needs
/// no chains, or the weights don't allow them.
struct ChainedTime {
  double part;
  int64_t extraSteps;
  static std::optional<ChainedTime> of(mlir::Operation *op, const IntegerRoot &root, IntegerShape shape,
                                       const Target &target);
};

/// Bytes of an element of the copied activations.
inline int64_t sourceBytes(PanelForm form) { return readsBytes(form) ? 1 : 2; }

/// The shape with what the config says about packing and windows.
IntegerShape configured(IntegerShape shape, const IntegerConfig &config);

/// Parts of a task's scratch memory, in bytes from its start.
struct IntegerScratch {
  int64_t zeros, words;              // zero points of a panel's columns, a widened panel
  int64_t unit, offsets, rows, sums; // of the matrix unit: its setting, rows' first elements, a part of each, the sums
  int64_t source;                    // begin of the activations
  mlir::AffineExpr bytes;
  static IntegerScratch of(const IntegerRoot &root, const IntegerShape &shape, const IntegerConfig &config,
                           mlir::MLIRContext *context);
};

/// Are tasks that share weights next to each other? Only if the weights don't stay in L2.
bool areColumnsOutermost(const IntegerShape &shape, const Target &target);

} // namespace lathe::x86
