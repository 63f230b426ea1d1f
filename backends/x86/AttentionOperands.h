// Where the kernels of attention find one head's query, key, value and mask.
#pragma once

#include "backends/x86/KernelEmitter.h"
#include <array>

namespace lathe::x86 {

/// One head of one batch that a task works on. Query heads number `matrix` = batch * H + head in their tensor, those of keys and
/// values `group`.
struct AttentionHead {
  mlir::Value batch, head, matrix, group;
};

class AttentionOperands {
public:
  AttentionOperands(EmitContext &context, nn::AttentionOp op);

  AttentionHead head(mlir::Value batch, mlir::Value head);
  /// First element of a head's matrix.
  mlir::Value query(const AttentionHead &head) { return matrixOf(op.getQuery(), head.matrix); }
  mlir::Value key(const AttentionHead &head) { return matrixOf(op.getKey(), head.group); }
  mlir::Value value(const AttentionHead &head) { return matrixOf(op.getValue(), head.group); }
  mlir::Value output(const AttentionHead &head);

  /// True if scores are capped: `scale` is divided by the cap then, and each product with it goes through `capped`.
  bool hasCap() { return op.getCap().isNonZero(); }
  /// A score, or a vector of them, between minus the cap and the cap.
  mlir::Value capped(mlir::Value score);

  /// sum * share, `share` (f32) being 1 / the sum of a row's weights, `sum` f32 or a vector of them; 0 in place of NaN if rows without
  /// keys are to be 0.
  mlir::Value weighted(mlir::Value sum, mlir::Value share);

  /// The mask, as it broadcasts to [B, H, S, T]: its first element for a head, and the distances between its elements.
  struct Mask {
    mlir::Value base, queryStride, keyStride;
  };
  Mask mask(const AttentionHead &head);
  /// What is known of a mask at compile time: whether its elements differ along queries and along keys.
  bool hasMask() { return bool(op.getMask()); }
  bool variesAlong(int64_t axis);

  EmitContext &s;
  nn::AttentionOp op;
  mlir::Value batches, heads, queries, keys, depth, columns, scale; // columns: of values

private:
  mlir::Value matrixOf(mlir::Value operand, mlir::Value number);
  mlir::Value input(mlir::Value operand);
  DimExprs maskDims();
};

} // namespace lathe::x86
