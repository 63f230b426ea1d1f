// oneDNN to be measured while tuning: the runtime's calls, for the compiler.
#pragma once

#include "compiler/tune/MeasuredLibrary.h"

namespace lathe {

/// Opens oneDNN as the runtime does for artifacts. For CompileOptions::openLibrary.
llvm::Expected<std::unique_ptr<MeasuredLibrary>> openMeasuredOneDnn();

} // namespace lathe
