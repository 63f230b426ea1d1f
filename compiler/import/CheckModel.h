// ONNX's own checker over a model whose weights are elsewhere.
#pragma once

#include "onnx/onnx_pb.h"
#include "llvm/Support/Error.h"

namespace lathe::importer {

/// Well-formedness: topological order, unique names, known attributes and their types, inputs that exist, nesting and function
/// recursion. Operations without a schema are left to the importer, which reports all of them. The model is changed during
/// the check and restored.
llvm::Error checkModel(onnx::ModelProto &model);

} // namespace lathe::importer
