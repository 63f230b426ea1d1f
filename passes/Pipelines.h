// The passes of each phase, in order. The driver adds what belongs to it: shape refinement before, verification between.
#pragma once

#include "mlir/Pass/PassManager.h"

namespace lathe {

/// Folds constants and turns what exporters write into what they meant. Input: nn as imported, shapes refined.
void buildCanonicalPipeline(mlir::OpPassManager &module);
/// Computes what was quantized in integers, where that is possible; the rest in f32.
void buildQuantizePipeline(mlir::OpPassManager &module);
/// Chooses memory orders: channels last around convolutions.
void buildLayoutPipeline(mlir::OpPassManager &module);
/// Groups operations into kernels. Every operation left, nn.fused or alone, is one kernel or none (reshapes, constants).
void buildFusePipeline(mlir::OpPassManager &module);

} // namespace lathe
