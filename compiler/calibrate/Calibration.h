// Ranges of a function's values, measured by running it compiled in f32 with these values as outputs, too.
#pragma once

#include "compiler/calibrate/Histogram.h"
#include "compiler/calibrate/Taps.h"

namespace lathe {

/// An f32 value, and how much its channels count (Histogram::add); no weights: all the same.
struct CalibrationPoint {
  mlir::Value value;
  int64_t axis; // of the channels
  std::vector<float> weights;
};

/// For each of `points` (values of `function`, which stays as it is). Weights count with RangeMethod::mse only. Memory
/// doesn't grow with the number of samples. Error: a sample can't be loaded or run, a value is not finite, or there are no samples;
/// all name the reason.
llvm::Expected<std::vector<Range>> calibrate(mlir::func::FuncOp function, llvm::ArrayRef<CalibrationPoint> points,
                                             SampleSource &samples, Backend &backend, RangeMethod method,
                                             const TapOptions &taps);

} // namespace lathe
