#include "compiler/capi/MeasuredOneDnn.h"
#include "compiler/capi/ReadOptions.h"
#include "compiler/capi/RunArtifact.h"
#include "compiler/diff/Accuracy.h"
#include "compiler/driver/Driver.h"
#include "compiler/search/AutoQuantize.h"
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>

namespace {

using lathe::CompileStatus, lathe::readKnown, lathe::readList, lathe::readNumbers;

CompileStatus badOptions(const std::string &message) {
  return {CompileStatus::badUsage, "error: " + message + "\n", ""};
}

const char *orEmpty(const char *text) { return text ? text : ""; }

/// What belongs to quantization; an empty text, or what is wrong.
std::string readQuantization(const lathe_compile_options_t &from, lathe::CompileOptions &options) {
  options.quantize = orEmpty(from.quantize);
  options.calibratePath = orEmpty(from.calibrate);
  if (from.calibrate_method)
    options.calibrateMethod = from.calibrate_method;
  options.keep = orEmpty(from.keep);
  options.weightBits = from.weight_bits;
  options.quantizeAll = from.quantize_all != 0;
  options.precisionsPath = orEmpty(from.precisions);
  options.int4Method = orEmpty(from.int4_method);
  if (from.int4_activations)
    options.int4Activations = from.int4_activations;
  if (from.group_size)
    options.groupSize = from.group_size;
  options.images.height = from.image_height;
  options.images.width = from.image_width;
  options.openProgram = lathe::openRunnableArtifact;
  if (!options.reportPath.empty())
    options.measureAccuracy = [](const lathe::CompileOptions &measured) {
      return lathe::diff::measureAccuracy(measured, lathe::openObservedArtifact);
    };
  bool isOk = readNumbers(from.image_mean, from.image_mean_count, options.images.mean) &&
              readNumbers(from.image_std, from.image_std_count, options.images.std);
  return isOk ? "" : "expects numbers for image_mean and image_std";
}

using Run = CompileStatus (*)(const lathe::CompileOptions &);

/// What belongs to the search for precisions.
void readSearch(const lathe_compile_options_t &from, lathe::CompileOptions &options) {
  if (from.max_error != 0)
    options.maxError = from.max_error;
  if (from.error_metric)
    options.errorMetric = from.error_metric;
  if (from.search_seconds)
    options.searchSeconds = from.search_seconds;
  options.paretoPath = orEmpty(from.pareto_path);
  if (from.artifact_error)
    options.askError = [&from](llvm::StringRef path) -> llvm::Expected<double> {
      double error = from.artifact_error(from.artifact_error_context, path.str().c_str());
      if (error >= 0)
        return error;
      return llvm::createStringError("expects artifact_error to give a number, 0 or more");
    };
}

CompileStatus runWith(const lathe_compile_options_t *given, Run run) {
  // The first version ended with the model's size.
  constexpr size_t leastSize = offsetof(lathe_compile_options_t, model_size) + sizeof(size_t);
  if (!given || given->struct_size < leastSize)
    return badOptions("expects options with struct_size set");
  lathe_compile_options_t from = LATHE_COMPILE_OPTIONS_INIT;
  if (!readKnown(given, from))
    return badOptions("options have a field that this version (" LATHE_VERSION ") doesn't know");
  if (!from.model_path && !from.model_data)
    return badOptions("expects a model_path or model_data");
  if (!from.model_data != !from.model_size)
    return badOptions("expects model_data and model_size together");
  if (!from.output_path || !*from.output_path)
    return badOptions("expects an output_path");
  lathe::CompileOptions options;
  options.modelPath = orEmpty(from.model_path);
  options.modelData = {static_cast<const char *>(from.model_data), from.model_size};
  options.outputPath = from.output_path;
  if ((from.cpu_count && !readList(from.cpus, from.cpu_count, options.cpus)) ||
      !readList(from.dims, from.dim_count, options.dims))
    return badOptions("expects a text for each of cpus and dims");
  options.reportPath = orEmpty(from.report_path);
  options.dumpTo = orEmpty(from.dump_to);
  options.tune = from.tune;
  options.tuneDbPath = orEmpty(from.tune_db);
  options.tuneThreads = from.tune_threads ? from.tune_threads : 1;
  if (from.tune_seconds)
    options.tuneSeconds = from.tune_seconds;
  if (from.provider)
    options.provider = from.provider;
  options.openLibrary = lathe::openMeasuredOneDnn;
  if (std::string problem = readQuantization(from, options); !problem.empty())
    return badOptions(problem);
  readSearch(from, options);
  if (from.progress)
    options.progress = [&](llvm::StringRef phase, double seconds) {
      if (seconds < 0)
        from.progress(from.progress_context, phase.str().c_str());
    };
  return run(options);
}

int runGuarded(const lathe_compile_options_t *options, Run run, char **out_messages) {
  CompileStatus status;
  try {
    status = runWith(options, run);
  } catch (const std::exception &error) {
    status = {CompileStatus::badEnvironment, std::string("error: ") + error.what() + "\n", ""};
  }
  if (out_messages)
    *out_messages = strdup(status.messages.c_str());
  return status.code;
}

} // namespace

int lathe_compile(const lathe_compile_options_t *options, char **out_messages) {
  return runGuarded(options, lathe::compileWithSearch, out_messages);
}

int lathe_quantize(const lathe_compile_options_t *options, char **out_messages) {
  return runGuarded(options, lathe::quantizeWithSearch, out_messages);
}

void lathe_compile_free(char *messages) { free(messages); }

const char *lathe_compile_version(void) { return LATHE_VERSION; }
