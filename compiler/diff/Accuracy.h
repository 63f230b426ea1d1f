// What a compilation lost, told by the compilation itself.
#pragma once

#include "compiler/diff/ObservedProgram.h"
#include "compiler/driver/Driver.h"

namespace lathe::diff {

/// For CompileOptions::measureAccuracy. Compares the artifact with the model in f32 on the first of the samples that it was calibrated with; with a
/// report also layer by layer, and in size, time and memory with the artifact that f32 would be.
Accuracy measureAccuracy(const CompileOptions &options, const OpenObserved &open);

} // namespace lathe::diff
