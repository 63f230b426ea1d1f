// The tuning of one compilation: database, tuners of the targets, and what the report says of them.
#pragma once

#include "compiler/driver/Driver.h"
#include "compiler/driver/OutputFile.h"
#include "compiler/tune/Tuner.h"

namespace lathe {

class Tuning {
public:
  Tuning(const CompileOptions &options, Backend &backend) : options(options), backend(backend) {}

  /// Reads the database, and sees whether it can be written: code invalid_argument where the options or the file's contents
  /// are at fault.
  llvm::Error open();
  /// Before anything else below.
  void prepare(llvm::ArrayRef<Target> targets);
  /// For plans of a library, to be measured, too. Where it can't be opened, `warn` is told so, and none of its plans is taken.
  void openLibrary(llvm::function_ref<void(const llvm::Twine &)> warn);
  /// Measures for all targets that this machine can run; `warn` is told of others. Failure: diagnostics were emitted.
  mlir::LogicalResult measure(mlir::func::FuncOp function, llvm::function_ref<void(const llvm::Twine &)> warn);
  /// Writes what was measured.
  std::error_code save();
  Tuner &tuner(size_t target) { return *tuners[target]; }
  std::vector<ChoiceRecord> records() const;

private:
  const CompileOptions &options;
  Backend &backend;
  TuningDatabase database;
  OutputFile file;
  std::unique_ptr<MeasuredLibrary> library;
  std::vector<std::unique_ptr<Tuner>> tuners; // one per target
};

} // namespace lathe
