// Where the kernels of attention find one head's query, key, value and mask.
#pragma once

#include "backends/x86/KernelEmitter.h"
#include "dialects/nn/NNView.h"
#include <array>

namespace lathe::x86 {

/// One head of one batch that a task works on; `group` is the head of keys and values that it shares with others.
struct AttentionHead {
  mlir::Value batch, head, group;
};

/// Rows of one head in memory, `stride` elements apart; those from `split` on, where there is a split, lie elsewhere.
struct AttentionRows {
  mlir::Value base, stride;
  mlir::Value split = {}, rest = {}, restStride = {};
};

/// A range of rows in one piece: `count` rows from `base` on, the first of which is number `first` of the range asked for.
struct AttentionPiece {
  mlir::Value first, count, base, stride;
};

/// A cache that the kernel writes: the result's number, and the concatenation (an operand of attention) that it is.
struct AttentionCache {
  unsigned output;
  nn::ConcatOp concat;
};

class AttentionOperands {
public:
  AttentionOperands(EmitContext &context, nn::AttentionOp op);

  AttentionHead head(mlir::Value batch, mlir::Value head);
  AttentionRows query(const AttentionHead &head) { return rowsOf(op.getQuery(), head.batch, head.head); }
  AttentionRows key(const AttentionHead &head) { return rowsOf(op.getKey(), head.batch, head.group); }
  AttentionRows value(const AttentionHead &head) { return rowsOf(op.getValue(), head.batch, head.group); }
  AttentionRows output(const AttentionHead &head);
  /// First element of a row.
  mlir::Value row(const AttentionRows &rows, mlir::Value number);
  /// Calls `body` for each piece of rows [begin, begin + size).
  void forPieces(const AttentionRows &rows, mlir::Value begin, mlir::Value size,
                 llvm::function_ref<void(const AttentionPiece &)> body);

  /// Results beside attention's: keys or values together with what is new.
  llvm::SmallVector<AttentionCache, 2> caches();
  /// Writes the share of this head of queries in the cache of its group.
  void store(AttentionCache cache, const AttentionHead &head);

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
  AttentionRows rowsOf(mlir::Value operand, mlir::Value batch, mlir::Value head);
  /// First row of a head in a view of [batch, head, row, element], and the distance of rows.
  std::pair<mlir::Value, mlir::Value> place(mlir::Value memory, const nn::StridedView &view, mlir::Value batch,
                                            mlir::Value head);
  void copyRows(const AttentionPiece &piece, mlir::Value out, mlir::Value width, bool isStreamed);
  mlir::Value input(mlir::Value operand);
  DimExprs maskDims();
};

} // namespace lathe::x86
