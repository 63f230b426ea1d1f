// What a product of f32 rows with dequantized constant integers computes, and how it is cut into tasks.
#pragma once

#include "backends/x86/Contraction.h"
#include "backends/x86/WeightOnlyPacking.h"

namespace lathe::x86 {

/// Rows up to which weights are dequantized in registers, once for all rows; more rows read a panel in scratch memory.
constexpr int64_t kFewRows = 4;
/// Groups of rows of integers are multiples of this: a load.
constexpr int64_t kLeastByteGroup = 16;

/// matmul(x, dequantize(integers, scale, zero)), or with x = dequantize(lhs, lhsScale). Null: not such a product.
struct WeightOnlyRoot {
  nn::MatmulOp matmul;
  nn::DequantizeOp dequantize;
  mlir::Value lhs, integers, scale, zero; // zero may be null
  nn::DequantizeOp lhsDequantize;         // null: lhs is f32
  mlir::Value lhsScale;

  static WeightOnlyRoot of(llvm::ArrayRef<mlir::Operation *> operations);
  explicit operator bool() const { return bool(matmul); }
};

/// Scales or zero points: a number that is part of the code, or entries in memory.
struct WeightGrid {
  std::optional<double> number;
  WeightEntries entries;
};

/// Sizes. Groups are those of the packed words: one scale each, or parts of a column that has only one.
struct WeightOnlyShape {
  mlir::AffineExpr rows;
  WeightWords words;
  WeightGrid scale, zero; // zero points as packed: of unsigned integers, or plus words.half()
  bool isPerColumn = true;

  /// nullopt: not a form that the kernel has.
  static std::optional<WeightOnlyShape> of(const WeightOnlyRoot &root);
  /// The same with panels of this many columns.
  WeightOnlyShape withPanels(int64_t nr) const;
  int64_t paddedGroup() const { return words.steps() * words.slots(); }
};

/// Parameters of a kernel. `tile` multiplies dequantized panels (many rows) or words (`rows` known to be few, or integers), `nr`
/// columns are packed together, a multiple of the tile's; `groups` along the depth are dequantized at once.
struct WeightOnlyConfig {
  TileShape tile;
  int64_t nr = 0, blockRows = 0, panels = 0, groups = 0;
  bool hasFew = false, hasMany = false;

  mlir::DictionaryAttr toAttribute(mlir::MLIRContext *context) const;
  static WeightOnlyConfig of(mlir::DictionaryAttr attrs);
  /// Rows of a dequantized panel: groups are filled up to whole words.
  int64_t panelDepth(const WeightOnlyShape &shape) const { return groups * shape.words.group + shape.words.slots(); }
};

} // namespace lathe::x86
