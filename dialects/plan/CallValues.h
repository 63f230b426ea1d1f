// Which values of a model a call writes: noted at plan.call for the manifest, as the discardable attribute `lathe.values`.
#pragma once

#include "dialects/plan/Plan.h"
#include "dialects/support/Origin.h"

namespace lathe::plan {

/// What is known of an output of a call.
struct CallValue {
  unsigned output = 0;
  Origin origin;
  mlir::Type elementType; // f32, or 8-bit integers
};

/// Notes at `call` the origins of the results of `op`, which it computes: an operation of nn, maybe nn.fused.
void recordValues(CallOp call, mlir::Operation *op);
std::vector<CallValue> valuesOf(CallOp call);

} // namespace lathe::plan
