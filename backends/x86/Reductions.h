// Parts that reductions share: the running value of each kind, loop nests, the end of a normalization.
#pragma once

#include "backends/x86/Elements.h"

namespace lathe::x86 {

/// The running value of a reduction, on computed values. Integers are summed in 64 bits, their squares for l2 in f64.
class Accumulator {
public:
  /// `areMagnitudes`: the largest of at least one f32 is looked for, and all are positive, 0 or NaN. Their bits have the same order.
  Accumulator(EmitContext &c, nn::ReduceKind kind, mlir::Type elementType, bool areMagnitudes = false);
  mlir::Value init();
  mlir::Value combine(mlir::Value sum, mlir::Value x) { return join(sum, term(x)); }
  /// The running value of one element, and of the elements of two running values.
  mlir::Value term(mlir::Value x);
  mlir::Value join(mlir::Value a, mlir::Value b);
  /// The result, given how many elements (i64) were combined.
  mlir::Value finish(mlir::Value sum, mlir::Value count);

private:
  mlir::Value widen(mlir::Value x);

  EmitContext &c;
  nn::ReduceKind kind;
  mlir::Type element, type; // of the input; of the running value
  bool areMagnitudes;
};

/// Loops over all indices below `sizes`, the last one innermost, carrying values.
Values loopNest(EmitContext &c, IndexList sizes, Values inits,
                llvm::function_ref<Values(IndexList indices, mlir::ValueRange carried)> body);

/// centred * inverse deviation * scale + bias
mlir::Value normalize(EmitContext &c, nn::LayerNormOp op, mlir::Value centred, mlir::Value inverse, IndexList indices);

} // namespace lathe::x86
