// Functions of f32 as straight-line code that loops can vectorize: no calls, no branches, special values exact.
//
// Polynomials are minimax fits (Remez) made for the reduced ranges given in the .cpp. docs/Accuracy.md states the largest errors in
// ULP, which tests/ulp holds them to. The rarer functions are evaluated in double precision inside.
#pragma once

#include "backends/x86/Scalar.h"

namespace lathe::x86 {

mlir::Value expF32(Scalar &s, mlir::Value x);
/// exp(x) for x <= 0, as softmax needs it, within 2 ULP: 0 where the result is below the normal range.
mlir::Value expNegativeF32(Scalar &s, mlir::Value x);
/// exp(x) - 1 without cancellation.
mlir::Value expm1F32(Scalar &s, mlir::Value x);
mlir::Value logF32(Scalar &s, mlir::Value x);
/// log(1 + x) for x >= 0 without cancellation.
mlir::Value log1pF32(Scalar &s, mlir::Value x);
mlir::Value tanhF32(Scalar &s, mlir::Value x);
mlir::Value sigmoidF32(Scalar &s, mlir::Value x);
mlir::Value erfF32(Scalar &s, mlir::Value x);
/// x / 2 (1 + erf(x / sqrt(2))) with one division in place of an exponential; erf within 4e-7 absolute.
mlir::Value geluF32(Scalar &s, mlir::Value x);
mlir::Value sinF32(Scalar &s, mlir::Value x);
mlir::Value cosF32(Scalar &s, mlir::Value x);
mlir::Value tanF32(Scalar &s, mlir::Value x);
mlir::Value asinF32(Scalar &s, mlir::Value x);
mlir::Value acosF32(Scalar &s, mlir::Value x);
mlir::Value atanF32(Scalar &s, mlir::Value x);
mlir::Value sinhF32(Scalar &s, mlir::Value x);
mlir::Value coshF32(Scalar &s, mlir::Value x);
mlir::Value asinhF32(Scalar &s, mlir::Value x);
mlir::Value acoshF32(Scalar &s, mlir::Value x);
mlir::Value atanhF32(Scalar &s, mlir::Value x);
/// As C's powf.
mlir::Value powF32(Scalar &s, mlir::Value x, mlir::Value y);
/// As C's fmodf: exact for quotients below 2^29.
mlir::Value fmodF32(Scalar &s, mlir::Value x, mlir::Value y);

} // namespace lathe::x86
