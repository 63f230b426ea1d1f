// Groups of calls that run together: see docs/Memory.md and docs/Kernels.md.
#pragma once

#include "dialects/plan/Plan.h"

namespace lathe {

/// Marks calls that can run together with the one before (`joins`), and moves short ones up to where they can. Never lets
/// more bytes be live at once than without, for guessed sizes (guessSymbols). Before planArena.
void groupCalls(plan::ProgramOp program);

} // namespace lathe
