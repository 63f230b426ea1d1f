// The quantization of one compilation: checks of its options, precisions of nodes, calibration, and what is inserted.
#pragma once

#include "backends/Backend.h"
#include "compiler/calibrate/Taps.h"
#include "compiler/driver/Driver.h"
#include "compiler/quantize/PrecisionCosts.h"
#include "compiler/quantize/PrecisionRules.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace lathe {

class Quantization {
public:
  /// `targets`: what is compiled for; may be filled after the construction.
  Quantization(const CompileOptions &options, Backend &backend, const std::vector<Target> &targets)
      : options(options), backend(backend), targets(targets) {}

  /// Refuses options that are wrong, or don't go together (invalid_argument), and reads the precisions of nodes.
  llvm::Error prepare();
  /// Makes integers of what the options ask for; nothing without --quantize and --precisions. Error: what is wrong with samples,
  /// model or precisions (invalid_argument).
  llvm::Error run(mlir::func::FuncOp function) const;
  /// Of `run`, where options are not at fault: is the model, or are the samples not there?
  CompileStatus::Code failureCode() const;
  /// The samples of --calibrate for this function's inputs, and how it is run on them.
  llvm::Expected<std::unique_ptr<SampleSource>> openSamples(mlir::func::FuncOp function) const;
  TapOptions tapOptions() const;

private:
  llvm::Error checkSamples(nn::Precision precision) const;
  llvm::Error prepareInt4(nn::NodePrecision &general) const;
  bool isAsked() const { return !options.quantize.empty() || !options.precisionsPath.empty(); }
  llvm::Expected<CostChoice> costs(mlir::func::FuncOp function, SampleSource *samples) const;
  llvm::Error calibrateInputs(mlir::func::FuncOp function, SampleSource *samples, const CostChoice &costs) const;
  llvm::Error fillStudy(mlir::func::FuncOp function, SampleSource &samples) const;
  llvm::Error runStudied(mlir::func::FuncOp function, const CostChoice &costs) const;

  const CompileOptions &options;
  Backend &backend;
  const std::vector<Target> &targets;
  PrecisionChoice choice;
};

} // namespace lathe
