// Minimal filtering F(4, 3) along an axis in integers, exact modulo 2^32. With the points 0, 1, -1, 2, -2 the matrices B^T and A^T of
// Lavin and Gray (Fast Algorithms for Convolutional Neural Networks, 2016) are of integers; the rows of G are multiplied by 4, -6,
// -6, 24, 24 and 1 to be so too, and the columns of A^T by what is left of 24. Two axes then give 576 = 64 * 9 times the result,
// which is divided exactly: by 9 with its inverse modulo 2^32, by 64 with a shift. So results of less than 2^25 are right, however
// the sums on the way wrap.
//
// Of bytes minus a zero point (-255 .. 255) patches become at most 100 and filters at most 49 times as large: both fit i16.
#pragma once

#include "backends/x86/Scalar.h"

namespace lathe::x86 {

constexpr int kFilterOutputs = 4, kFilterTaps = 3, kFilterPoints = 6;
/// Results must be smaller than that.
constexpr int64_t kFilterLimit = int64_t(1) << 25;

/// B^T d: 6 values of 6.
Values transformPatch(Scalar &s, llvm::ArrayRef<mlir::Value> d);
/// G g, scaled: 6 values of 3.
Values transformFilter(Scalar &s, llvm::ArrayRef<mlir::Value> g);
/// A^T m, scaled: 4 values of 6.
Values transformProducts(Scalar &s, llvm::ArrayRef<mlir::Value> m);
/// What is left to do after both axes (vectors of i32).
mlir::Value divideExactly(Scalar &s, mlir::Value x);

} // namespace lathe::x86
