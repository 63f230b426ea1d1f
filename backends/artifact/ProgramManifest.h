// One plan.program as a table of the manifest.
#pragma once

#include "backends/Backend.h"
#include "backends/artifact/WeightsStore.h"
#include "manifest_generated.h"

namespace lathe {

/// The element type's number in manifests, which is that of the C API.
artifact::DType dtypeOf(mlir::Type type);

/// `code` is the machine code of the program's kernels. Code offsets are left at zero. Failure: diagnostics at operations
/// that the artifact has no place for.
mlir::FailureOr<std::unique_ptr<artifact::ProgramT>> describeProgram(plan::ProgramOp program, const CodeImage &code,
                                                                     const WeightsStore &weights);

} // namespace lathe
