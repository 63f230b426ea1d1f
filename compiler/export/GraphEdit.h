// Changes of a graph of ONNX nodes: who makes and reads a tensor, new names, nodes before others, and what nothing reads any more.
#pragma once

#include "onnx/onnx_pb.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <string>
#include <vector>

namespace lathe::exporter {

/// One attribute of a node that is made.
struct IntAttribute {
  const char *name;
  int64_t value;
};

/// Null: the node has no such attribute.
const onnx::AttributeProto *attributeOf(const onnx::NodeProto &node, llvm::StringRef name);
/// A whole or real number; `missing` without the attribute.
double numberOf(const onnx::NodeProto &node, llvm::StringRef name, double missing);

/// The main graph of a model while it is changed. Nodes keep their addresses till `finish`. Subgraphs are read, never changed.
class GraphEdit {
public:
  explicit GraphEdit(onnx::GraphProto &graph);

  onnx::GraphProto &graph() { return proto; }
  /// The node that gives this tensor; null for inputs, initializers and unknown names.
  onnx::NodeProto *producer(llvm::StringRef tensor) const { return producers.lookup(tensor); }
  const onnx::TensorProto *initializer(llvm::StringRef name) const { return initializers.lookup(name); }
  /// Nodes of the main graph that read this tensor, without repetition. Nodes that were made don't count.
  llvm::ArrayRef<onnx::NodeProto *> readers(llvm::StringRef tensor) const;
  /// Is it an output of the graph, or read inside of a subgraph?
  bool isReadElsewhere(llvm::StringRef tensor) const { return readElsewhere.contains(tensor); }

  /// A name that no tensor has yet: `wanted`, or with a number behind it.
  std::string newName(const llvm::Twine &wanted);
  /// An initializer of this new name, without elements.
  onnx::TensorProto &addInitializer(const std::string &name, int32_t type, llvm::ArrayRef<int64_t> dims);
  /// A node right before `before`; its output has a name made of `wanted`, which is given back.
  std::string insert(onnx::NodeProto &before, const char *op, llvm::ArrayRef<std::string> inputs,
                     const llvm::Twine &wanted, llvm::ArrayRef<IntAttribute> attributes = {});
  /// The same for a node of several outputs.
  std::vector<std::string> insertMany(onnx::NodeProto &before, const char *op, llvm::ArrayRef<std::string> inputs,
                                      llvm::ArrayRef<std::string> wanted);
  /// The node goes away with `finish`.
  void remove(onnx::NodeProto &node) { removed.insert(&node); }

  /// Puts nodes in their places, and drops those that were removed, constants that nothing reads and descriptions of tensors
  /// that are gone. No other method may be called behind it.
  void finish();

private:
  onnx::NodeProto &add(onnx::NodeProto &before, const char *op, llvm::ArrayRef<std::string> inputs);
  llvm::StringSet<> dropUnreadNodes();
  void dropUnreadTensors(const llvm::StringSet<> &read);
  void dropDescriptions();

  onnx::GraphProto &proto;
  llvm::StringMap<onnx::NodeProto *> producers;
  llvm::StringMap<const onnx::TensorProto *> initializers;
  llvm::StringMap<std::vector<onnx::NodeProto *>> readersOf;
  llvm::StringSet<> readElsewhere, names;
  llvm::DenseMap<onnx::NodeProto *, std::vector<std::unique_ptr<onnx::NodeProto>>> before;
  llvm::DenseSet<onnx::NodeProto *> removed;
};

} // namespace lathe::exporter
