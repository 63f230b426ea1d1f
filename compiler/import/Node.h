// One ONNX node as the converters see it: its inputs, its attributes, and Emit's functions to build the result.
#pragma once

#include "compiler/import/Contents.h"
#include "compiler/import/Emit.h"
#include "compiler/import/Scope.h"
#include "onnx/onnx_pb.h"

namespace lathe::importer {

class Importer;

class Node : public Emit {
public:
  Node(Importer &importer, const onnx::NodeProto &proto, int64_t version, Scope &scope, Emit emit, Contents &contents)
      : Emit(std::move(emit)), importer(importer), proto(proto), version(version), scope(scope), contents(contents) {}

  //===- inputs and outputs -===//
  unsigned numInputs() const { return proto.input_size(); }
  unsigned numOutputs() const { return proto.output_size(); }
  bool has(unsigned index) const;
  /// Null, with an error, if the input is absent.
  mlir::Value in(unsigned index);
  /// Null if the input is absent; no error.
  mlir::Value optional(unsigned index);
  const Entry *entry(unsigned index) const;
  /// The ONNX type that the bytes of an input stand for (see NarrowTypes.h); 0 if they don't.
  int32_t narrow(unsigned index) const;
  bool wants(unsigned output) const { return output < numOutputs() && !proto.output(int(output)).empty(); }

  //===- attributes -===//
  const onnx::AttributeProto *attribute(llvm::StringRef name) const;
  bool hasAttr(llvm::StringRef name) const { return attribute(name); }
  int64_t integer(llvm::StringRef name, int64_t otherwise) const;
  double real(llvm::StringRef name, double otherwise) const;
  std::string text(llvm::StringRef name, llvm::StringRef otherwise) const;
  Ints integersOf(llvm::StringRef name) const;
  /// As `integersOf`, but `count` times `otherwise` if absent.
  Ints integersOr(llvm::StringRef name, size_t count, int64_t otherwise) const;
  llvm::SmallVector<double> realsOf(llvm::StringRef name) const;
  llvm::SmallVector<std::string> textsOf(llvm::StringRef name) const;

  //===- values known at compile time -===//
  /// The elements of an integer input as sizes: they may come from a graph input. Nullopt, with an error, if they depend on
  /// computed data.
  std::optional<DimExprs> sizes(unsigned input);
  std::optional<Ints> knownIntegers(unsigned input);
  std::optional<llvm::SmallVector<double>> knownNumbers(unsigned input);
  /// Symbols for the elements of a computed integer tensor of static size, read when the program gets there.
  DimExprs lateSizes(mlir::Value value);
  /// An axis attribute or value made non-negative; nullopt, with an error, outside [-rank, rank).
  std::optional<int64_t> axis(int64_t axis, int64_t rank);
  std::optional<Ints> axes(llvm::ArrayRef<int64_t> axes, int64_t rank);

  /// Element type of an ONNX type number; null, with an error, for those without a form in nn.
  mlir::Type elementType(int64_t onnxType);
  /// A constant of a tensor in an attribute.
  mlir::Value tensor(const onnx::TensorProto &tensor);

  Importer &importer;
  const onnx::NodeProto &proto;
  int64_t version;
  Scope &scope;
  Contents &contents;
  /// Set by converters of sequence operations: the first output is a list.
  std::optional<llvm::SmallVector<mlir::Value, 0>> listOutput;
  /// Set by converters that choose the narrow type of the results, or 0 for none; else that of input 0 stays.
  std::optional<int32_t> narrowResult;
  /// Set by converters whose outputs may be absent (an empty optional) without being refused.
  bool isComplete = false;
};

/// Gives one value per output (null for one that is not wanted); an empty list, or a null first value, is a refusal whose
/// diagnostic was emitted.
using Converter = Values (*)(Node &);

/// A converter for the versions [since, until] of an operator.
struct ConverterEntry {
  llvm::StringRef op;
  int64_t since, until;
  Converter convert;
  llvm::StringRef domain = "";
};
constexpr int64_t kNewest = INT64_MAX;

/// The converter of an operator; null if there is none.
const ConverterEntry *findConverter(llvm::StringRef domain, llvm::StringRef op, int64_t version);

// One table per group of operators, in the file of the same name.
llvm::ArrayRef<ConverterEntry> elementwiseConverters();
llvm::ArrayRef<ConverterEntry> activationConverters();
llvm::ArrayRef<ConverterEntry> reduceConverters();
llvm::ArrayRef<ConverterEntry> contractionConverters();
llvm::ArrayRef<ConverterEntry> windowConverters();
llvm::ArrayRef<ConverterEntry> shapeConverters();
llvm::ArrayRef<ConverterEntry> sliceConverters();
llvm::ArrayRef<ConverterEntry> generateConverters();
llvm::ArrayRef<ConverterEntry> indexConverters();
llvm::ArrayRef<ConverterEntry> normConverters();
llvm::ArrayRef<ConverterEntry> recurrentConverters();
llvm::ArrayRef<ConverterEntry> resizeConverters();
llvm::ArrayRef<ConverterEntry> quantizeConverters();
llvm::ArrayRef<ConverterEntry> quantizedMsConverters();
llvm::ArrayRef<ConverterEntry> quantizedWeightConverters();
llvm::ArrayRef<ConverterEntry> attentionMsConverters();
llvm::ArrayRef<ConverterEntry> embedMsConverters();
llvm::ArrayRef<ConverterEntry> fusedMsConverters();
llvm::ArrayRef<ConverterEntry> controlConverters();
llvm::ArrayRef<ConverterEntry> sequenceConverters();
llvm::ArrayRef<ConverterEntry> einsumConverters();
llvm::ArrayRef<ConverterEntry> sampleConverters();
llvm::ArrayRef<ConverterEntry> signalConverters();

} // namespace lathe::importer
