// Fewer and longer axes: neighbouring axes that every operation of a kernel treats alike become one, so that inner loops are
// long and index arithmetic is short.
//
//   add [8, 56, 56, 64], [8, 56, 56, 64]            -> add [1605632], [1605632]
//   add [8, 56, 56, 64], [64]                       -> add [25088, 64], [64]
//   transpose(0, 2, 3, 1) [8, 64, 56, 56]           -> transpose(0, 2, 1) [8, 64, 3136]
#pragma once

#include "dialects/plan/Plan.h"

namespace lathe::x86 {

/// Rewrites the region of a kernel: reshapes next to memory vanish, then axes are merged. The kernel's buffers keep their
/// bytes; the types of its arguments and results may change.
void collapseAxes(plan::KernelOp kernel);

} // namespace lathe::x86
