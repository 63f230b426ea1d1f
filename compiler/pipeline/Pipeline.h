// Which passes a phase runs, in which order.
#pragma once

#include "mlir/Pass/PassManager.h"
#include <string>
#include <vector>

namespace lathe {

/// Brings exporters' idioms into one form: constants folded, activations, norms and attention recognized, scales folded into
/// weights. `dims`: name=size or name=low..high for symbols.
void buildCanonicalPhase(mlir::OpPassManager &module, const std::vector<std::string> &dims);
/// Channels last for convolutions; transposes moved to the borders.
void buildLayoutPhase(mlir::OpPassManager &module);
/// Regions that one kernel computes.
void buildFusePhase(mlir::OpPassManager &module);
/// Fails if a function holds what does not belong there between two phases.
void buildVerifyPhase(mlir::OpPassManager &module);

} // namespace lathe
