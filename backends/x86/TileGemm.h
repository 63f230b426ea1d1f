// The register tile that every f32 contraction is built from: a batch-reduce GEMM micro-kernel.
//
//            columns = vectors * lanes
//          +------------------------+
//   rows   |  acc[r][v]             |   for t in taps:                 (kernel positions of a convolution; 1 for GEMM)
//          |                        |     for k in depth:
//          +------------------------+       acc[r][v] += broadcast(A[t][r][k]) * B[t][k][v]
//
// A is read through one pointer per row and tap, so that rows may lie anywhere (strided images, padding rows); B is a
// packed panel [taps * depth][columns], read in order. One step of k costs rows * vectors FMAs, `vectors` loads and `rows`
// broadcasts. Goto and van de Geijn, Anatomy of High-Performance Matrix Multiplication, 2008; Georganas et al.,
// High-Performance Deep Learning via a Single Building Block (batch-reduce GEMM), 2019.
#pragma once

#include "backends/Target.h"
#include "backends/x86/Scalar.h"

namespace lathe::x86 {

struct TileShape {
  int rows, vectors, lanes;
  int columns() const { return vectors * lanes; }
  mlir::VectorType vectorType(mlir::MLIRContext *context) const;

  /// The entry `tile` of a kernel's config, and back.
  mlir::NamedAttribute toAttribute(mlir::MLIRContext *context) const;
  static TileShape of(mlir::DictionaryAttr config);
};

/// The tile for a product with this many output columns: the widest whose last panel wastes least, with as many rows as
/// registers allow (rows * vectors accumulators + vectors of B + 1 of A). `rows` is lowered for outputs of fewer rows.
TileShape chooseTile(const Target &target, int64_t columns, std::optional<int64_t> rows);

/// The tiles worth measuring for such a product, that of chooseTile among them.
llvm::SmallVector<TileShape> tileChoices(const Target &target, int64_t columns, std::optional<int64_t> rows);

using Accumulators =
    Values; // [row * vectors + v], each vector<lanes x f32>, or i32 where 8-bit integers are multiplied

/// Zero accumulators.
Accumulators zeroTile(Scalar &s, TileShape tile);
/// Loads / stores accumulators from / to `pointer`, rows `rowStride` (i64, elements of 4 bytes) apart; `element`: their type, null for
/// f32.
Accumulators loadTile(Scalar &s, TileShape tile, mlir::Value pointer, mlir::Value rowStride, mlir::Type element = {});
void storeTile(Scalar &s, TileShape tile, const Accumulators &acc, mlir::Value pointer, mlir::Value rowStride);

/// Distance (i64, elements) from one k to the next where it is not that of contiguous rows of A and a packed panel B.
struct DepthStrides {
  mlir::Value a = {}, b = {};
};

/// Memory to bring to L2 during a product, spread evenly over its steps: `bytes` (i64) from `pointer` on, which may lie
/// outside of any buffer. Nothing if `pointer` is null.
struct TilePrefetch {
  mlir::Value pointer = {}, bytes = {};
};

/// Carries `init` through `step` for 0 <= number < count (i64), several of them in one trip of a loop; `prefetch` is spread over
/// the trips.
Accumulators overSteps(Scalar &s, const Accumulators &init, mlir::Value count, TilePrefetch prefetch,
                       llvm::function_ref<void(Accumulators &acc, mlir::Value number)> step);

/// Brings panel after panel of B from memory while the one before is used: weights of one layer are cold when its turn comes,
/// since those of all others were read in between. Each row of a block has its share of the next panel to bring.
class PanelPrefetch {
public:
  /// `next` points at the next panel (or past the last), `bytes` (i64) is its size, `rows` (i64) that of the block.
  PanelPrefetch(Scalar &s, mlir::Value next, mlir::Value bytes, mlir::Value rows);
  /// The share of a tile that begins `row` rows after the block.
  TilePrefetch of(TileShape tile, mlir::Value row) const;

private:
  Scalar &s;
  mlir::Value next, bytesPerRow;
};

/// acc + A * B for one tap: `rowPointers[r]` points at A[r][0], `panel` at B[0][0], `depth` is i64.
Accumulators tileProduct(Scalar &s, TileShape tile, const Accumulators &acc, llvm::ArrayRef<mlir::Value> rowPointers,
                         mlir::Value panel, mlir::Value depth, DepthStrides strides = {}, TilePrefetch prefetch = {});

/// The same over `taps` (i64) taps whose row pointers stand in memory: pointerTable[tap * rows + r]; panel advances by
/// depth * columns per tap. `prefetch` is spread over the taps. Taps whose rows all are `zeros` (may be null) are left out.
Accumulators tapProduct(Scalar &s, TileShape tile, const Accumulators &acc, mlir::Value pointerTable, mlir::Value taps,
                        mlir::Value panel, mlir::Value depth, TilePrefetch prefetch = {}, mlir::Value zeros = {});

/// Covers rows [begin, end) with tiles of tile.rows and, where that wastes fewer rows, one or two narrower ones at the end.
/// `body` gets the tile and its first row; the last tile may reach past `end`. 128 rows are 20 tiles of 6 and 2 of 4.
void forRowTiles(Scalar &s, TileShape tile, mlir::Value begin, mlir::Value end,
                 llvm::function_ref<void(TileShape tile, mlir::Value row)> body);

/// Sizes of one level of cache blocking of an M x N x K product, in elements.
struct GemmBlocking {
  int64_t rows;   // MC: rows of A kept in L2 together with KC
  int64_t panels; // panels of B per task
  int64_t depth;  // KC
};

/// Analytic choice: MC * KC of A fills half of L2, KC panels of B stay in L1 over the tiles of one block, and there are
/// enough tasks to share. `rows` unknown: large.
GemmBlocking chooseBlocking(const Target &target, TileShape tile, std::optional<int64_t> rows, int64_t columns,
                            int64_t depth);
/// Rows of a task, in whole tiles, that have a few microseconds of work with so many multiplications each: for products whose columns are
/// too few tasks.
int64_t rowsWorthATask(int64_t multiplications, int64_t tileRows);

/// Blockings worth measuring for a product of these sizes beside that of the model: one of its numbers halved, doubled or as
/// large as possible. `model.depth` 0: the depth is not blocked.
llvm::SmallVector<GemmBlocking> blockingChoices(GemmBlocking model, TileShape tile, int64_t rows, int64_t columns,
                                                int64_t depth = 0);

} // namespace lathe::x86
