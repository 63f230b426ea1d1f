// What GEMM, convolution and their relatives share: finding the contraction in a kernel's region, and storing register tiles
// through the element-wise operations that follow it (the epilogue).
#pragma once

#include "backends/x86/KernelEmitter.h"
#include "backends/x86/TileGemm.h"
#include "backends/x86/VectorBody.h"

namespace lathe::x86 {

/// The only operation of type OpT among `operations` if all others are element-wise on its result or on values that broadcast to
/// it, and the contraction reads inputs of the kernel, not computed values. Null: not such a kernel.
template <class OpT> OpT contractionRoot(llvm::ArrayRef<mlir::Operation *> operations) {
  OpT root;
  for (mlir::Operation *op : operations)
    if (auto candidate = mlir::dyn_cast<OpT>(op)) {
      if (root)
        return {};
      root = candidate;
    }
  return root;
}
/// True if every operation but `root` is element-wise, of the root's sizes or broadcasting to them, and results have them.
bool isEpilogue(llvm::ArrayRef<mlir::Operation *> operations, mlir::Operation *root);
/// The operations of a kernel that is being emitted, without the terminator.
llvm::SmallVector<mlir::Operation *> regionOperations(EmitContext &context);
/// f32 operands and result, at least one element along the last axis.
bool isFloat32(mlir::Operation *op);
/// Constant flag of the kernel input that `value` is: an operand of a single operation or a region's argument.
bool isConstantInput(mlir::Operation *kernelOp, mlir::Value value, llvm::ArrayRef<bool> isConstant);
/// Position of `value` among the kernel's inputs.
std::optional<unsigned> inputIndex(mlir::Operation *kernelOp, mlir::Value value);
/// Stem of a kernel's name: f32_gemm_add_relu_6x16, u8s8_gemm_dequantize_6x16.
std::string contractionName(llvm::StringRef kind, llvm::ArrayRef<mlir::Operation *> operations, mlir::Operation *root,
                            TileShape tile);

/// Stores tiles of the root's result through the kernel's other operations. The result is seen as a matrix: its last axis are
/// the columns, all others together the rows. Operations on numbers that VectorBody takes are computed by whole vectors: cheap ones right on the
/// accumulators, long ones (exp, erf) row by row from the stack, so that their code stands there once; others by elements.
class TileEpilogue {
public:
  /// `bias` (one value per column, may be null) is a block argument added to the product. `columns`: how many are cut into
  /// tiles, if that isn't the whole last axis. Emits the tile's stack memory: to be constructed at the start of the function.
  TileEpilogue(EmitContext &context, mlir::Operation *root, mlir::Value bias, TileShape tile,
               std::optional<int64_t> columns = std::nullopt);

  /// Stores `acc`, of tile.rows rows or fewer, at (row, column); only the first `rows` and `columns` of it are inside the result (i64; constants fold).
  void store(const Accumulators &acc, mlir::Value row, mlir::Value column, mlir::Value rows, mlir::Value columns);

private:
  /// The columns of a tile that are inside: all of it, a number known at compile time, or an i64.
  struct Width {
    mlir::Value count;
    std::optional<int64_t> known;
  };
  void forWidths(mlir::Value columns, llvm::function_ref<void(Width)> body);
  void storeRows(TileShape stored, const Accumulators &acc, mlir::Value row, mlir::Value column, mlir::Value rows,
                 Width inside);
  void storeRow(mlir::Value tileRow, mlir::Value row, mlir::Value column, mlir::Value columns);
  void storeElement(mlir::Value tileOffset, mlir::Value row, mlir::Value column);
  void storeVectors(llvm::ArrayRef<mlir::Value> sums, mlir::Value row, mlir::Value column, Width width);
  /// Columns of a tile that are computed at once, from `first` on.
  struct Part {
    int64_t first, lanes;
    Width width;
    bool isInside() const { return width.known && first + lanes <= *width.known; }
  };
  mlir::Value inputVector(mlir::BlockArgument input, mlir::Value row, mlir::Value column, Part part);
  mlir::Value loadVector(mlir::Value pointer, mlir::Type type, Part part);
  void storeVector(mlir::Value vector, mlir::Value pointer, Part part);
  mlir::Value maskOf(Part part);
  mlir::Value sumsOf(llvm::ArrayRef<mlir::Value> sums, Part part);
  mlir::Type productType() { return computedType(elementType(product)); }
  bool hasColumns(mlir::BlockArgument input);
  mlir::Value inputOffset(mlir::BlockArgument input, mlir::Value row, mlir::Value column);

  EmitContext &context;
  mlir::Value product, bias, buffer, width;
  llvm::SmallVector<mlir::Value> epilogueInputs;
  TileShape tile;
  std::optional<int64_t> tiledColumns;
  VectorBody vectors;
};

} // namespace lathe::x86
