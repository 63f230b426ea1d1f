// Model files in memory: who keeps them mapped, and when their pages are needed no more.
//
// Constants point into mapped files. Pages that were read count as resident memory of the process until they are given
// back; a compiler that reads every weight once would seem to need the whole model. They can be given back at any time:
// reading them again brings them back from the file.
#pragma once

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/ArrayRef.h"
#include <memory>

namespace lathe {

/// Keeps `owner` (which unmaps `range` when destroyed) as long as the context, and lets forgetPages work inside the range.
/// The range must be a read-only mapping of a file. Not to be called while passes run.
void keepMapped(mlir::MLIRContext *context, std::shared_ptr<const void> owner, llvm::ArrayRef<char> range);

/// Tells that `bytes` won't be read soon. Does nothing for memory that is not inside a kept mapping. Thread-safe.
void forgetPages(mlir::MLIRContext *context, llvm::ArrayRef<char> bytes);

} // namespace lathe
