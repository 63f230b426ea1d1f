#include "compiler/diff/Diff.h"
#include "compiler/calibrate/TemporaryArtifact.h"
#include "compiler/calibrate/Turns.h"
#include "compiler/driver/Driver.h"
#include "compiler/import/Import.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;

namespace lathe::diff {

namespace {

using Inputs = std::vector<reference::Tensor>;

class Diffing {
public:
  explicit Diffing(const DiffOptions &options) : options(options), model(options.modelPath, options.modelData) {}

  DiffStatus run();

private:
  bool open();
  bool compare();
  bool compileF32(StringRef path);
  Inputs inOrderOf(const ObservedProgram &program, ArrayRef<reference::Tensor> sample);
  bool measureSpeed();
  bool fail(DiffStatus::Code code, const Twine &message) {
    status.code = code;
    status.messages += ("error: " + message + "\n").str();
    return false;
  }

  const DiffOptions &options;
  DiffStatus status;
  Reference model;
  std::unique_ptr<ObservedProgram> artifact;
  std::unique_ptr<SampleSource> samples;
};

bool Diffing::open() {
  if (options.samples == 0)
    return fail(DiffStatus::badUsage, "expects --samples to be 1 or more, got 0");
  for (const std::string &dim : options.dims)
    if (ImportOptions ignored; !parseDimOption(dim, ignored))
      return fail(DiffStatus::badUsage, "expects --dim name=size or name=low..high, got '" + dim + "'");
  for (const std::string *path : {&options.modelPath, &options.artifactPath, &options.dataPath})
    if (!sys::fs::exists(*path) && (path != &options.modelPath || options.modelData.empty()))
      return fail(DiffStatus::badEnvironment, "cannot open '" + *path + "': no such file or folder");
  auto opened = options.open(options.artifactPath);
  if (!opened)
    return fail(DiffStatus::badEnvironment, toString(opened.takeError()));
  artifact = std::move(*opened);
  Comparison &comparison = status.comparison;
  comparison.options = options;
  comparison.flags = artifact->flags();
  comparison.compiledWith = CompiledWith::parse(comparison.flags);
  (void)sys::fs::file_size(options.artifactPath, comparison.fileBytes);
  if (!model.load(options.dims.empty() ? comparison.compiledWith.dims : options.dims)) {
    status.code = model.hasUnknownDim() ? DiffStatus::badUsage : DiffStatus::badModel;
    status.messages = model.takeMessages();
    return false;
  }
  auto source = openSamples(options.dataPath, model.inputs(), options.images);
  if (!source)
    return fail(DiffStatus::badModel, toString(source.takeError()));
  samples = std::move(*source);
  return true;
}

bool Diffing::compare() {
  Comparison &comparison = status.comparison;
  MeasureOptions measuring;
  measuring.samples = options.samples;
  measuring.layers = options.measureLayers;
  measuring.open = options.open;
  measuring.progress = options.progress;
  auto measured = measure(model, *artifact, *samples, measuring);
  if (!measured)
    return fail(DiffStatus::badModel, toString(measured.takeError()));
  comparison.measured = std::move(*measured);
  comparison.memoryBytes = comparison.measured.memoryBytes;
  ArrayRef<Layer> layers = comparison.measured.layers;
  for (size_t i = 0; i < layers.size(); ++i) {
    Cause cause = causeOf(layers, i);
    comparison.diagnoses.push_back({cause, remediesOf(comparison.measured, i, cause, model, comparison.compiledWith),
                                    shareOfHarm(comparison.measured, i)});
    comparison.byHarm.push_back(i);
  }
  auto key = [&](size_t i) { return std::pair(-comparison.diagnoses[i].share, layers[i].local.sqnr()); };
  llvm::stable_sort(comparison.byHarm, [&](size_t a, size_t b) { return key(a) < key(b); });
  return true;
}

/// Compiles the model as the artifact was, but without quantization.
bool Diffing::compileF32(StringRef path) {
  CompileOptions compile;
  compile.modelPath = options.modelPath;
  compile.modelData = options.modelData;
  compile.outputPath = path.str();
  compile.dims = options.dims.empty() ? status.comparison.compiledWith.dims : options.dims;
  CompileStatus compiled = compileModel(compile);
  if (compiled.isOk())
    return true;
  status.messages += compiled.messages;
  status.code = DiffStatus::badModel;
  return false;
}

/// A sample in the order of the program's inputs.
Inputs Diffing::inOrderOf(const ObservedProgram &program, ArrayRef<reference::Tensor> sample) {
  Inputs inputs;
  for (const std::string &name : program.inputNames())
    for (auto [spec, tensor] : zip_equal(model.inputs(), sample))
      if (spec.name == name)
        inputs.push_back(tensor);
  return inputs;
}

bool Diffing::measureSpeed() {
  Comparison &comparison = status.comparison;
  TemporaryArtifact file;
  if (Error error = file.make("lathe-f32"))
    return fail(DiffStatus::badEnvironment, toString(std::move(error)));
  if (!compileF32(file.path()))
    return false;
  auto f32 = options.open(file.path());
  if (!f32)
    return fail(DiffStatus::badEnvironment, toString(f32.takeError()));
  auto sample = samples->load(0);
  if (!sample)
    return fail(DiffStatus::badModel, toString(sample.takeError()));
  Inputs own = inOrderOf(*artifact, *sample), other = inOrderOf(**f32, *sample);
  constexpr double timedSeconds = 2;
  auto times = timeInTurns({*artifact, own}, {**f32, other}, timedSeconds);
  if (!times)
    return fail(DiffStatus::badModel, toString(times.takeError()));
  comparison.seconds = (*times)[0];
  comparison.f32Seconds = (*times)[1];
  (void)sys::fs::file_size(file.path(), comparison.f32FileBytes);
  auto memory = (*f32)->memoryBytes(other);
  if (!memory)
    return fail(DiffStatus::badModel, toString(memory.takeError()));
  comparison.f32MemoryBytes = *memory;
  return true;
}

DiffStatus Diffing::run() {
  if (open() && compare() && options.measureSpeed)
    measureSpeed();
  return std::move(status);
}

} // namespace

DiffStatus diffModel(const DiffOptions &options) { return Diffing(options).run(); }

} // namespace lathe::diff
