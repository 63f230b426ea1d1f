//===- Artifact.h - an opened, checked artifact -----------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_ARTIFACT_ARTIFACT_H
#define LATHE_RUNTIME_ARTIFACT_ARTIFACT_H

#include "lathe/artifact.h"
#include "runtime/src/artifact/MappedFile.h"
#include "runtime/src/artifact/Schedule.h"
#include "runtime/src/artifact/Weights.h"
#include "runtime/src/library/LibraryCall.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lathe::runtime {

/// Says whether a CPU feature is there; a parameter so that tests can lack some.
using FeatureTest = bool (*)(std::string_view feature);

/// A compiled model: immutable, used by any number of threads at once.
class Artifact {
public:
  /// Checks everything but the weights; `flags` are LATHE_OPEN_*. Throws Error.
  Artifact(ArtifactBytes bytes, uint64_t flags, FeatureTest hasFeature);

  const artifact::Manifest &manifest() const { return *manifestRoot; }
  std::span<const uint8_t> manifestBytes() const;

  /// The program that this CPU runs (the first one when opened to inspect).
  const artifact::Program &program() const { return *manifestRoot->programs()->Get(programIndex); }
  uint32_t programNumber() const { return programIndex; }
  const Schedule &schedule() const { return programSchedule; }
  bool isRunnable() const { return runnable; }

  lathe_kernel_fn kernel(uint32_t index) const;
  /// Null where the call's kernel is code, or nothing is run.
  const LibraryCall *libraryCall(uint32_t call) const {
    return call < libraryCalls.size() ? libraryCalls[call].get() : nullptr;
  }
  const uint8_t *weights(const artifact::Buffer &buffer) const;
  /// Those that libraries have packed once more for themselves included.
  uint64_t weightsBytes() const;

  /// Checks the weights' digests unless somebody did. Throws Error.
  void checkWeights(const ParallelFor &parallelFor) const;
  /// For a first run, which checks weights as it uses them; then checkWeights.
  WeightsCheck &weightsToCheck() const { return weightsCheck; }

  /// What the C API shows of a tensor, as stable arrays.
  struct Border {
    std::vector<int64_t> shape; ///< -1 where dynamic
    std::vector<const char *> dimNames;
  };
  const std::vector<Border> &inputBorders() const { return inputs; }
  const std::vector<Border> &outputBorders() const { return outputs; }

private:
  void chooseProgram(FeatureTest hasFeature);
  void openLibraries();

  ArtifactBytes bytes;
  /// Private memory, so that nobody changes what was validated.
  std::vector<uint64_t> manifestCopy;
  size_t manifestSize = 0;
  const artifact::Manifest *manifestRoot = nullptr;
  uint32_t programIndex = 0;
  bool runnable = true;
  Schedule programSchedule;
  Pages code;
  std::vector<std::unique_ptr<const LibraryCall>> libraryCalls; ///< per call, or none at all
  std::vector<Border> inputs, outputs;
  mutable WeightsCheck weightsCheck;
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_ARTIFACT_ARTIFACT_H
