// Memory planning of plan.programs.
#ifndef LATHE_PASSES_MEMORY_TD
#define LATHE_PASSES_MEMORY_TD

include "mlir/Pass/PassBase.td"

def GroupCalls : Pass<"lathe-group-calls", "::lathe::plan::ProgramOp"> {
  let summary = "let independent calls run together";
  let description = [{
    Short calls that don't depend on each other become groups (`joins` of plan.call), so that threads meet once per group
    instead of once per call. Calls of other branches move up for that, as long as no more memory is live at once than before.
    Runs before the arena is planned.
  }];
}

def PlanArena : Pass<"lathe-plan-arena", "::lathe::plan::ProgramOp"> {
  let summary = "give each plan.alloc its place in the arena";
  let description = [{
    Values that are never live together share memory. Programs with static sizes get byte offsets, others slots whose sizes
    follow from the symbols. Sets arena_bytes, lower_bound_bytes and no_reuse_bytes; removes unused allocs.
  }];
}

#endif
