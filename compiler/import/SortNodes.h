// Brings the nodes of a graph into an order of computation.
#pragma once

#include "onnx/onnx_pb.h"

namespace lathe::importer {

/// Moves every node behind those that it reads, subgraphs included, and else keeps the order. ONNX asks for such an order, but
/// converters append the casts they insert. A graph with a cycle stays as it is: the checker refuses it.
void sortNodes(onnx::GraphProto &graph);

} // namespace lathe::importer
