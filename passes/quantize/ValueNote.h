// Numbers that belong to a value, as an attribute of what defines it.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace lathe::nn {

/// At the operation (of one result) or argument that defines the value.
void noteNumbers(mlir::Value value, llvm::StringRef name, llvm::ArrayRef<double> numbers);
/// Empty: there are none.
llvm::ArrayRef<double> numbersOf(mlir::Value value, llvm::StringRef name);
void removeNumbers(mlir::func::FuncOp function, llvm::StringRef name);

} // namespace lathe::nn
