// Walks graphs, subgraphs and function bodies, and asks the converters for every node.
#pragma once

#include "compiler/import/Import.h"
#include "compiler/import/ModelFile.h"
#include "compiler/import/Node.h"
#include "onnx/defs/schema.h"
#include "llvm/ADT/StringSet.h"

namespace lathe::importer {

class Importer {
public:
  Importer(ModelFile &file, const ImportOptions &options, mlir::MLIRContext *context, std::vector<NodeReport> *report);
  mlir::OwningOpRef<mlir::ModuleOp> run();

  /// Imports a subgraph in place: `inputs` are its graph inputs. False if a node of it was refused.
  bool importSubgraph(const onnx::GraphProto &graph, Scope &parent, llvm::ArrayRef<Entry> inputs,
                      const std::string &prefix, llvm::SmallVectorImpl<Entry> &outputs);
  /// A constant of a tensor; an error for types that nn lacks and for wrong sizes.
  llvm::Expected<mlir::ElementsAttr> convertTensor(const onnx::TensorProto &tensor);

private:
  void addInputs();
  mlir::RankedTensorType inputType(const onnx::ValueInfoProto &input, int64_t index);
  void nameDims();
  mlir::AffineExpr boundExpression(llvm::StringRef name, mlir::AffineExpr expression);
  mlir::AffineExpr inputDim(const onnx::TensorShapeProto::Dimension &dim, llvm::StringRef input, int64_t index,
                            int64_t axis);
  bool addOutputs(llvm::SmallVectorImpl<mlir::Value> &values);
  void checkOutputType(const onnx::ValueInfoProto &output, mlir::Type element);
  void finish(llvm::ArrayRef<mlir::Value> outputs);
  void foldSizes();
  void eraseDeadOps();

  void importNodes(const google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes, Scope &scope);
  void importNode(const onnx::NodeProto &node, Scope &scope);
  NodeReport convert(const onnx::NodeProto &node, Scope &scope, NodeReport report);
  std::string runConverter(Converter converter, Node &node);
  bool fetchInputs(const onnx::NodeProto &node, Scope &scope);
  Entry initializerEntry(const onnx::TensorProto &tensor);

  /// The body of a function operator, model-local or ONNX's own; nullptr if it has none.
  const onnx::FunctionProto *localFunction(const onnx::NodeProto &node) const;
  bool hasMeaning(const onnx::NodeProto &node, const NodeReport &entry) const;
  const onnx::FunctionProto *standardFunction(const onnx::NodeProto &node, Scope &scope, int64_t version);
  std::string expand(const onnx::FunctionProto &function, const onnx::NodeProto &node, Scope &scope,
                     const onnx::OpSchema *schema, const std::string &name);
  std::string nodeName(const onnx::NodeProto &node, const Scope &scope);
  mlir::Value refuseModel(const llvm::Twine &reason);

  ModelFile &file;
  const ImportOptions &options;
  mlir::MLIRContext *context;
  std::vector<NodeReport> *report;
  mlir::OpBuilder builder;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  Symbols symbols;
  std::unique_ptr<Contents> contents;
  Scope main;
  OpsetVersions opsets;
  llvm::StringMap<mlir::AffineExpr> namedDims;
  llvm::StringMap<const onnx::FunctionProto *> functions;
  std::vector<std::unique_ptr<onnx::FunctionProto>> builtFunctions;
  llvm::StringSet<> usedNames, usedDims;
  llvm::StringMap<unsigned> opCounts;
  size_t nodesWalked = 0;
  bool hasFailed = false;
};

} // namespace lathe::importer
