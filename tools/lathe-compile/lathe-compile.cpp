// The compiler's half of the command line: `lathe compile`, `quantize`, `check`, `diff` and `tune-db` start this program, so that running a compiled
// model never loads LLVM. Exit codes: docs/Errors.md.
#include "compiler/capi/MeasuredOneDnn.h"
#include "compiler/capi/RunArtifact.h"
#include "compiler/diff/Accuracy.h"
#include "compiler/driver/Driver.h"
#include "compiler/driver/OutputFile.h"
#include "compiler/import/Check.h"
#include "compiler/search/AutoQuantize.h"
#include "compiler/tune/TuningDatabase.h"
#include "tools/lathe-compile/DiffCommand.h"
#include "tools/lathe-compile/Progress.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <malloc.h>

namespace {

using lathe::printMessages, lathe::Progress;

/// Asks who started the program: a path on the standard output, a number on the standard input.
llvm::Expected<double> askError(llvm::StringRef path) {
  std::printf("%s\n", path.str().c_str());
  std::fflush(stdout);
  double error = 0;
  if (std::scanf("%lf", &error) != 1 || !(error >= 0))
    return llvm::createStringError("expects a number, 0 or more, on the standard input for each path");
  return error;
}

/// Runs what makes a file of a model, and shows how it gets on.
int report(lathe::CompileOptions &options, bool isVerbose, lathe::CompileStatus (*run)(const lathe::CompileOptions &)) {
  Progress progress(isVerbose);
  options.progress = std::ref(progress);
  options.openLibrary = lathe::openMeasuredOneDnn;
  options.tuneProgress = [&](size_t done, size_t count) { progress.showShare("tune", done, count); };
  options.openProgram = lathe::openRunnableArtifact;
  options.calibrateProgress = [&](size_t done, size_t count) { progress.showShare("calibrate", done, count); };
  options.roundProgress = [&](size_t done, size_t count) { progress.showShare("round", done, count); };
  options.measureAccuracy = [](const lathe::CompileOptions &measured) {
    return lathe::diff::measureAccuracy(measured, lathe::openObservedArtifact);
  };
  options.searchProgress = [&](llvm::StringRef text) { progress.showText(text); };
  if (options.errorMetric == "ask") {
    options.errorMetric = "relative";
    options.askError = askError;
  }
  lathe::CompileStatus status = run(options);
  progress.clear();
  printMessages(status.messages);
  std::fputs(status.module.c_str(), stdout);
  if (!status.accuracy.empty())
    std::puts(status.accuracy.c_str());
  return status.code;
}

int runCompile(lathe::CompileOptions options, bool isVerbose) {
  if (options.outputPath.empty() && options.stopAfter.empty())
    options.outputPath = std::filesystem::path(options.modelPath).replace_extension(".lathe").string();
  return report(options, isVerbose, lathe::compileWithSearch);
}

int runQuantize(lathe::CompileOptions options, bool isVerbose) {
  if (options.outputPath.empty())
    options.outputPath = std::filesystem::path(options.modelPath).replace_extension(".quantized.onnx").string();
  return report(options, isVerbose, lathe::quantizeWithSearch);
}

/// Of --quantize auto.
void addSearch(CLI::App &app, lathe::CompileOptions &options) {
  app.add_option("--max-error", options.maxError,
                 "with --quantize auto: how far the outputs may be from those of f32, by --error-metric")
      ->capture_default_str();
  app.add_option(
         "--error-metric", options.errorMetric,
         "relative (root mean square of differences to that of the outputs), cosine (1 - cosine), kl (of softmax "
         "over the last axis), ask (prints an artifact's path and reads its error)")
      ->capture_default_str();
  app.add_option("--budget", options.searchSeconds,
                 "with --quantize auto: for how long to try, as 600, 90s, 10min or 1h")
      ->transform(CLI::AsNumberWithUnit(std::map<std::string, double>{{"s", 1}, {"min", 60}, {"h", 3600}}));
  app.add_option("--pareto", options.paretoPath,
                 "with --quantize auto: where to list what was tried; default: the output's name with .pareto.json");
}

/// What `compile` and `quantize` share.
void addQuantization(CLI::App &app, lathe::CompileOptions &options) {
  app.add_option("--quantize", options.quantize,
                 "compute in 8-bit integers: int8, with ranges from --calibrate; int8-dynamic, with ranges that follow "
                 "from the data of each run (matrix products only); int4: weights of matrix products in 4 bits; auto: "
                 "int8 or int4 for the nodes where that "
                 "is faster, while the outputs stay within --max-error");
  app.add_option("--group-size", options.groupSize,
                 "of int4: weights along the depth that share a scale, a power of two from 16 to 1024")
      ->capture_default_str();
  app.add_option("--int4-method", options.int4Method,
                 "rtn: nearest number; gptq, awq, adaround: with samples from --calibrate; default: gptq, or rtn "
                 "without samples");
  app.add_option("--int4-activations", options.int4Activations,
                 "what weights of 4 bits are multiplied by: int8, rounded in groups at run time, or f32")
      ->capture_default_str();
  app.add_option("--calibrate", options.calibratePath,
                 "samples of inputs: .npz, a folder of .npz, .npy, test_data_set_* or pictures");
  app.add_option("--calibrate-method", options.calibrateMethod,
                 "how ranges are chosen from the samples: mse, percentile, entropy, min-max")
      ->capture_default_str();
  app.add_option("--keep", options.keep, "nodes whose names match this regular expression are not quantized");
  app.add_option(
         "--weight-bits", options.weightBits,
         "of weights in 8-bit integers: 7, which processors without dot products of bytes multiply faster, or 8; "
         "default: 7 where all CPUs are faster with them and the weights lose little")
      ->check(CLI::IsMember({7, 8}));
  app.add_flag("--quantize-all", options.quantizeAll, "quantize nodes that are expected to be faster in f32, too");
  app.add_option(
      "--precisions", options.precisionsPath,
      "JSON list of rules {\"nodes\": REGEX, \"precision\": \"f32\", \"int8\", \"int8-dynamic\" or \"int4\", "
      "\"group_size\": 32, \"method\": \"gptq\"}; the first that matches a node's name counts");
  lathe::addImageOptions(app, options.images);
}

void addCompile(CLI::App &app, lathe::CompileOptions &options, bool &isVerbose) {
  app.add_option("model", options.modelPath, "ONNX model (.onnx), or nn operations as text (.mlir)")->required();
  app.add_option("-o,--output", options.outputPath,
                 "where to write the artifact; default: the model's name with .lathe");
  app.add_option("--cpu", options.cpus, "native, x86-64-v3, x86-64-v4, cascadelake, ...; several: one program each")
      ->delimiter(',');
  app.add_option("--dim", options.dims, "fix or bound a symbolic size: batch=1, seq=1..512")->allow_extra_args(false);
  app.add_option("--stop-after", options.stopAfter,
                 "print the module after this phase: import, canonical, quantize, layout, fuse, plan, codegen");
  app.add_option("--dump-to", options.dumpTo, "folder for the module after each phase, and the kernels' assembly");
  app.add_option("--report", options.reportPath, "write times, sizes and decisions as JSON");
  app.add_option(
         "--provider", options.provider,
         "of kernels: lathe; onednn, wherever it can be; auto: onednn where --tune or --tune-db says that it is "
         "faster (running the artifact then needs the library)")
      ->capture_default_str();
  addQuantization(app, options);
  addSearch(app, options);
  app.add_flag("--tune", options.tune, "measure several plans per product and convolution on this machine");
  app.add_option("--tune-db", options.tuneDbPath,
                 "what was measured before (lines of text); --tune adds to it, and makes the file if there is none");
  app.add_option("--tune-threads", options.tuneThreads, "threads to measure with, and to look up")
      ->capture_default_str();
  app.add_option("--tune-seconds", options.tuneSeconds,
                 "how long to measure; another --tune with the same database goes on where this one stops")
      ->capture_default_str();
  app.add_flag("-v,--verbose", isVerbose, "show the time of each phase");
}

void addQuantize(CLI::App &app, lathe::CompileOptions &options, bool &isVerbose) {
  app.add_option("model", options.modelPath, "ONNX model")->required();
  app.add_option("-o,--output", options.outputPath,
                 "where to write the quantized model; default: the model's name with .quantized.onnx");
  addQuantization(app, options);
  addSearch(app, options);
  app.add_flag("-v,--verbose", isVerbose, "show the time of each phase");
}

/// Options of `lathe check`.
struct CheckOptions {
  std::string modelPath;
  std::vector<std::string> dims;
  bool onlyRefused = false;
};

int runCheck(const CheckOptions &options) {
  lathe::ImportOptions import;
  for (const std::string &dim : options.dims)
    if (!lathe::parseDimOption(dim, import)) {
      std::fprintf(stderr, "lathe: error: expects --dim name=size or name=low..high, got '%s'\n", dim.c_str());
      return 2;
    }
  bool hasUnknownDim = false;
  import.hasUnknownDim = &hasUnknownDim;
  lathe::CheckResult result = lathe::checkModel(options.modelPath, import);
  for (std::string &error : result.errors)
    if (!llvm::StringRef(error).contains(options.modelPath))
      error.insert(0, options.modelPath + ": ");
  if (result.nodes.empty() && !result.errors.empty()) {
    for (const std::string &error : result.errors)
      std::fprintf(stderr, "lathe: error: %s\n", error.c_str());
    return hasUnknownDim ? 2 : llvm::sys::fs::is_regular_file(options.modelPath) ? 1 : 3;
  }
  lathe::printCheck(result, llvm::outs(), !options.onlyRefused);
  if (hasUnknownDim)
    return 2;
  return result.isSupported() ? 0 : 1;
}

void addCheck(CLI::App &app, CheckOptions &options) {
  app.add_option("model", options.modelPath, "ONNX model")->required();
  app.add_option("--dim", options.dims, "fix or bound a symbolic size: batch=1, seq=1..512")->allow_extra_args(false);
  app.add_flag("--only-refused", options.onlyRefused, "leave out nodes that are supported");
}

/// Options of `lathe tune-db merge`.
struct MergeOptions {
  std::vector<std::string> inputs;
  std::string output;
};

void addMerge(CLI::App &app, MergeOptions &options) {
  app.require_subcommand(1);
  CLI::App *merge = app.add_subcommand("merge", "join databases; of two lines for one operation the faster one stays");
  merge->add_option("files", options.inputs, "tuning databases")->required();
  merge->add_option("-o,--output", options.output, "where to write the result; may be one of the files")->required();
}

int runMerge(const MergeOptions &options) {
  lathe::TuningDatabase merged;
  for (const std::string &path : options.inputs) {
    llvm::Expected<lathe::TuningDatabase> database = lathe::readTuningDatabase(path);
    if (!database) {
      std::error_code code;
      llvm::handleAllErrors(database.takeError(), [&](const llvm::ErrorInfoBase &info) {
        code = info.convertToErrorCode();
        std::fprintf(stderr, "lathe: error: %s\n", info.message().c_str());
      });
      return code == std::errc::invalid_argument ? 2 : 3;
    }
    merged.merge(*database);
  }
  lathe::OutputFile file;
  std::error_code error = file.open(options.output);
  if (!error)
    error = file.finish(merged.toText());
  if (error)
    std::fprintf(stderr, "lathe: error: can't write '%s': %s\n", options.output.c_str(), error.message().c_str());
  return error ? 3 : 0;
}

} // namespace

