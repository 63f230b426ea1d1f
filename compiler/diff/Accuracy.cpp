#include "compiler/diff/Accuracy.h"
#include "compiler/diff/Diff.h"

namespace lathe::diff {

Accuracy measureAccuracy(const CompileOptions &options, const OpenObserved &open) {
  constexpr size_t samples = 8; // enough to see what is wrong, few enough not to be waited for
  DiffOptions comparing;
  comparing.modelPath = options.modelPath;
  comparing.modelData = options.modelData;
  comparing.artifactPath = options.outputPath;
  comparing.dataPath = options.calibratePath;
  comparing.samples = samples;
  comparing.dims = options.dims;
  comparing.images = options.images;
  comparing.measureLayers = comparing.measureSpeed = !options.reportPath.empty();
  comparing.open = open;
  DiffStatus status = diffModel(comparing);
  if (status.code != DiffStatus::success)
    return {"", "", "what was lost is not measured: " + llvm::StringRef(status.messages).trim().str()};
  return {options.quantize + ": " + summaryText(status.comparison), toJson(status.comparison), ""};
}

} // namespace lathe::diff
