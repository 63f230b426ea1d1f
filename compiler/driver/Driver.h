// From a model file to a .lathe file: the one entry point of the compiler (command line, C API, Python).
//
// Phases, in order: import, canonical, quantize, layout, fuse, plan, codegen; tuning goes before plan. After each one the module is verified.
#pragma once

#include "compiler/calibrate/Program.h"
#include "compiler/calibrate/Samples.h"
#include "compiler/quantize/Study.h"
#include "compiler/tune/MeasuredLibrary.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <functional>
#include <string>
#include <vector>

namespace lathe {

struct CompileOptions;

/// What an artifact lost against its model in f32.
struct Accuracy {
  std::string summary; // one line; empty: not measured
  std::string json;    // for the report; empty: not measured
  std::string problem; // why not
};

struct CompileOptions {
  std::string modelPath;          // .onnx, or .mlir with one function of nn operations
  llvm::ArrayRef<char> modelData; // a serialized ModelProto; if not empty, modelPath is its name in messages
  std::string outputPath;         // .lathe; may be empty with stopAfter
  std::vector<std::string> cpus = {"native"}; // one program each, best ISA first in the artifact
  std::vector<std::string> dims;              // name=size or name=low..high
  std::string stopAfter;                      // phase whose module is printed instead of going on; empty: none
  std::string dumpTo;                         // folder for one .mlir per phase and the kernels' assembly; empty: none
  std::string reportPath;                     // JSON report; empty: none
  std::string provider = "lathe";             // of kernels: lathe; onednn, wherever it can be; auto, where it is faster
  bool tune = false;                          // measure the plans of operations on this machine and take the fastest
  std::string tuneDbPath;               // tuning database: read, and written with `tune` (made if missing); empty: none
  unsigned tuneThreads = 1;             // threads that plans are measured with, and looked up for
  double tuneSeconds = 45;              // after which no other operation is measured
  OpenLibrary openLibrary;              // oneDNN's, to measure it with provider auto; null: no plan of it is taken then
  std::string quantize;                 // int8 (calibrated), int8-dynamic, int4; empty: as the model says
  std::string calibratePath;            // samples for int8: see openSamples
  std::string calibrateMethod = "mse";  // how ranges are chosen: min-max, percentile, mse, entropy
  std::string keep;                     // nodes whose names match stay as they are; a regular expression
  int64_t groupSize = 32;               // of int4: weights along the depth that share a scale
  std::string int4Method;               // rtn, gptq, awq, adaround; empty: rtn, or gptq where there are samples
  std::string int4Activations = "int8"; // what products of 4-bit weights read: int8 (in groups), f32
  unsigned weightBits = 0;              // of 8-bit precisions: 7 or 8; 0: 7 where all CPUs are faster with them
  bool quantizeAll = false;             // also nodes that are expected to be faster in f32
  std::string precisionsPath;           // precisions of single nodes: see readPrecisionRules; empty: none
  ImageOptions images;                  // for samples that are pictures
  // --quantize auto (compiler/search/AutoQuantize.h):
  double maxError = 0.01;               // of the outputs, by errorMetric
  std::string errorMetric = "relative"; // relative, cosine, kl
  double searchSeconds = 600;           // after which no other artifact is compiled
  std::string paretoPath;               // JSON list of what was tried; empty: the output's with .pareto.json
  /// The error of an artifact, instead of errorMetric; null: by errorMetric.
  std::function<llvm::Expected<double>(llvm::StringRef path)> askError;
  std::function<void(llvm::StringRef text)> searchProgress; // told what was found so far
  QuantizationStudy *study = nullptr; // of the compilations of one search; filled by the first one
  double studySeconds = 60;           // after which it measures no other sample
  OpenProgram openProgram;            // runs the model for calibration; null: int8 is refused
  /// Measures the artifact on calibration samples, once it is written; null: nobody does.
  std::function<Accuracy(const CompileOptions &options)> measureAccuracy;
  /// Told how many samples were run, of how many.
  std::function<void(size_t done, size_t count)> calibrateProgress;
  /// Told how many inputs of products were done whose weights are rounded with samples, of how many.
  std::function<void(size_t done, size_t count)> roundProgress;
  /// Told when a phase starts (seconds = -1) and when it is done (seconds it took).
  std::function<void(llvm::StringRef phase, double seconds)> progress;
  /// Told how many operations are tuned, of how many.
  std::function<void(size_t done, size_t count)> tuneProgress;
};

/// How a compilation ended.
struct CompileStatus {
  enum Code { success = 0, badModel = 1, badUsage = 2, badEnvironment = 3 };
  Code code = success;
  std::string messages; // lines "error: ...", "warning: ..."
  std::string module;   // text of the module, with stopAfter
  std::string accuracy; // one line: what a quantized model lost; empty: not measured

  bool isOk() const { return code == success; }
};

/// Compiles one model. On failure nothing is written but what dumpTo asked for, or the artifact if the report alone couldn't
/// be finished; never prints, never exits. May be called from several threads at once.
CompileStatus compileModel(const CompileOptions &options);

/// The phases by name, in order.
llvm::ArrayRef<llvm::StringRef> phaseNames();

/// "lathe 0.1.0": stands in artifacts.
std::string producerName();

} // namespace lathe
