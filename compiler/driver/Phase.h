// What the drivers of `lathe compile` and `lathe quantize` share: phases, and how they fail.
#pragma once

#include "compiler/driver/Driver.h"
#include "compiler/driver/Messages.h"
#include <optional>

namespace lathe {

/// Runs a phase and tells options.progress of it. Gives the seconds that it took; none: it failed.
std::optional<double> timePhase(const CompileOptions &options, llvm::StringRef phase, llvm::function_ref<bool()> run);

/// Adds the error to the messages. An invalid argument is bad usage; everything else is `otherwise`. Gives false.
bool fail(Messages &messages, CompileStatus &status, llvm::Error error, CompileStatus::Code otherwise);

} // namespace lathe
