// ONNX nodes that compute with integers, in place of those that computed with f32.
#pragma once

#include "compiler/export/GraphEdit.h"
#include "compiler/export/NodeWeights.h"

namespace lathe::exporter {

/// What a product with fixedRange reads.
struct QuantizedInput {
  nn::ByteGrid range;
  std::vector<float> factors; // per index of the last axis: multiplied before it is quantized; may be empty
};

/// What becomes of a node.
struct NodeChange {
  onnx::NodeProto *node;
  QuantizedOperation::Input kind;
  QuantizedInput input; // with fixedRange
  OwnWeights own;
  StoredIntegers weights;
};

/// Changes nodes one after the other, in the order of the graph. Tensors that several of them read are quantized once.
class NodeRewriter {
public:
  NodeRewriter(GraphEdit &edit, importer::ModelFile &file, mlir::MLIRContext *context)
      : edit(edit), file(file), context(context) {}

  /// All readers of this tensor read what is dequantized, as far as they are nodes of the main graph.
  void quantizeForAll(const std::string &tensor, const QuantizedInput &input);
  /// Is this what quantizeForAll made its readers read?
  bool isQuantized(llvm::StringRef tensor) const { return made.contains(tensor); }
  /// Conv, MatMul or Gemm. False, and nothing is changed, if this operator can't be said with ranges measured at run time.
  bool changeProduct(const NodeChange &change);
  /// Gather.
  void changeTable(const NodeChange &change);
  /// Makes a batch normalization behind a Conv, if there is one that nothing else lies between, part of it; `own` are the
  /// Conv's weights. To be called before its integers are looked for.
  void foldNormalization(onnx::NodeProto &conv, OwnWeights &own);

private:
  /// Names of the initializers of integer weights.
  struct WeightNames {
    StoredIntegers weights;
    std::string integers, scales, zeros, dequantized;
  };
  WeightNames &storeWeights(const std::string &source, const StoredIntegers &weights);
  std::string dequantizedWeights(const NodeChange &change);
  std::string dequantizedInput(onnx::NodeProto &before, const std::string &tensor, const QuantizedInput &input);
  const std::vector<std::string> &measuredInput(onnx::NodeProto &before, const std::string &tensor);
  void integerProduct(const NodeChange &change);
  void setBias(const NodeChange &change);
  std::string addFloats(const llvm::Twine &name, llvm::ArrayRef<float> values, llvm::ArrayRef<int64_t> dims);

  GraphEdit &edit;
  importer::ModelFile &file;
  mlir::MLIRContext *context;
  llvm::StringMap<std::vector<std::unique_ptr<WeightNames>>> stored; // by source
  llvm::StringMap<std::string> dequantized;                          // by tensor
  llvm::StringSet<> made;                                            // results of that
  llvm::StringMap<std::vector<std::string>> measured;                // by tensor: integers, scale, zero point
  llvm::DenseMap<onnx::NodeProto *, std::vector<float>> biases;      // of Convs with a normalization
};

} // namespace lathe::exporter
