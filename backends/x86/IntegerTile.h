// The register tile of 8-bit contractions: exact i32 sums by the processors' dot products of 2 or 4 integers.
//
// A step is as many elements of the depth as a 32-bit lane holds. `acc[r][v] += dot(broadcast(A[r][step]), B[step][v])`:
//   pairs  i16 x i16 -> i32 (vpmaddwd and vpaddd, or vpdpwssd). Differences of 8-bit integers and their zero points fit i16, so
//          zero points cost nothing here and no sum saturates.
//   quads  u8 x s8 -> i32 (vpdpbusd), where the processor has it and the weights' zero point is 0. The activations' zero point is
//          in the sums' initial values: -zero * (sum of a column's weights).
//   chains u8 x s8 -> i16, two quads added, -> i32 (vpmaddubsw twice, vpaddw, vpmaddwd, vpaddd), where the weights are known to leave
//          no i16 (ChainSplit.h): 5 instructions where pairs take 8. Zero points as in quads.
//   matrix quads of 16 rows, 16 columns and up to 16 steps at once, where the processor has a unit for that (MatrixUnit.h).
// Activations lie in scratch memory in the form that the steps read (IntegerSource.h); weights are packed bytes (IntegerPacking.h),
// widened to i16 as they are loaded, or once for many rows.
#pragma once

#include "backends/x86/KernelEmitter.h"
#include "backends/x86/TileGemm.h"

namespace lathe::x86 {

/// How the weights of a panel lie in memory: bytes to be widened, i16 in scratch memory, or bytes for vpdpbusd, vpmaddubsw or
/// the matrix unit.
enum class PanelForm { signedBytes, unsignedBytes, words, quads, chains, matrix };

/// Are activations unsigned bytes, and zero points taken off by sums?
inline bool readsBytes(PanelForm form) {
  return form == PanelForm::quads || form == PanelForm::chains || form == PanelForm::matrix;
}
/// Elements of the depth per step.
inline int64_t stepElements(PanelForm form) { return readsBytes(form) ? 4 : 2; }
/// Bytes of a step of one column.
inline int64_t stepBytes(PanelForm form) { return readsBytes(form) || form == PanelForm::words ? 4 : 2; }
/// Steps that are summed before they are widened.
inline int64_t stepsPerChain(PanelForm form) { return form == PanelForm::chains ? 2 : 1; }

/// Does the target add products to sums by itself (vpdpbusd, vpdpwssd)?
bool hasDotProducts(const Target &target);

/// The tile for this many columns and rows.
TileShape chooseIntegerTile(const Target &target, int64_t columns, std::optional<int64_t> rows, PanelForm form);

/// Zero accumulators of i32.
Accumulators zeroIntegerTile(Scalar &s, TileShape tile);

/// A panel of weights and the number of steps (i64) of one tap; a multiple of stepsPerChain.
struct IntegerPanel {
  PanelForm form;
  mlir::Value pointer, steps;
};

/// acc + A * B over the steps of a tap: `rowPointers[r]` points at the first element of row r.
Accumulators integerProduct(EmitContext &c, TileShape tile, const Accumulators &acc,
                            llvm::ArrayRef<mlir::Value> rowPointers, IntegerPanel panel, TilePrefetch prefetch);

/// acc + A * B of one step of a form that readsBytes, whose sums fit i16.
void addApart(EmitContext &c, TileShape tile, Accumulators &acc, llvm::ArrayRef<mlir::Value> rowPointers,
              mlir::Value weights);

/// acc + dot products of pairs of i16: `a` and `b` are vectors of tile.lanes i32 that hold two each.
mlir::Value addPairs(EmitContext &c, TileShape tile, mlir::Value acc, mlir::Value a, mlir::Value b);

/// acc + dot products of four unsigned bytes of `a` and signed ones of `b`, vectors of tile.lanes i32; for targets with hasDotProducts.
mlir::Value dotBytes(EmitContext &c, TileShape tile, mlir::Value acc, mlir::Value a, mlir::Value b);

/// Sums of two such products in each i16; they may saturate.
mlir::Value multiplyBytes(EmitContext &c, TileShape tile, mlir::Value a, mlir::Value b);

/// acc + the i16 of `words`, two to a sum.
mlir::Value addWords(EmitContext &c, TileShape tile, mlir::Value acc, mlir::Value words);

/// The same bits as another vector.
mlir::Value castTo(Scalar &s, mlir::Value x, mlir::Type type);

/// A vector of x.
mlir::Value spread(Scalar &s, mlir::Value x, mlir::Type vector);

/// i16 of bytes: a vector of as many elements.
mlir::Value widenBytes(Scalar &s, mlir::Value bytes, bool areUnsigned);

} // namespace lathe::x86
