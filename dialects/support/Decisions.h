// Choices of the compiler, kept for the user: what was done at an ONNX node, or was not, and why.
//
// They travel as the discardable attribute `lathe.decisions` of the outermost function or module, an array of
// dictionaries {node, what, taken, reason}, and end in the artifact (`lathe inspect`) and the compile report.
#pragma once

#include "mlir/IR/Operation.h"
#include <string>
#include <vector>

namespace lathe {

/// One choice. `node` is the name of the ONNX node (or of several, joined by " + ").
struct Decision {
  std::string node;
  std::string what; // one word: fuse, layout, in-place, concat, kernel, ...
  bool taken = false;
  std::string reason;

  bool operator==(const Decision &) const = default;
};

/// The names in a location: of NameLocs, in order, without repetition; FusedLocs are walked.
std::vector<std::string> nodeNames(mlir::Location location);
/// The same joined by " + "; "?" where there is none.
std::string nodeName(mlir::Location location);

/// Records a choice made at `op`, on the function that holds it (on the module where there is none). `what`, `reason`: lower
/// case, no full stop. Equal choices are recorded once. Not to be called for several functions of a module at once when
/// there is no function around `op`.
void recordDecision(mlir::Operation *op, llvm::StringRef what, bool taken, const llvm::Twine &reason);
/// The same for many choices at `holder` (a function, module or plan.program) at little cost.
void addDecisions(mlir::Operation *holder, llvm::ArrayRef<Decision> decisions);
/// All choices recorded at `holder` itself, in order.
std::vector<Decision> decisionsOf(mlir::Operation *holder);

} // namespace lathe
