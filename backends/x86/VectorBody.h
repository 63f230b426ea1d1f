// The element-wise operations of a kernel on whole vectors, for epilogues whose values stand in registers already.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

class VectorBody {
public:
  /// Operations of the kernel's region around `root`, `lanes` elements at once.
  VectorBody(EmitContext &context, mlir::Operation *root, int64_t lanes);

  /// False if an operation has no form for vectors (f32; conversions between f32 and integers of up to 32 bits): nothing else
  /// may be called then.
  bool isUsable() const { return usable; }
  /// True if the operations are a few instructions each: cheap to repeat for every vector of a tile.
  bool isLight() const { return light; }

  /// Vectors of the kernel's results; `leaf` gives those of the root's result and of the kernel's inputs.
  Values compute(llvm::function_ref<mlir::Value(mlir::Value)> leaf);

private:
  mlir::Value valueOf(mlir::Value tensor, llvm::function_ref<mlir::Value(mlir::Value)> leaf);
  mlir::Value otherOperation(mlir::Operation *op, llvm::function_ref<mlir::Value(mlir::Value)> leaf);

  EmitContext &c;
  mlir::Operation *root;
  int64_t lanes;
  bool usable = true, light = true;
  llvm::DenseMap<mlir::Value, mlir::Value> computed;
};

} // namespace lathe::x86
