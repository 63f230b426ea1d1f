// Running an artifact while compiling: for calibration, search and comparison.
#pragma once

#include "compiler/diff/ObservedProgram.h"

namespace lathe {

/// Opens `path` with the runtime, all threads of the machine. For CompileOptions::openProgram.
llvm::Expected<std::unique_ptr<RunnableProgram>> openRunnableArtifact(llvm::StringRef path);
/// The same, to be looked into. For diff::DiffOptions::open.
llvm::Expected<std::unique_ptr<diff::ObservedProgram>> openObservedArtifact(llvm::StringRef path);

} // namespace lathe
