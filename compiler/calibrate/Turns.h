// Times of two programs beside each other.
#pragma once

#include "compiler/calibrate/Program.h"
#include <array>

namespace lathe {

struct TimedProgram {
  RunnableProgram &program;
  llvm::ArrayRef<reference::Tensor> inputs;
};

/// The least time of a run of each, in seconds, of at least 5 rounds that go on for about `seconds` in all. They take turns, so that what
/// else the machine does meets both; a first round, which binds shapes and checks weights, doesn't count.
llvm::Expected<std::array<double, 2>> timeInTurns(TimedProgram first, TimedProgram second, double seconds);

} // namespace lathe
