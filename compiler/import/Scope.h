// Names of values while a graph or a function body is walked.
#pragma once

#include "mlir/IR/Value.h"
#include "onnx/onnx_pb.h"
#include "llvm/ADT/StringMap.h"

namespace lathe::importer {

/// What a name stands for: a tensor, a sequence of tensors known at compile time, nothing (an omitted optional input), or
/// the result of a refused node.
struct Entry {
  mlir::Value value;
  llvm::SmallVector<mlir::Value, 0> list;
  bool isList = false, isFailed = false;
  /// The ONNX type that bytes stand for (see NarrowTypes.h); 0 for tensors that are what they seem.
  int32_t narrow = 0;

  static Entry failed() {
    Entry entry;
    entry.isFailed = true;
    return entry;
  }
  bool isAbsent() const { return !value && !isList && !isFailed; }
};

using OpsetVersions = llvm::StringMap<int64_t>;
using AttributeMap = llvm::StringMap<const onnx::AttributeProto *>;

/// One graph or function body. Subgraphs see the names of the graph around them; function bodies don't.
struct Scope {
  Scope *parent = nullptr;
  llvm::StringMap<Entry> values;
  const OpsetVersions *opsets = nullptr;
  /// Attributes of the call whose function body this is; null outside functions.
  const AttributeMap *attributes = nullptr;
  /// Begins the names of the nodes: empty or "Parent/".
  std::string prefix;
  unsigned depth = 0;

  const Entry *find(llvm::StringRef name) const {
    for (const Scope *scope = this; scope; scope = scope->parent)
      if (auto it = scope->values.find(name); it != scope->values.end())
        return &it->second;
    return nullptr;
  }
};

} // namespace lathe::importer
