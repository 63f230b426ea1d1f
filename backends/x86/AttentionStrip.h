// A strip of queries, which lie along the vector lanes, against all keys: see AttentionKernel.cpp.
#pragma once

#include "backends/x86/AttentionOperands.h"
#include "backends/x86/TileGemm.h"

namespace lathe::x86 {

struct AttentionTiles {
  TileShape scores, output; // keys x queries, queries x value columns
  int64_t strip() const { return scores.columns(); }

  /// Keys whose scores with a strip stay in the first-level cache.
  int64_t block() const { return 4096 / strip(); }

  /// For strips of `vectors` vectors of queries.
  static AttentionTiles choose(const Target &target, int vectors);
};

class AttentionStrip {
public:
  /// Emits stack memory: to be constructed at the start of the function. `scratch` has room for scratchFloats.
  AttentionStrip(const AttentionOperands &operands, AttentionTiles tiles, mlir::Value scratch);
  static mlir::AffineExpr scratchFloats(nn::AttentionOp op, AttentionTiles tiles);

  /// Computes queries [first, first + count), count (i64) in 1..strip.
  void compute(const AttentionHead &head, mlir::Value first, mlir::Value count);

private:
  /// Queries [first, first + count) of a head against keys [begin, begin + size): scores[k][j] is of key begin + k.
  struct Block {
    AttentionHead head;
    mlir::Value first, count, begin, size;
  };
  /// A tile of the output: queries from `query` on of the strip, columns from `column` on, kept from `slot` on in `partial`.
  struct Place {
    TileShape tile;
    mlir::Value query, column, slot;
  };

  void packQueries(const Block &block);
  void computeBlock(const Block &block);
  void scoreKeys(const Block &block);
  void capScores(mlir::Value size);
  void addMask(const Block &block);
  void addMaskOfKeys(const AttentionOperands::Mask &mask, mlir::Value size);
  void addMaskSquares(const AttentionOperands::Mask &mask, const Block &block);
  void addMaskElements(const AttentionOperands::Mask &mask, const Block &block, mlir::Value from);
  void softmax(mlir::Value size);
  mlir::Value expOf(mlir::Value vector);
  void storeShares();
  void weighValues(const Block &block);
  void forColumns(llvm::function_ref<void(int vectors, mlir::Value column, mlir::Value slot)> body);
  void weighTile(const Place &place, const Block &block);
  void storeRows(const Place &place, const Accumulators &acc, const Block &block);
  void weighFewColumns(const Block &block);
  void finish(const Block &block);
  void storeRow(llvm::ArrayRef<mlir::Value> sums, mlir::Value query, mlir::Value out);

  mlir::VectorType vectorType() { return tiles.scores.vectorType(s.b.getContext()); }
  mlir::VectorType squareType();
  mlir::Value loadVector(mlir::Value base, mlir::Value offset, mlir::VectorType type = {});
  void storeVector(mlir::Value vector, mlir::Value base, mlir::Value offset);
  mlir::Value spread(mlir::Value scalar, mlir::VectorType type = {});
  mlir::Value lane(mlir::Value row, mlir::Value j) { return s.add(s.mul(row, s.index(strip)), j); }
  mlir::Value lane(mlir::Value row, int vector) { return lane(row, s.index(int64_t(vector) * tiles.scores.lanes)); }
  mlir::Value outputRow(const Block &block, mlir::Value query, mlir::Value column);
  mlir::Value partialRow(mlir::Value query, mlir::Value slot) {
    return s.address(partial, s.f32(), s.add(s.mul(query, partialWidth), slot));
  }

  AttentionOperands o;
  EmitContext &s;
  AttentionTiles tiles;
  int64_t strip;
  bool isSingle; // one block has all keys
  // Per query: the largest score so far, the sum of weights, what older sums are multiplied with, and 1 / sum at the end.
  mlir::Value maxima, sums, decays, shares;
  mlir::Value tileBuffer, panel, scores, partial, partialWidth; // partial[strip][width]: the output before division
};

} // namespace lathe::x86
