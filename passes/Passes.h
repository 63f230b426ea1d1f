// Declarations of every pass: createX(), its options and its registration. The passes are listed in
// Passes.td.
#pragma once

#include "dialects/nn/NN.h"
#include "dialects/plan/Plan.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace lathe {

#define GEN_PASS_DECL
#include "passes/Passes.h.inc"

/// Makes all passes known to textual pipelines (lathe-opt, lathe-reduce).
#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

} // namespace lathe
