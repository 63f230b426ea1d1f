// Collects MLIR diagnostics as the lines a user reads.
#pragma once

#include "mlir/IR/Diagnostics.h"
#include <mutex>
#include <string>

namespace lathe {

/// While it lives, diagnostics of the context become lines "model.onnx: error: node 'Conv_3': text". Locations of text files
/// (.mlir) are given as file:line:column. Thread-safe.
class Messages {
public:
  Messages(mlir::MLIRContext *context, llvm::StringRef modelPath);

  /// Add a line of our own.
  void error(const llvm::Twine &text);
  void warning(const llvm::Twine &text);
  bool hasErrors() const { return errors > 0; }
  std::string take();

private:
  mlir::LogicalResult handle(mlir::Diagnostic &diagnostic);
  void add(mlir::Diagnostic &diagnostic, llvm::StringRef indent);

  std::string modelPath;
  std::mutex mutex;
  std::string lines;
  unsigned errors = 0;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace lathe
