// Which precision each node gets: from --quantize, --keep and a file of rules.
//
// The file is a JSON list; of each node the first rule counts whose expression matches its name:
//
//   [{"nodes": "pooler|encoder.0", "precision": "f32"},
//    {"nodes": "attention", "precision": "int8"},
//    {"nodes": "lm_head", "precision": "int4", "group_size": 64, "method": "awq"}]
#pragma once

#include "passes/quantize/Precision.h"
#include "llvm/Support/Error.h"
#include <vector>

namespace lathe {

struct PrecisionRule {
  std::string nodes; // a valid regular expression
  nn::NodePrecision wanted;
};

/// Reads the rules of a file; what they don't say of int4 is as in `usual`. Error: it can't be read (its std::error_code), or something is wrong in it (invalid_argument); names the
/// file and the rule, counted from 0.
llvm::Expected<std::vector<PrecisionRule>> readPrecisionRules(llvm::StringRef path, const nn::NodePrecision &usual);

struct PrecisionChoice {
  nn::NodePrecision general; // of nodes that nothing else is said of
  std::string keep;          // a valid regular expression: nodes that stay in f32, whatever the rules say; may be empty
  std::vector<PrecisionRule> rules;
  bool hasSamples = false; // to calibrate with
};

/// Sets the precision of each node with constant weights (Precision.h), or the nearest that it has a form of. Error (invalid_argument):
/// a rule matches no such node.
llvm::Error assignPrecisions(mlir::func::FuncOp function, const PrecisionChoice &choice);

} // namespace lathe
