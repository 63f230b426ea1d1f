#include "compiler/diff/Diff.h"
#include "compiler/capi/ReadOptions.h"
#include "compiler/capi/RunArtifact.h"
#include "compiler/driver/OutputFile.h"
#include <exception>

namespace {

using lathe::diff::DiffStatus;

DiffStatus badOptions(const std::string &message) {
  DiffStatus status;
  status.code = DiffStatus::badUsage;
  status.messages = "error: " + message + "\n";
  return status;
}

/// Adds what can't be written to the messages.
void check(DiffStatus &status, const char *path, std::error_code error) {
  if (!error)
    return;
  status.code = DiffStatus::badEnvironment;
  status.messages += std::string("error: can't write '") + path + "': " + error.message() + "\n";
}

DiffStatus diff(const lathe_diff_options_t *given, std::string &json) {
  if (!given || given->struct_size < sizeof(size_t))
    return badOptions("expects options with struct_size set");
  lathe_diff_options_t from = LATHE_DIFF_OPTIONS_INIT;
  if (!lathe::readKnown(given, from))
    return badOptions("options have a field that this version (" LATHE_VERSION ") doesn't know");
  if (!from.model_path || !from.artifact_path || !from.data_path)
    return badOptions("expects a model_path, an artifact_path and a data_path");
  lathe::diff::DiffOptions options;
  options.modelPath = from.model_path;
  options.artifactPath = from.artifact_path;
  options.dataPath = from.data_path;
  if (from.samples)
    options.samples = from.samples;
  if (!lathe::readList(from.dims, from.dim_count, options.dims))
    return badOptions("expects a text for each of dims");
  options.images.height = from.image_height;
  options.images.width = from.image_width;
  if (!lathe::readNumbers(from.image_mean, from.image_mean_count, options.images.mean) ||
      !lathe::readNumbers(from.image_std, from.image_std_count, options.images.std))
    return badOptions("expects numbers for image_mean and image_std");
  options.measureSpeed = !from.no_speed;
  options.open = lathe::openObservedArtifact;
  DiffStatus status;
  lathe::OutputFile page;
  if (from.html_path)
    check(status, from.html_path, page.open(from.html_path));
  if (status.code != DiffStatus::success)
    return status;
  status = lathe::diff::diffModel(options);
  if (status.code != DiffStatus::success)
    return status;
  json = lathe::diff::toJson(status.comparison);
  if (page.isOpen())
    check(status, from.html_path, page.finish(lathe::diff::toHtml(status.comparison)));
  return status;
}

} // namespace

int lathe_diff(const lathe_diff_options_t *options, char **out_json, char **out_messages) {
  DiffStatus status;
  std::string json;
  try {
    status = diff(options, json);
  } catch (const std::exception &error) {
    status.code = DiffStatus::badEnvironment;
    status.messages = std::string("error: ") + error.what() + "\n";
  }
  if (out_json)
    *out_json = status.code == DiffStatus::success ? strdup(json.c_str()) : nullptr;
  if (out_messages)
    *out_messages = strdup(status.messages.c_str());
  return status.code;
}
