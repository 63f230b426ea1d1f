// Sizes of a recurrent cell whose steps are rounds of tasks (RecurrentSteps.cpp), and how its recurrence weights are stored.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

/// Gates whose products with the state are computed together. A step has one phase; a GRU whose reset gate acts before the
/// product has two, since its last gate needs all of the reset state.
struct StepPhase {
  int64_t firstGate, gates;
};

/// A block is `lanes` neighbouring hidden units; its panel of recurrence weights is stored as
///   for phase: for k in hidden: for gate of the phase: [lanes]
/// so that a task reads it in order, as f32 or as i8. Panels are ordered [direction][block]; missing units are zeros.
struct StepPlan {
  int64_t directions, gates, hidden, lanes, firstPhaseGates, rows, registers, isInteger;

  /// For a recurrence operand of static shape. `rows`: of the register tile (batch rows).
  static StepPlan of(nn::RecurrentOp op, const Target &target);

  int64_t blocks() const { return (hidden + lanes - 1) / lanes; }
  bool hasTail() const { return hidden % lanes != 0; }
  llvm::SmallVector<StepPhase, 2> phases() const;
  int64_t panelElements() const { return gates * hidden * lanes; }
  int64_t sizeBytes() const { return directions * blocks() * panelElements() * (isInteger ? 1 : 4); }
  /// Elements before the phase in a panel.
  int64_t phaseStart(StepPhase phase) const { return phase.firstGate * hidden * lanes; }
  int64_t mostGates() const { return std::max(firstPhaseGates, gates - firstPhaseGates); }
  /// Gates that one register tile of so many rows takes, a divisor of the phase's: all unless that needs too many registers.
  int64_t tileGates(int64_t tileRows, StepPhase phase) const;

  /// Element: float, or int8_t of integers.
  template <typename Element> void pack(const Element *source, Element *out) const;

  mlir::DictionaryAttr toAttribute(mlir::MLIRContext *context) const;
  static StepPlan of(mlir::DictionaryAttr attributes);
};

} // namespace lathe::x86
