// The graph of a model for drawing: what the artifact shows of the ONNX nodes.
#pragma once

#include "backends/artifact/ArtifactWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace lathe {

/// One node per ONNX node name in the locations of the function's operations, in order, with the nodes it reads from. The
/// function should be as imported: later phases merge and remove nodes.
std::vector<GraphNode> graphNodes(mlir::func::FuncOp function);

} // namespace lathe
