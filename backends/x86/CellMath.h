// A vector of neighbouring hidden units: memory of blocks that may end early, and activation functions.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

class LaneMath {
public:
  /// `width` (i64): units inside the tensor, the rest of the vector is neither read nor written; null: all.
  LaneMath(EmitContext &context, int64_t lanes, mlir::Value width);

  mlir::VectorType type() const { return vectorType; }
  mlir::Value constant(double value);
  mlir::Value load(mlir::Value address);
  void store(mlir::Value value, mlir::Value address);

  /// Activation `which` of `direction` (i64, of several directions), after clipping.
  mlir::Value activate(nn::RecurrentOp op, size_t which, mlir::Value x, bool isClipped, mlir::Value direction);

  /// Whether all activations give numbers.
  static bool canActivate(nn::RecurrentOp op);

private:
  EmitContext &c;
  int64_t lanes;
  mlir::VectorType vectorType;
  mlir::Value mask; // vector of i1; null: all
};

/// Function `number` of the cell's list of activations on x, a scalar or vector.
mlir::Value emitActivation(EmitContext &c, nn::RecurrentOp op, size_t number, mlir::Value x);
/// x cut to the cell's clip.
mlir::Value emitClip(EmitContext &c, nn::RecurrentOp op, mlir::Value x);

} // namespace lathe::x86
