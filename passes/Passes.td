// Every pass of Lathe. Each folder lists its own passes in one file, included here.
#ifndef LATHE_PASSES_PASSES_TD
#define LATHE_PASSES_PASSES_TD

include "passes/canonical/Canonical.td"
include "passes/verify/Verify.td"

#endif
