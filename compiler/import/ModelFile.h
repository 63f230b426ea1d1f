// An ONNX model in memory: the parsed messages, and the weights as ranges of the mapped files.
//
// Protobuf copies every byte string that it parses. Weights are therefore cut out of the wire format first (StripWeights.h),
// so that their bytes stay where the operating system mapped them.
#pragma once

#include "compiler/import/MappedFile.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

namespace lathe::importer {

/// Bytes of a tensor and what keeps them valid (null: the ModelFile itself).
struct TensorBytes {
  llvm::ArrayRef<char> bytes;
  std::shared_ptr<const MappedFile> owner;
};

class ModelFile {
public:
  /// Maps and parses a model. Errors name the file. External data is looked for below the model's folder.
  static llvm::Expected<std::unique_ptr<ModelFile>> open(llvm::StringRef path);
  /// Parses a serialized model; `bytes` are copied. There is no folder, so external data is refused.
  static llvm::Expected<std::unique_ptr<ModelFile>> fromBytes(llvm::ArrayRef<char> bytes, llvm::StringRef name);
  /// Parses ONNX's text format (used by tests).
  static llvm::Expected<std::unique_ptr<ModelFile>> fromText(llvm::StringRef text, llvm::StringRef name);

  const onnx::ModelProto &model() const { return proto; }
  /// To change nodes, inputs and outputs, and to add initializers. The graph's own ones lose their weights where they are removed.
  onnx::ModelProto &mutableModel() { return proto; }
  /// Puts the bodies of the model's own functions in place of their calls, where there are products in them. Error: the reason
  /// why that can't be done.
  llvm::Error inlineProducts();
  /// Rewrites the model for a newer version of ONNX's operators, by ONNX's own converter; nothing if it is as new.
  /// Error: the reason why it can't be.
  llvm::Error raiseOpset(int64_t version);
  llvm::StringRef name() const { return fileName; }
  /// The initializer of the main graph with this name; null if there is none.
  const onnx::TensorProto *initializer(llvm::StringRef name) const;

  /// The raw little-endian elements of a tensor that has raw data or external data, as many bytes as its type and dims
  /// say; an empty range for one whose elements are in typed fields.
  llvm::Expected<TensorBytes> bytesOf(const onnx::TensorProto &tensor);

private:
  llvm::Error parse(std::shared_ptr<const MappedFile> file);
  llvm::Error adopt();
  llvm::Error check();
  llvm::Expected<TensorBytes> externalBytes(const onnx::TensorProto &tensor, uint64_t sizeBytes);
  llvm::Expected<std::shared_ptr<const MappedFile>> externalFile(llvm::StringRef location);
  llvm::Error fail(const llvm::Twine &message) const;

  std::string fileName, folder;
  bool hasFolder = false;
  onnx::ModelProto proto;
  std::shared_ptr<const MappedFile> mapped;
  llvm::StringMap<const onnx::TensorProto *> initializers;
  llvm::DenseMap<const onnx::TensorProto *, llvm::ArrayRef<char>> stripped;
  llvm::StringMap<std::shared_ptr<const MappedFile>> externals;
};

/// Number of elements of these sizes; an error for negative sizes and for overflow.
llvm::Expected<int64_t> countElements(llvm::ArrayRef<int64_t> dims);
/// Bytes per element in raw data; 0 for types that Lathe has no form of (strings, complex, 4- and 8-bit floats, ...).
int64_t elementBytes(int32_t onnxType);
/// Bits of an element of the types that NarrowTypes.h is about; 0 for all others.
unsigned narrowBits(int32_t onnxType);
/// Bytes that ONNX stores so many elements in; narrow ones are packed.
uint64_t storedBytes(int32_t onnxType, int64_t count);
/// ONNX's name of an element type, "type 99" if it is none.
std::string typeName(int32_t onnxType);

} // namespace lathe::importer
