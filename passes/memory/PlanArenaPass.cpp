// The pass around planArena.
#include "dialects/plan/Plan.h"
#include "passes/Passes.h"
#include "passes/memory/PlanArena.h"

namespace lathe {

#define GEN_PASS_DEF_PLANARENA
#include "passes/Passes.h.inc"

namespace {
struct PlanArena : impl::PlanArenaBase<PlanArena> {
  void runOnOperation() override { planArena(getOperation()); }
};
} // namespace

} // namespace lathe
