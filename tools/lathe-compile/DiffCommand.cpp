#include "tools/lathe-compile/DiffCommand.h"
#include "compiler/capi/RunArtifact.h"
#include "compiler/driver/OutputFile.h"
#include "tools/lathe-compile/Progress.h"
#include <cstdio>

namespace lathe {

void addImageOptions(CLI::App &app, ImageOptions &images) {
  app.add_option("--image-mean", images.mean, "of a picture's channels, in 0..1")->delimiter(',');
  app.add_option("--image-std", images.std, "of a picture's channels, in 0..1")->delimiter(',');
  app.add_option_function<std::vector<int64_t>>(
         "--image-size",
         [&images](const std::vector<int64_t> &size) {
           images.height = size.front();
           images.width = size.back();
         },
         "of pictures: 224, or height x width as 224x256")
      ->delimiter('x')
      ->expected(1, 2)
      ->check(CLI::Range(1, 16384));
}

void addDiff(CLI::App &app, DiffCommand &command) {
  app.add_option("model", command.options.modelPath, "ONNX model: what the artifact should compute")->required();
  app.add_option("artifact", command.options.artifactPath, "compiled from it (.lathe)")->required();
  app.add_option("--data", command.options.dataPath,
                 "samples of inputs: .npz, a folder of .npz, .npy, test_data_set_* or pictures")
      ->required();
  app.add_option("--samples", command.options.samples, "how many of them to compare, from the first")
      ->capture_default_str();
  app.add_option("--dim", command.options.dims, "size of a symbol in the model; default: as the artifact was compiled")
      ->allow_extra_args(false);
  app.add_option("--layers", command.layers, "how many layers to print")->capture_default_str();
  app.add_flag("--no-speed", command.isQuick, "don't compile the model in f32 to compare size, latency and memory");
  app.add_option("--json", command.jsonPath, "write everything there");
  app.add_option("--html", command.htmlPath, "write a page to look at in a browser");
  addImageOptions(app, command.options.images);
}

namespace {
bool isWritten(OutputFile &file, llvm::StringRef path, std::error_code error) {
  if (error)
    std::fprintf(stderr, "lathe: error: can't write '%s': %s\n", path.str().c_str(), error.message().c_str());
  return !error;
}
} // namespace

int runDiff(DiffCommand command) {
  OutputFile json, html;
  // A place that can't be written to is known before the work.
  if ((!command.jsonPath.empty() && !isWritten(json, command.jsonPath, json.open(command.jsonPath))) ||
      (!command.htmlPath.empty() && !isWritten(html, command.htmlPath, html.open(command.htmlPath))))
    return diff::DiffStatus::badEnvironment;
  Progress progress(false);
  command.options.measureSpeed = !command.isQuick;
  command.options.open = openObservedArtifact;
  command.options.progress = [&](size_t done, size_t count) { progress.showShare("compare", done, count); };
  diff::DiffStatus status = diff::diffModel(command.options);
  progress.clear();
  printMessages(status.messages);
  if (status.code != diff::DiffStatus::success)
    return status.code;
  std::fputs(diff::toText(status.comparison, command.layers).c_str(), stdout);
  bool isOk = (!json.isOpen() || isWritten(json, command.jsonPath, json.finish(diff::toJson(status.comparison)))) &&
              (!html.isOpen() || isWritten(html, command.htmlPath, html.finish(diff::toHtml(status.comparison))));
  return isOk ? diff::DiffStatus::success : diff::DiffStatus::badEnvironment;
}

} // namespace lathe
