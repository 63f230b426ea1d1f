// Measures a candidate of a search beside f32.
#pragma once

#include "compiler/calibrate/Turns.h"
#include "compiler/driver/Driver.h"
#include "compiler/search/Candidates.h"
#include "compiler/search/OutputError.h"

namespace lathe {

struct Measured {
  double error = 0;
  double timeRatio = 1; // to f32, of the least times of runs in turns
  double milliseconds = 0;
  uint64_t bytes = 0;
};

/// Of a file; 0: it can't be read.
uint64_t sizeOf(llvm::StringRef path);

class Trial {
public:
  Trial(const CompileOptions &options, const QuantizationStudy &study) : options(options), study(study) {}

  /// Runs the f32 artifact: what all others are compared with.
  llvm::Expected<Measured> openReference(llvm::StringRef path);
  llvm::Expected<Measured> measure(llvm::StringRef path);
  /// Nanoseconds of each node of the study in an artifact, with what is fused with it; 0: it is nowhere.
  llvm::Expected<std::vector<double>> nodeTimes(llvm::StringRef path);

private:
  llvm::Expected<double> errorOf(llvm::StringRef path, RunnableProgram &program);
  TimedProgram timed(RunnableProgram &program) const; // on the first sample

  const CompileOptions &options;
  const QuantizationStudy &study;
  std::unique_ptr<RunnableProgram> reference;
  std::vector<Outputs> expected;
  double referenceSeconds = 0;
};

} // namespace lathe
