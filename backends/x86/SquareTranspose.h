// 8 x 8 elements of 4 bytes transposed in registers.
#pragma once

#include "backends/x86/Scalar.h"

namespace lathe::x86 {

constexpr int64_t kSquare = 8;

/// Columns of the matrix whose rows are `rows`, kSquare vectors of as many 4-byte elements: three rounds of interleaving rows
/// i and i + 4, after each of which row 2 i + h holds half h of the interleaved rows.
Values transposeSquare(Scalar &s, llvm::ArrayRef<mlir::Value> rows);

} // namespace lathe::x86
