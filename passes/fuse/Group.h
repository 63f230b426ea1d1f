// A growing set of operations that one kernel will compute, and its outlining into nn.fused.
#pragma once

#include "dialects/nn/NN.h"
#include "dialects/support/Decisions.h"
#include "llvm/ADT/SetVector.h"

namespace lathe::nn {

/// Operations of one block. The group is convex at all times: no path leaves it and comes back, so that it can run as one.
class Group {
public:
  explicit Group(mlir::Operation *seed) { members.insert(seed); }

  bool contains(mlir::Operation *op) const { return members.contains(op); }
  size_t size() const { return members.size(); }
  /// The operations, in the order in which they were added, and as they stand in the block.
  llvm::ArrayRef<mlir::Operation *> ops() const { return members.getArrayRef(); }
  llvm::SmallVector<mlir::Operation *> inBlockOrder() const;
  void add(mlir::Operation *op) { members.insert(op); }
  void remove(mlir::Operation *op) { members.remove(op); }

  /// True if the group would stay convex with these operations.
  bool staysConvexWith(llvm::ArrayRef<mlir::Operation *> ops) const;
  /// Values from outside that the group reads; constants that move into it are not counted.
  llvm::SmallVector<mlir::Value> inputs() const;
  /// Values of the group that are used outside.
  llvm::SmallVector<mlir::Value> outputs() const;
  /// Replaces the operations by an nn.fused of this kind, at the place of the last one. Its location names all of them. Integers that it
  /// makes numbers for operations which can be fused with that leave it as integers.
  FusedOp outline(llvm::StringRef kind) const;

private:
  llvm::SetVector<mlir::Operation *> members;
};

/// True if a value is computed again inside each group that reads it: splat constants and iotas.
bool isFree(mlir::Value value);
/// True if `value` is used by operations outside the group.
bool isUsedOutside(mlir::Value value, const Group &group);
/// Names of the operations for reasons: "add, gelu".
std::string describe(llvm::ArrayRef<mlir::Operation *> ops);
/// "add" for nn.binary add, "softmax" for nn.softmax.
std::string describe(mlir::Operation *op);

/// Decisions on fusion, kept until a pass is done with a function.
class FusionLog {
public:
  /// `op` (and what it was fused with) became one kernel.
  void taken(mlir::Operation *op, const llvm::Twine &reason);
  void refused(mlir::Operation *op, const llvm::Twine &reason);
  void store(mlir::Operation *function) const { addDecisions(function, decisions); }

private:
  std::vector<Decision> decisions;
};

} // namespace lathe::nn
