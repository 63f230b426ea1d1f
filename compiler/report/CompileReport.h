// What --report writes: how long the compiler took, how large things became, and what it decided.
#pragma once

#include "backends/artifact/ArtifactWriter.h"
#include "compiler/tune/Tuner.h"
#include <string>
#include <vector>

namespace lathe {

struct CompileReport {
  struct Phase {
    std::string name;
    double seconds = 0;
  };
  /// Memory figures in bytes; with symbolic sizes, for guessed values of the symbols.
  struct Program {
    std::string cpu, isa;
    int64_t kernels = 0, calls = 0, codeBytes = 0;
    int64_t arenaBytes = 0, lowerBoundBytes = 0, noReuseBytes = 0;
    bool hasSymbolicSizes = false;
  };
  std::string model;
  int64_t modelBytes = 0;
  std::vector<Phase> phases;
  std::vector<Program> programs;
  ArtifactSizes sizes;
  std::vector<Decision> decisions;
  std::vector<ChoiceRecord> choices; // of plans for contractions
  std::string accuracyJson;          // what quantization lost; empty: not measured

  /// JSON text, with the peak memory of the process so far.
  std::string toJson() const;
};

/// Highest resident memory of this process so far, in bytes.
int64_t peakResidentBytes();

} // namespace lathe
