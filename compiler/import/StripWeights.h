// Cuts the large initializers of the main graph out of a serialized ModelProto.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace lathe::importer {

/// What is left of a model: a valid ModelProto whose large initializers have no raw_data.
struct StrippedModel {
  std::string bytes;
  /// For each initializer of the main graph, in order: its raw_data in the original bytes; empty where it was left in.
  std::vector<llvm::ArrayRef<char>> weights;
};

/// Reads the wire format once. Errors say where the file stops being a model. Large: more than `thresholdBytes` of raw_data.
llvm::Expected<StrippedModel> stripWeights(llvm::ArrayRef<char> model, size_t thresholdBytes = 1024);

} // namespace lathe::importer
