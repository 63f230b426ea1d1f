// Weights of calibrated 8-bit products, rounded with the second moments of what they multiply (GPTQ), and how many bits they need.
#pragma once

#include "compiler/calibrate/Taps.h"
#include "compiler/quantize/PrecisionCosts.h"

namespace lathe {

/// Notes integers of the weights (passes/quantize/IntegerWeights.h) at products of precision int8; `samples` is not looked at if there are
/// none. Matrices that several products share are left to nearest integers. Where 7 bits of weights lose much more than the 8 bits of
/// the input do, 8 bits are taken (unless `costs` says 7), or f32 if these are slower and the loss is large. Ranges of inputs are known.
/// Error: as of runTaps.
llvm::Error roundIntegerWeights(mlir::func::FuncOp function, SampleSource &samples, Backend &backend,
                                const TapOptions &taps, const CostChoice &costs);

} // namespace lathe
