// ONNX tensors and types as MLIR attributes and types.
#pragma once

#include "compiler/import/ModelFile.h"
#include "dialects/reference/Tensor.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace lathe::importer {

/// The MLIR element type of an ONNX one; null for those that nn has no form of.
mlir::Type convertElementType(int32_t onnxType, mlir::MLIRContext *context);
/// The ONNX number of an MLIR element type.
int32_t onnxElementType(mlir::Type type);
/// As an ONNX type with sizes where they are static.
onnx::TypeProto toOnnxType(mlir::RankedTensorType type);

/// The values of a tensor. Large raw data stay where they are mapped; the context keeps the file mapped.
llvm::Expected<mlir::ElementsAttr> convertTensorProto(const onnx::TensorProto &tensor, ModelFile &file,
                                                      mlir::MLIRContext *context);
/// The values of a tensor that stands alone, in owned memory. Error: it refers to external data.
llvm::Expected<reference::Tensor> readTensorProto(const onnx::TensorProto &tensor, mlir::MLIRContext *context);

} // namespace lathe::importer
