// Model file -> module with one function of nn operations.
#pragma once

#include "compiler/driver/Messages.h"
#include "compiler/import/Import.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace lathe {

/// Dialects and settings that compiling needs.
void prepareContext(mlir::MLIRContext &context);

/// Reads an ONNX model (from `data`, if there is any), or MLIR text if the name ends in .mlir. Null on failure, with
/// messages. Weights stay in the mapped file: the module is valid while the context lives.
mlir::OwningOpRef<mlir::ModuleOp> loadModel(llvm::StringRef path, llvm::ArrayRef<char> data,
                                            const ImportOptions &options, mlir::MLIRContext &context,
                                            Messages &messages);

} // namespace lathe
