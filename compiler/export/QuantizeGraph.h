// A model in ONNX, changed so that the nodes that the compiler would quantize are quantized in its own terms.
//
//   GraphQuantizer quantizer(file, context);
//   quantizer.expose();                     // what products read become outputs, so that an import of `file` gives their values
//   ... import, quantize, fold constants ...
//   quantizer.match(quantizedOperations(function), function);
//   ... give quantizer.unknownRanges() a range each ...
//   quantizer.rewrite();
#pragma once

#include "compiler/export/RewriteNodes.h"

namespace lathe::exporter {

class GraphQuantizer {
public:
  GraphQuantizer(importer::ModelFile &file, mlir::MLIRContext *context);

  /// Adds the inputs of products with constant weights to the model's outputs, and gives nodes without a name the one that the
  /// importer calls them by.
  void expose();
  /// Finds the nodes that became the operations of `function`, whose results are those of the exposed model. Undoes expose.
  void match(llvm::ArrayRef<QuantizedOperation> operations, mlir::func::FuncOp function);
  /// Values (results of the function) that were quantized in another form there, so that their own ranges are not known.
  llvm::ArrayRef<mlir::Value> unknownRanges() const { return unknown; }
  /// In the order of unknownRanges.
  void setRanges(llvm::ArrayRef<nn::ByteGrid> ranges);
  /// Changes the model. Gives the number of nodes that are quantized now.
  size_t rewrite();
  /// Names of nodes that the compiler quantizes, but that could not be changed; behind rewrite.
  llvm::ArrayRef<std::string> left() const { return leftNodes; }

private:
  struct Candidate {
    onnx::NodeProto *node;
    std::string input; // tensor; of a product
  };
  void hide();
  std::optional<NodeChange> changeFor(const Candidate &candidate);
  const QuantizedOperation *operationFor(const Candidate &candidate, mlir::Value input) const;

  importer::ModelFile &file;
  mlir::MLIRContext *context;
  GraphEdit edit;
  NodeRewriter rewriter;
  int outputs;                            // of the user
  std::vector<onnx::NodeProto *> unnamed; // by the user
  std::vector<Candidate> candidates;      // in the graph's order
  std::vector<QuantizedOperation> operations;
  llvm::StringMap<std::vector<size_t>> operationsOf; // by node
  std::vector<std::string> exposed;                  // tensors
  llvm::StringMap<mlir::Value> values;               // of tensors
  llvm::StringMap<QuantizedInput> inputs;            // of tensors
  llvm::DenseSet<const QuantizedOperation *> taken;  // by a node
  std::vector<mlir::Value> unknown;
  std::vector<std::string> unknownTensors, leftNodes;
};

} // namespace lathe::exporter
