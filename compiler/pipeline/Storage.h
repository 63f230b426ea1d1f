// Where each tensor of a function will live: found before anything is emitted, from the uses of values alone.
//
// Every value has a place: a range of bytes in the memory of a root. Roots are function arguments, constants, graph
// outputs, and the results of operations that get memory of their own. Three rules put a value into another one's root:
//   1. aliases:          reshape, bitcast, and slices of a contiguous range are the operand's bytes;
//   2. outputs:          what is returned is computed in the caller's memory;
//   3. concat in place:  inputs of a concat along the outermost axis that counts are computed where the concat wants them.
// In-place computation (an output over a dying input) is decided later, in execution order; lastUse serves it.
#pragma once

#include "dialects/nn/NN.h"
#include "dialects/support/Decisions.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace lathe {

/// Bytes [offset, offset + size of the value) of the memory of `root`. `output` is the graph output whose memory the root
/// is, or -1.
struct Place {
  mlir::Value root;
  mlir::AffineExpr offset;
  int64_t output = -1;
};

class Storage {
public:
  explicit Storage(mlir::func::FuncOp function);

  Place placeOf(mlir::Value value) const;
  /// True if the operation computes nothing: its result is in its operand's memory.
  bool isAlias(mlir::Operation *op) const { return aliases.contains(op); }
  /// True for a concat whose inputs are put into its result; those in `copies` by a copy, the others by their producers.
  bool isInPlaceConcat(mlir::Operation *op, llvm::SmallVectorImpl<unsigned> &copies) const;
  /// Graph outputs that have to be copied from another place.
  llvm::ArrayRef<unsigned> outputCopies() const { return copiedOutputs; }
  /// Position of the last operation that reads or writes the root.
  int64_t lastUse(mlir::Value root) const { return lastUses.lookup(root); }
  int64_t position(mlir::Operation *op) const { return positions.lookup(op); }
  /// Puts `result` (a root) over `root` from now on.
  void share(mlir::Value result, mlir::Value root);

  std::vector<Decision> decisions;

private:
  struct Binding {
    mlir::Value target; // a value, or null for graph output `output`
    mlir::AffineExpr offset;
    int64_t output = -1;
  };

  void findAliases();
  void bindOutputs();
  void bindConcats();
  void bindConcat(nn::ConcatOp concat);
  void findLastUses();
  bool isFree(mlir::Value base) const;
  mlir::Value fullBase(mlir::Value value) const;

  mlir::func::FuncOp function;
  Symbols symbols;
  llvm::DenseMap<mlir::Operation *, mlir::AffineExpr> aliases; // offset of the result in operand 0
  llvm::DenseMap<mlir::Value, Binding> bindings;
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<unsigned>> concats;
  llvm::SmallVector<unsigned> copiedOutputs;
  llvm::DenseMap<mlir::Operation *, int64_t> positions;
  llvm::DenseMap<mlir::Value, int64_t> lastUses;
};

/// Size of a tensor in memory, in bytes.
mlir::AffineExpr sizeBytes(mlir::RankedTensorType type);

} // namespace lathe
