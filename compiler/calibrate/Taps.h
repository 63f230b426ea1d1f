// Values inside a function, seen by running it: compiled in f32, with these values as its outputs.
#pragma once

#include "backends/Backend.h"
#include "compiler/calibrate/Program.h"
#include "compiler/calibrate/Samples.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <limits>

namespace lathe {

struct TapOptions {
  OpenProgram openProgram; // must be there
  /// Told how many samples were run, of how many.
  std::function<void(size_t done, size_t count)> progress;
  size_t maxSamples = std::numeric_limits<size_t>::max(); // the first ones
};

/// What one point was in one sample.
struct TapValue {
  size_t sample, point;
  llvm::ArrayRef<int64_t> shape;
  const void *data; // row-major, of the point's element type; for the time of the call
};
using TapFn = llvm::function_ref<void(const TapValue &value)>;

/// The inputs of `function` as samples must give them.
std::vector<InputSpec> inputSpecs(mlir::func::FuncOp function);

/// Writes an artifact for this machine: `function` (which stays as it is), compiled in f32, with `points` (values of it) as its only
/// outputs, in this order.
llvm::Error writeTaps(llvm::StringRef path, mlir::func::FuncOp function, llvm::ArrayRef<mlir::Value> points,
                      Backend &backend);

/// Runs the samples in order, and tells `observe` of each of `points` (values of `function`, which stays as it is). One sample's values
/// are in memory at a time. Error: a sample can't be loaded or run, or there are none; names the reason.
llvm::Error runTaps(mlir::func::FuncOp function, llvm::ArrayRef<mlir::Value> points, SampleSource &samples,
                    Backend &backend, const TapOptions &options, TapFn observe);

} // namespace lathe
