// The quantization of one compilation: checks of its options, calibration, and what is inserted.
#pragma once

#include "backends/Backend.h"
#include "compiler/driver/Driver.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace lathe {

class Quantization {
public:
  Quantization(const CompileOptions &options, Backend &backend) : options(options), backend(backend) {}

  /// Refuses options that are wrong, or don't go together.
  llvm::Error check() const;
  /// Makes integers of what the options ask for; nothing without --quantize. Error: what is wrong with samples or model.
  llvm::Error run(mlir::func::FuncOp function) const;

private:
  llvm::Error calibrateInputs(mlir::func::FuncOp function) const;

  const CompileOptions &options;
  Backend &backend;
};

} // namespace lathe
