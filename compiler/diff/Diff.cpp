#include "compiler/diff/Diff.h"
#include "compiler/driver/Driver.h"
#include "compiler/import/Import.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include <chrono>

using namespace llvm;

namespace lathe::diff {

namespace {

using Inputs = std::vector<reference::Tensor>;

/// Least times of runs in turns, so that what else the machine does meets both.
struct Turns {
  double seconds[2] = {0, 0};
};

Expected<double> timeOfRun(ObservedProgram &program, const Inputs &inputs) {
  auto start = std::chrono::steady_clock::now();
  if (Error error = program.run(inputs, nullptr, [](size_t, const OutputView &) {}))
    return std::move(error);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Error timeInTurns(ObservedProgram *programs[2], const Inputs inputs[2], Turns &turns) {
  constexpr double mostSeconds = 2;
  constexpr int fewestRounds = 5, mostRounds = 200;
  double sum = 0;
  for (int round = 0; round < fewestRounds || (round < mostRounds && sum < mostSeconds); ++round)
    for (size_t i = 0; i < 2; ++i) {
      Expected<double> seconds = timeOfRun(*programs[i], inputs[i]);
      if (!seconds)
        return seconds.takeError();
      sum += *seconds;
      if (round > 0) // the first one binds shapes and checks weights
        turns.seconds[i] = turns.seconds[i] == 0 ? *seconds : std::min(turns.seconds[i], *seconds);
    }
  return Error::success();
}

class Diffing {
public:
  explicit Diffing(const DiffOptions &options) : options(options), model(options.modelPath, options.modelData) {}

  DiffStatus run();

private:
  bool open();
  bool compare();
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
  auto opened = options.open(options.artifactPath, 0);
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
bool Diffing::measureSpeed() {
  Comparison &comparison = status.comparison;
  SmallString<128> path;
  if (std::error_code error = sys::fs::createTemporaryFile("lathe-f32", "lathe", path))
    return fail(DiffStatus::badEnvironment, "can't make a temporary file: " + error.message());
  auto remove = make_scope_exit([&] { sys::fs::remove(path); });
  CompileOptions compile;
  compile.modelPath = options.modelPath;
  compile.modelData = options.modelData;
  compile.outputPath = path.str().str();
  compile.dims = options.dims.empty() ? comparison.compiledWith.dims : options.dims;
  CompileStatus compiled = compileModel(compile);
  if (!compiled.isOk()) {
    status.messages += compiled.messages;
    status.code = DiffStatus::badModel;
    return false;
  }
  auto f32 = options.open(path, 0);
  if (!f32)
    return fail(DiffStatus::badEnvironment, toString(f32.takeError()));
  auto loaded = samples->load(0);
  if (!loaded)
    return fail(DiffStatus::badModel, toString(loaded.takeError()));
  ObservedProgram *programs[2] = {artifact.get(), f32->get()};
  Inputs inputs[2];
  std::vector<InputSpec> specs = model.inputs();
  for (size_t i = 0; i < 2; ++i)
    for (const std::string &name : programs[i]->inputNames())
      for (auto [spec, tensor] : zip_equal(specs, *loaded))
        if (spec.name == name)
          inputs[i].push_back(tensor);
  Turns turns;
  if (Error error = timeInTurns(programs, inputs, turns))
    return fail(DiffStatus::badModel, toString(std::move(error)));
  comparison.seconds = turns.seconds[0];
  comparison.f32Seconds = turns.seconds[1];
  (void)sys::fs::file_size(path, comparison.f32FileBytes);
  auto memory = (*f32)->memoryBytes(inputs[1]);
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
