// Looking into an artifact: for comparing it with its model.
#pragma once

#include "compiler/diff/ObservedProgram.h"

namespace lathe {

/// Opens `path` with the runtime. For diff::DiffOptions::open.
llvm::Expected<std::unique_ptr<diff::ObservedProgram>> openObservedArtifact(llvm::StringRef path, unsigned threads);

} // namespace lathe
