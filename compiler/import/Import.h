// ONNX to the nn dialect.
//
// The result is a module with one function, @main: arguments and results are the graph's inputs and outputs, with their ONNX
// names in `nn.name`; every operation's location is a NameLoc of the ONNX node (Parent/Child inside function bodies);
// `nn.symbols` and `nn.constraints` describe the symbolic sizes (dialects/support/Symbols.h). Weights are `nn.constant`
// resources that point into the mapped files, at any alignment; the files stay mapped as long as the context lives.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"
#include <string>
#include <vector>

namespace lathe {

namespace importer {
class ModelFile;
}

/// Inclusive bounds of a dimension; equal bounds fix it.
struct DimBounds {
  int64_t min = 0, max = INT64_MAX;
  bool isFixed() const { return min == max; }
};

struct ImportOptions {
  /// By the model's name of a dimension (dim_param), or `INPUT_AXIS` for an unnamed one.
  llvm::StringMap<DimBounds> dims;
  /// If given: set when `dims` names a dimension that no input has, which is the caller's mistake, not the model's.
  bool *hasUnknownDim = nullptr;
};

/// What became of one node of the main graph.
enum class NodeStatus {
  native,      ///< one nn operation
  decomposed,  ///< several, or a function body
  folded,      ///< known at compile time, or nothing to do
  unsupported, ///< refused, for `reason`
  blocked      ///< not looked at: it needs the result of an unsupported node
};
struct NodeReport {
  std::string node, op, domain;
  int64_t version = 0; ///< of the operator set
  NodeStatus status = NodeStatus::native;
  std::string reason;
};

/// Reads a model. Failure gives null, after one diagnostic per unsupported node (located at the node) or one for the file.
/// Nothing is thrown. The nn and func dialects are loaded into the context. `report`, if given, gets one entry per node.
mlir::OwningOpRef<mlir::ModuleOp> importModel(llvm::StringRef path, const ImportOptions &options,
                                              mlir::MLIRContext *context, std::vector<NodeReport> *report = nullptr);
/// From a serialized ModelProto, which is copied; `name` stands for the file in messages.
mlir::OwningOpRef<mlir::ModuleOp> importModelBytes(llvm::ArrayRef<char> bytes, llvm::StringRef name,
                                                   const ImportOptions &options, mlir::MLIRContext *context,
                                                   std::vector<NodeReport> *report = nullptr);
/// From ONNX's text format.
mlir::OwningOpRef<mlir::ModuleOp> importModelText(llvm::StringRef text, llvm::StringRef name,
                                                  const ImportOptions &options, mlir::MLIRContext *context,
                                                  std::vector<NodeReport> *report = nullptr);

/// From a model that was read already, and perhaps changed.
mlir::OwningOpRef<mlir::ModuleOp> importModelFile(importer::ModelFile &file, const ImportOptions &options,
                                                  mlir::MLIRContext *context);

/// Parses `NAME=SIZE` or `NAME=MIN..MAX` (the --dim option) into `options`. False if it is neither.
bool parseDimOption(llvm::StringRef text, ImportOptions &options);

} // namespace lathe
