// `lathe check`: what the importer makes of every node of a model, before anything is compiled.
#pragma once

#include "compiler/import/Import.h"
#include "llvm/Support/raw_ostream.h"

namespace lathe {

struct CheckResult {
  /// What is wrong with the model beside its nodes: its inputs, its outputs, the file.
  std::vector<std::string> errors;
  std::vector<NodeReport> nodes;

  bool isSupported() const;
  size_t count(NodeStatus status) const;
};

/// Imports the model and throws the result away. Never fails otherwise than in the result.
CheckResult checkModel(llvm::StringRef path, const ImportOptions &options);

/// "native", "decomposed", ...
llvm::StringRef statusName(NodeStatus status);
/// One line per node (all of them with `isVerbose`, else those that are refused), then a summary.
void printCheck(const CheckResult &result, llvm::raw_ostream &out, bool isVerbose = true);

} // namespace lathe
