// Memory planning of plan.programs.
#ifndef LATHE_PASSES_MEMORY_TD
#define LATHE_PASSES_MEMORY_TD

include "mlir/Pass/PassBase.td"

def PlanArena : Pass<"lathe-plan-arena", "::lathe::plan::ProgramOp"> {
  let summary = "give each plan.alloc its place in the arena";
  let description = [{
    Values that are never live together share memory. Programs with static sizes get byte offsets, others slots whose sizes
    follow from the symbols. Sets arena_bytes, lower_bound_bytes and no_reuse_bytes; removes unused allocs.
  }];
}

#endif
