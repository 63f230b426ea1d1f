// The constant weights of an ONNX node, as the model has them and as the integers that stand for them.
#pragma once

#include "compiler/export/GraphEdit.h"
#include "compiler/export/QuantizedOperations.h"
#include "compiler/import/ModelFile.h"

namespace lathe::exporter {

/// Weights in f32, with their place in the model.
struct OwnWeights {
  std::string source;        // initializer, or output of a Constant
  bool isTransposed = false; // between the source and the node
  reference::Tensor values;  // as the source stores them
  int64_t outputAxis = 0;    // of the source
  int64_t outputs = 0, depth = 0;
  int64_t outputStride = 0, depthStride = 0;
  std::vector<double> factors;      // per output, if not empty: by them weights are multiplied
  std::vector<double> depthFactors; // the same along the depth

  double at(int64_t output, int64_t depth) const;
  bool isFinite() const;
};

/// Integers that stand for a source, in its order of elements.
struct StoredIntegers {
  int32_t type;                        // ONNX's: INT8, UINT8, INT4 or UINT4
  std::vector<int8_t> integers, zeros; // zeros: empty, or one per scale
  std::vector<float> scales;
  std::vector<int64_t> dims, scaleDims; // scaleDims: of one axis, or of all with blocks
  int64_t axis = 0, block = 0;

  bool operator==(const StoredIntegers &) const = default;
};

/// A Conv, MatMul or Gemm of the main graph whose weights are known and whose other factor isn't.
bool isProductWithWeights(const GraphEdit &edit, const onnx::NodeProto &node);
/// f32 numbers of an initializer or a Constant; none for anything else.
std::optional<reference::Tensor> floatsOf(const GraphEdit &edit, importer::ModelFile &file, llvm::StringRef tensor,
                                          mlir::MLIRContext *context);
/// Of a product, or the table of a Gather.
std::optional<OwnWeights> ownWeights(const GraphEdit &edit, importer::ModelFile &file, const onnx::NodeProto &node,
                                     mlir::MLIRContext *context);

/// The first of the matrix's outputs whose integers are those of `own` (several products may have become one); none if
/// they stand for other numbers. A factor per output may lie between the two.
std::optional<int64_t> findOutputs(const OwnWeights &own, const IntegerMatrix &matrix);
/// Integers of the matrix, `first` as findOutputs says. Scales are those of own: of the matrix, where nothing was multiplied into
/// it, else those that come nearest to the own weights.
StoredIntegers storedIntegers(const OwnWeights &own, const IntegerMatrix &matrix, int64_t first);
/// Weights rounded to 8 bits with a scale per output.
StoredIntegers roundedIntegers(const OwnWeights &own);

} // namespace lathe::exporter
