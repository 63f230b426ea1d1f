// Makes plan.kernel operations out of nn operations, one for all operations that compute the same in the same way.
#pragma once

#include "backends/Backend.h"
#include "dialects/nn/NN.h"
#include "llvm/ADT/StringMap.h"
#include <map>

namespace lathe {

/// The kernel of an operation and what a call of it passes: the operands number `operands` of the operation.
struct KernelUse {
  plan::KernelOp kernel;
  llvm::SmallVector<unsigned> operands;
  mlir::AffineExpr flops;
};

/// How one operation is to be computed: the backend's own choice (Backend::planKernel), or another one of its plans.
/// `isConstant` as there.
using ChoosePlan = std::function<mlir::FailureOr<KernelPlan>(mlir::Operation *op, llvm::ArrayRef<bool> isConstant)>;

class KernelBuilder {
public:
  KernelBuilder(plan::ProgramOp program, ChoosePlan choosePlan) : program(program), choosePlan(std::move(choosePlan)) {}

  /// Asks how to compute `op`. `constants`: per operand, its value or null. One-element and splat constants
  /// that element-wise operations use become part of the kernel. Failure: a diagnostic has been emitted.
  mlir::FailureOr<KernelUse> build(mlir::Operation *op, llvm::ArrayRef<mlir::ElementsAttr> constants);
  /// The kernel with these pairs (input, output) in one buffer. To be called right after `build`.
  plan::KernelOp withInPlace(plan::KernelOp kernel, llvm::ArrayRef<int64_t> pairs);

private:
  plan::KernelOp finish(plan::KernelOp kernel, llvm::StringRef stem);
  std::string uniqueName(llvm::StringRef stem);

  plan::ProgramOp program;
  ChoosePlan choosePlan;
  std::map<std::string, llvm::SmallVector<plan::KernelOp, 1>> known; // by name stem and size of the region
  llvm::StringMap<unsigned> names;
  llvm::DenseMap<mlir::Operation *, std::string> stems; // of kernels that have no name yet
  mlir::Operation *lastKernel = nullptr;
};

/// True for nn operations that compute each element from the elements at the same index (after broadcasting).
bool isElementwise(mlir::Operation *op);
/// True if the kernel reads input `input` only at the index at which it writes output `output`, and computes nothing but
/// element-wise functions.
bool readsInStep(plan::KernelOp kernel, unsigned input, unsigned output);
/// Bytes that the kernel reads of input `input`: all of it, unless only parts are gathered or cut out.
mlir::AffineExpr readBytes(plan::KernelOp kernel, unsigned input);
/// The value of a constant, looked at through reshapes; null for other values.
mlir::ElementsAttr constantValue(mlir::Value value);

} // namespace lathe