int main(int argc, char **argv) {
  // Large blocks go back to the system when they are freed: constants come and go one at a time.
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  CLI::App app("Compiles ONNX models to native programs.", "lathe");
  app.require_subcommand(1);
  app.set_version_flag("--version", lathe::producerName());
  lathe::CompileOptions options;
  bool isVerbose = false;
  CLI::App *compile = app.add_subcommand("compile", "compile a model to a .lathe file");
  addCompile(*compile, options, isVerbose);
  CLI::App *quantize = app.add_subcommand("quantize", "write a quantized model as ONNX");
  addQuantize(*quantize, options, isVerbose);
  CheckOptions checkOptions;
  CLI::App *check = app.add_subcommand("check", "say of every node of a model whether it is supported, and why not");
  addCheck(*check, checkOptions);
  lathe::DiffCommand diffCommand;
  CLI::App *diff = app.add_subcommand("diff", "say what a compiled model lost, where, why and what helps");
  lathe::addDiff(*diff, diffCommand);
  MergeOptions mergeOptions;
  CLI::App *tuneDb = app.add_subcommand("tune-db", "work with tuning databases");
  addMerge(*tuneDb, mergeOptions);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (quantize->parsed())
    return runQuantize(options, isVerbose);
  if (tuneDb->parsed())
    return runMerge(mergeOptions);
  if (diff->parsed())
    return lathe::runDiff(diffCommand);
  return check->parsed() ? runCheck(checkOptions) : runCompile(options, isVerbose);
}
