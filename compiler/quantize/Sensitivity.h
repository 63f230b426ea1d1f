// What each node's precision does to the outputs of a model.
#pragma once

#include "compiler/calibrate/Taps.h"
#include "compiler/quantize/Study.h"

namespace lathe {

/// Measures QuantizationStudy::Choice::error of all choices. One program has every product twice, in f32 and in integers, and an
/// input for each that selects; it is run once for each choice and sample. `function` has calibrated ranges, and stays as it is. The
/// first sample is measured in any case, others until `deadline`. Error: as of runTaps.
llvm::Error measureSensitivities(mlir::func::FuncOp function, SampleSource &samples, Backend &backend,
                                 const TapOptions &taps, std::chrono::steady_clock::time_point deadline,
                                 QuantizationStudy &study);

} // namespace lathe
