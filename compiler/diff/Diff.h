// `lathe diff`: what an artifact lost against its model, where and why, and what it won.
#pragma once

#include "compiler/diff/Causes.h"

namespace lathe::diff {

struct DiffOptions {
  std::string modelPath, artifactPath, dataPath;
  llvm::ArrayRef<char> modelData; // a serialized ModelProto; if not empty, modelPath is its name in messages
  size_t samples = 16;
  bool measureLayers = true;     // else only what the whole loses
  std::vector<std::string> dims; // of the reference; empty: those the artifact was compiled with
  ImageOptions images;           // for samples that are pictures
  bool measureSpeed = true;      // against the model compiled in f32, which is done for it
  OpenObserved open;             // must be there
  /// Told how much of the work is done.
  std::function<void(size_t done, size_t count)> progress;
};

struct Diagnosis {
  Cause cause;
  std::vector<Remedy> remedies;
  double share = 0; // of the outputs' error
};

/// Artifact and f32, in this order where there are two.
struct Comparison {
  DiffOptions options;
  Measured measured;
  std::vector<Diagnosis> diagnoses; // of the layers
  std::vector<size_t> byHarm;       // numbers of layers, the worst first
  CompiledWith compiledWith;
  std::string flags;
  uint64_t fileBytes = 0, memoryBytes = 0;
  /// Of the model in f32; 0: not measured.
  uint64_t f32FileBytes = 0, f32MemoryBytes = 0;
  /// Least time of a run, in seconds; 0: not measured.
  double seconds = 0, f32Seconds = 0;
};

/// How a comparison ended: codes as of a compilation.
struct DiffStatus {
  enum Code { success = 0, badModel = 1, badUsage = 2, badEnvironment = 3 };
  Code code = success;
  std::string messages; // lines "error: ...", "warning: ..."
  Comparison comparison;
};

/// Never prints, never exits.
DiffStatus diffModel(const DiffOptions &options);

/// One line: "SQNR 31.2 dB, cosine 0.9996 on 8 samples; size 0.26x, latency 0.64x, memory 0.41x of f32".
std::string summaryText(const Comparison &comparison);
/// For a terminal: outputs, then layers by harm, at most so many.
std::string toText(const Comparison &comparison, size_t mostLayers = 20);
std::string toJson(const Comparison &comparison);
/// A page that needs nothing beside itself.
std::string toHtml(const Comparison &comparison);

} // namespace lathe::diff
