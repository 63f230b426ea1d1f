// Functions of f32 as straight-line code that loops can vectorize: no calls, no branches, special values exact.
//
// Polynomials are minimax fits (Remez) made for the reduced ranges given in the .cpp. Largest errors measured against
// double precision over the whole range (tests/unit/x86): exp 1, log 2, tanh 3, erf 3, sigmoid 3, sin and cos 2 (arguments up
// to 1e9), all others 2 ULP. The rarer functions are evaluated in double precision inside.
#pragma once

#include "backends/x86/Scalar.h"

namespace lathe::x86 {

mlir::Value expF32(Scalar &s, mlir::Value x);
/// exp(x) - 1 without cancellation.
mlir::Value expm1F32(Scalar &s, mlir::Value x);
mlir::Value logF32(Scalar &s, mlir::Value x);
/// log(1 + x) for x >= 0 without cancellation.
mlir::Value log1pF32(Scalar &s, mlir::Value x);
mlir::Value tanhF32(Scalar &s, mlir::Value x);
mlir::Value sigmoidF32(Scalar &s, mlir::Value x);
mlir::Value erfF32(Scalar &s, mlir::Value x);
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
