// Memory planning of a plan.program.
#pragma once

#include "dialects/plan/Plan.h"

namespace lathe {

/// Gives each plan.alloc an offset in the arena (all sizes static) or a slot (some are symbolic), and sets the program's
/// arena_slots, arena_bytes, lower_bound_bytes and no_reuse_bytes. Allocs whose size depends on computed values stay without.
/// Unused allocs are removed. Repeatable.
void planArena(plan::ProgramOp program);

/// Steps during which the memory of an alloc is in use, first and last, counted from 0; none if no call uses it. A step is a
/// call with those that join it. Late symbols read from it count as the call before them.
struct Lifetime {
  plan::AllocOp alloc;
  int64_t first = 0, last = 0;
};
std::vector<Lifetime> lifetimes(plan::ProgramOp program);

/// Values for the symbols of a program to compare sizes with, where nothing is known of a run: 128, inside its bounds.
llvm::SmallVector<int64_t> guessSymbols(const Symbols &symbols);

} // namespace lathe
