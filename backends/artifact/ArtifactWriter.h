// Writes a .lathe file (layout: runtime/include/lathe/artifact.h, manifest: runtime/src/artifact/manifest.fbs).
#pragma once

#include "backends/Backend.h"
#include "dialects/support/Decisions.h"
#include "llvm/Support/Error.h"

namespace lathe {

/// A node of the ONNX graph, for drawing; producers are positions of nodes.
struct GraphNode {
  std::string name, op;
  std::vector<uint32_t> producers;
};

/// A program with its code, best ISA first in a list of them.
struct CompiledProgram {
  plan::ProgramOp program; // with memory assigned
  CodeImage code;
};

/// What stands in an artifact beside its programs.
struct ArtifactText {
  std::string producer; // "lathe 0.1.0"
  std::string model;    // name of the ONNX graph
  std::string flags;    // options that the bytes depend on
  std::vector<Decision> decisions;
  std::vector<GraphNode> graph;
};

/// Sizes of the regions of a written file, in bytes; of manifest and code as they are packed there.
struct ArtifactSizes {
  uint64_t fileBytes = 0, manifestBytes = 0, codeBytes = 0, weightsBytes = 0;
};

/// Writes to a temporary file beside `path` and renames it at the end: there is never half a file. Equal inputs give equal bytes.
/// Constants are packed one at a time, and their memory given up unless `keepsConstants`. At most 64 programs. Error: what the
/// system says, or that a program can't be described (with a diagnostic).
llvm::Expected<ArtifactSizes> writeArtifact(llvm::StringRef path, llvm::ArrayRef<CompiledProgram> programs,
                                            const ArtifactText &text, Backend &backend, bool keepsConstants = false);

} // namespace lathe
