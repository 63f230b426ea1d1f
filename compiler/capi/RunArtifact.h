// Running an artifact while compiling: for calibration.
#pragma once

#include "compiler/calibrate/Program.h"

namespace lathe {

/// Opens `path` with the runtime, all threads of the machine. For CompileOptions::openProgram.
llvm::Expected<std::unique_ptr<RunnableProgram>> openRunnableArtifact(llvm::StringRef path);

} // namespace lathe
