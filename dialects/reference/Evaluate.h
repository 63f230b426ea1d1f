// The interpreter: runs nn operations on host tensors. It says what every operation means, folds constants,
// and is the oracle of tests. Floats are computed in double and rounded once per operation; integers wrap.
#pragma once

#include "dialects/nn/NN.h"
#include "dialects/reference/Tensor.h"
#include <optional>

namespace lathe::reference {

using Tensors = llvm::SmallVector<Tensor, 2>;

/// Runs one operation. `operands` has one tensor per operand, with static types; `symbols` the values of the
/// function's symbols (may be empty if the result types are static). Error: the text names what is wrong,
/// without a location.
llvm::Expected<Tensors> evaluate(mlir::Operation *op, llvm::ArrayRef<Tensor> operands,
                                 llvm::ArrayRef<int64_t> symbols = {});

/// Runs a function: binds its symbols from `inputs`, checks its constraints, then runs its operations in
/// order. Error: the text begins with the location of the operation at fault.
llvm::Expected<Tensors> evaluateFunction(mlir::func::FuncOp function, llvm::ArrayRef<Tensor> inputs);

/// The elements of a constant; none: `value` is null, no constant, or its elements can't be read.
std::optional<Tensor> constantTensor(mlir::Value value);

/// The results of an operation whose operands are all constants, as attributes. Error: an operand isn't
/// constant, a result isn't static, the operation can't be evaluated. A reshape shares its operand's
/// resource.
llvm::Expected<llvm::SmallVector<mlir::ElementsAttr>> foldConstants(mlir::Operation *op);

/// Frees the memory of a resource that foldConstants made. No attribute in use may have its handle any more.
void releaseResource(mlir::DenseResourceElementsAttr attribute);

} // namespace lathe::reference
