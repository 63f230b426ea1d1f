// Every pass of Lathe. Each folder lists its own passes in one file, included here.
#ifndef LATHE_PASSES_PASSES_TD
#define LATHE_PASSES_PASSES_TD

include "passes/canonical/Canonical.td"
include "passes/quantize/Quantize.td"
include "passes/layout/Layout.td"
include "passes/fuse/Fuse.td"
include "passes/memory/Memory.td"
include "passes/verify/Verify.td"

#endif
