#include "compiler/capi/lathe_compile.h"
#include "compiler/driver/Driver.h"
#include <cstring>
#include <exception>

namespace {

/// The caller's struct may be older and shorter than ours.
lathe_compile_options_t read(const lathe_compile_options_t *options) {
  lathe_compile_options_t known = LATHE_COMPILE_OPTIONS_INIT;
  std::memcpy(&known, options, std::min(options->struct_size, sizeof(known)));
  return known;
}

const char *orEmpty(const char *text) { return text ? text : ""; }

lathe::CompileStatus compile(const lathe_compile_options_t *given) {
  using lathe::CompileStatus;
  if (!given || given->struct_size < offsetof(lathe_compile_options_t, cpus))
    return {CompileStatus::badUsage, "error: expects options with struct_size set\n", ""};
  lathe_compile_options_t from = read(given);
  if ((!from.model_path && !from.model_data) || !from.output_path)
    return {CompileStatus::badUsage, "error: expects a model and an output_path\n", ""};
  lathe::CompileOptions options;
  options.modelPath = orEmpty(from.model_path);
  options.modelData = {static_cast<const char *>(from.model_data), from.model_size};
  options.outputPath = from.output_path;
  if (from.cpus && from.cpu_count)
    options.cpus.assign(from.cpus, from.cpus + from.cpu_count);
  if (from.dims)
    options.dims.assign(from.dims, from.dims + from.dim_count);
  options.reportPath = orEmpty(from.report_path);
  options.dumpTo = orEmpty(from.dump_to);
  if (from.progress)
    options.progress = [&](llvm::StringRef phase, double seconds) {
      if (seconds < 0)
        from.progress(from.progress_context, phase.str().c_str());
    };
  return lathe::compileModel(options);
}

} // namespace

int lathe_compile(const lathe_compile_options_t *options, char **out_messages) {
  lathe::CompileStatus status;
  try {
    status = compile(options);
  } catch (const std::exception &error) {
    status = {lathe::CompileStatus::badModel, std::string("error: ") + error.what() + "\n", ""};
  }
  if (out_messages)
    *out_messages = strdup(status.messages.c_str());
  return status.code;
}

void lathe_compile_free(char *messages) { free(messages); }

const char *lathe_compile_version(void) { return LATHE_VERSION; }
