// Ranges of a function's values, measured by running it compiled in f32 with these values as outputs, too.
#pragma once

#include "backends/Backend.h"
#include "compiler/calibrate/Histogram.h"
#include "compiler/calibrate/Program.h"
#include "compiler/calibrate/Samples.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace lathe {

struct CalibrationOptions {
  RangeMethod method = RangeMethod::mse;
  OpenProgram openProgram; // must be there
  /// Told how many samples were run, of how many.
  std::function<void(size_t done, size_t count)> progress;
};

/// The inputs of `function` as samples must give them.
std::vector<InputSpec> inputSpecs(mlir::func::FuncOp function);

/// One range for each of `points` (f32 values of `function`, which stays as it is). Memory doesn't grow with the number of samples.
/// Error: a sample can't be loaded or run, a value is not finite, or there are no samples; all name the reason.
llvm::Expected<std::vector<Range>> calibrate(mlir::func::FuncOp function, llvm::ArrayRef<mlir::Value> points,
                                             SampleSource &samples, Backend &backend,
                                             const CalibrationOptions &options);

} // namespace lathe
