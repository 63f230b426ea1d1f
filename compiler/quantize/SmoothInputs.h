// Factors for the channels of what matrix products read as 8-bit integers, from samples.
#pragma once

#include "compiler/calibrate/Taps.h"

namespace lathe {

/// Notes the factors (passes/quantize/Smoothing.h) where they gain; `samples` is not looked at if there is nothing to scale. Error: as
/// of runTaps.
llvm::Error noteSmoothFactors(mlir::func::FuncOp function, SampleSource &samples, Backend &backend,
                              const TapOptions &taps);

} // namespace lathe
