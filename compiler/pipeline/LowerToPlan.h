// nn function -> plan.program for one target.
#pragma once

#include "compiler/pipeline/KernelBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace lathe {

/// Adds a plan.program named `name` after `function`, which stays as it is. Every operation that computes something becomes a
/// kernel and a call; reshapes and the like become views; memory is not assigned yet (see passes/memory). The names of
/// inputs and outputs are the `nn.name` attributes of arguments and results. Failure: diagnostics at all operations that
/// have no kernel. The overload without `choosePlan` leaves all choices to the backend.
mlir::FailureOr<plan::ProgramOp> lowerToPlan(mlir::func::FuncOp function, Backend &backend, const Target &target,
                                             llvm::StringRef name, ChoosePlan choosePlan);
mlir::FailureOr<plan::ProgramOp> lowerToPlan(mlir::func::FuncOp function, Backend &backend, const Target &target,
                                             llvm::StringRef name);

} // namespace lathe
