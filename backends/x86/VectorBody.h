// The element-wise operations of a kernel on whole vectors, for epilogues whose values stand in registers already.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

class VectorBody {
public:
  /// Operations of the kernel's region around `root`.
  VectorBody(EmitContext &context, mlir::Operation *root);

  /// False if an operation has no form for vectors (f32; conversions between f32 and integers of up to 32 bits): nothing else
  /// may be called then.
  bool isUsable() const { return usable; }
  /// True if the operations are a few instructions each: cheap to repeat for every vector of a tile.
  bool isLight() const { return light; }

  /// True if a result or an input around the root is of bytes.
  bool hasBytes() const { return bytes; }

  /// Vectors of `lanes` elements of the kernel's results; `leaf` gives those of the root's result and of the kernel's inputs.
  Values compute(int64_t lanes, llvm::function_ref<mlir::Value(mlir::Value)> leaf);

private:
  mlir::Value valueOf(mlir::Value tensor, llvm::function_ref<mlir::Value(mlir::Value)> leaf);
  mlir::Value otherOperation(mlir::Operation *op, llvm::function_ref<mlir::Value(mlir::Value)> leaf);

  EmitContext &c;
  mlir::Operation *root;
  int64_t lanes = 0;
  bool usable = true, light = true, bytes = false;
  llvm::DenseMap<mlir::Value, mlir::Value> computed;
};

} // namespace lathe::x86
