// The product of states with a panel of recurrence weights (StepPlan.h):
//
//                gates vectors
//              +---------------+
//   rows       |  acc[r][g]    |     for k in hidden:  acc[r][g] += broadcast(state[r][k]) * panel[k][g]
//   (batch)    +---------------+
//
// With one row there are few sums to hide the latency of an FMA: several k are then summed apart. One step of k costs
// rows * gates FMAs, `gates` loads of weights and `rows` broadcasts; at one row it is bound by reading the weights. What there is
// less of, weights or broadcasts, stays in registers during a step.
#pragma once

#include "backends/x86/Scalar.h"

namespace lathe::x86 {

struct ProductShape {
  int64_t gates, lanes, hidden;
  int64_t panelGates; // vectors from one k to the next: a product may take some gates of a panel only
  bool isInteger;     // weights are i8
};

/// [row * gates + gate]: vectors of f32. `states` points at state[r][0]; all is zero where `isZero` (i1) holds, and the states
/// are not read then.
Values stepProduct(Scalar &s, ProductShape shape, llvm::ArrayRef<mlir::Value> states, mlir::Value panel,
                   mlir::Value isZero);

} // namespace lathe::x86
