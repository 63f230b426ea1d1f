// An operation in one line: what its time depends on.
#pragma once

#include "mlir/IR/Operation.h"
#include <string>

namespace lathe {

/// Operations (nn operations or nn.fused) of equal text have equal plans to choose from. Inputs come first, `=` before those
/// that are known at compile time; then what is computed from them, values counted from the first input on:
/// "1x56x56x64xf32 =64x64x3x3xf32 -> conv(0,1){channels_last,group=1,..}:1x56x56x64xf32 unary(2){kind=relu} -> 3". Never has a '|'.
std::string operationText(mlir::Operation *op, llvm::ArrayRef<bool> isConstant);

} // namespace lathe
