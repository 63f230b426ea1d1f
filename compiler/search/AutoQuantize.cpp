#include "compiler/search/AutoQuantize.h"
#include "compiler/driver/OutputFile.h"
#include "compiler/driver/QuantizeModel.h"
#include "compiler/search/ParetoList.h"
#include "compiler/search/Trial.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Signals.h"
#include <chrono>
#include <cmath>
#include <map>

namespace lathe {

namespace {
using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A file beside the output for a candidate, which goes when the search ends, however it does.
class CandidateFile {
public:
  explicit CandidateFile(std::string path) : path(std::move(path)) { llvm::sys::RemoveFileOnSignal(this->path); }
  ~CandidateFile() {
    llvm::sys::fs::remove(path);
    llvm::sys::DontRemoveFileOnSignal(path);
  }
  const std::string path;
};

/// An artifact beside the output, its report, and the model in ONNX that it was compiled from, if that is what the user wants.
struct CandidateFiles {
  CandidateFiles(const CompileOptions &options, const char *ending)
      : artifact(options.outputPath + ending), report(options.reportPath.empty() ? "" : options.reportPath + ending),
        model(artifact.path + ".onnx"), data(model.path + ".data") {}
  CandidateFile artifact, report, model, data;
};

bool isFloat(llvm::ArrayRef<nn::Precision> precisions) {
  return llvm::all_of(precisions, [](nn::Precision precision) { return precision == nn::Precision::f32; });
}

llvm::Error writeError(const std::string &path, std::error_code error) {
  if (!error)
    return llvm::Error::success();
  return llvm::createStringError(error, "can't write '%s': %s", path.c_str(), error.message().c_str());
}

class Search {
public:
  Search(const CompileOptions &options, bool isModel)
      : options(options), isModel(isModel), trial(options, study), candidate(options, ".candidate"),
        integers(options, ".int8"), start(Clock::now()) {}

  CompileStatus run();

private:
  using Steps = bool (Search::*)();
  bool tryIntegers();
  bool studyInt4();
  bool measureNodes(nn::Precision precision, const CandidateFiles &files);
  void choose(llvm::ArrayRef<nn::Precision> precisions);
  bool compileReference();
  bool studyIntegers();
  bool tryCandidates();
  bool tryOne(std::vector<nn::Precision> precisions);
  const ParetoList::Entry *tried(llvm::ArrayRef<nn::Precision> precisions) const; // null: not yet

  bool compile(CompileOptions attempt, const CandidateFiles &files);
  CompileStatus make(CompileOptions attempt, const CandidateFiles &files);
  CompileOptions withStudy();
  bool finish(llvm::Expected<Measured> result, std::vector<nn::Precision> precisions, const CandidateFiles &files);
  bool take(ParetoList::Entry &entry, const CandidateFiles &files);
  bool replaceOutput(llvm::ArrayRef<nn::Precision> precisions, const CandidateFiles &files);
  bool writeList();
  bool report();
  bool fail(llvm::Error error);
  std::vector<NodeCosts> costs();
  double left() const { return options.searchSeconds - secondsSince(start); }
  void explain();

  const CompileOptions &options;
  const bool isModel; // is the output one in ONNX?
  QuantizationStudy study;
  Trial trial;
  CandidateFiles candidate, integers; // the latter: all in int8
  Clock::time_point start;
  ParetoList list;
  std::vector<nn::Precision> allIntegers; // of the study's nodes, those of 4 bits left out
  size_t chosen = 0;                      // entry of the list
  std::string notes;                      // on the chosen model
  double compileSeconds = 0;
  std::map<nn::Precision, std::vector<double>> times; // of the study's nodes, where all have this precision that can
  std::optional<Candidates> candidates;
  CompileStatus status;
};

bool Search::fail(llvm::Error error) {
  if (!error)
    return true;
  status.code = CompileStatus::badEnvironment;
  status.messages += "error: " + llvm::toString(std::move(error)) + "\n";
  return false;
}

bool Search::compile(CompileOptions attempt, const CandidateFiles &files) {
  auto begin = Clock::now();
  CompileStatus done = make(std::move(attempt), files);
  compileSeconds = secondsSince(begin);
  status.accuracy = done.accuracy;
  if (done.isOk())
    return true;
  status = std::move(done);
  return false;
}

CompileStatus Search::make(CompileOptions attempt, const CandidateFiles &files) {
  if (isModel) {
    attempt.outputPath = files.model.path;
    if (CompileStatus done = quantizeModel(attempt); !done.isOk())
      return done;
    attempt = CompileOptions();
    attempt.modelPath = files.model.path;
    attempt.progress = options.progress;
  }
  attempt.outputPath = files.artifact.path;
  attempt.reportPath = isModel ? "" : files.report.path;
  return compileModel(attempt);
}

void Search::choose(llvm::ArrayRef<nn::Precision> precisions) {
  for (auto [node, precision] : llvm::zip_equal(study.nodes, precisions))
    node.chosen = precision;
}

CompileOptions Search::withStudy() {
  CompileOptions attempt = options;
  attempt.measureAccuracy = nullptr;
  attempt.quantize = "int8";
  attempt.study = &study;
  return attempt;
}

/// The candidate becomes what the user gets. A model is written once more, since one of more than 2 GiB has the name of the file
/// beside it inside.
bool Search::replaceOutput(llvm::ArrayRef<nn::Precision> precisions, const CandidateFiles &files) {
  if (isModel) {
    choose(precisions);
    CompileStatus done = quantizeModel(withStudy());
    notes = done.messages;
    if (!done.isOk())
      status = std::move(done);
    return status.isOk();
  }
  std::error_code error = llvm::sys::fs::rename(files.artifact.path, options.outputPath);
  if (!error && !options.reportPath.empty())
    error = llvm::sys::fs::rename(files.report.path, options.reportPath);
  return fail(writeError(options.outputPath, error));
}

bool Search::take(ParetoList::Entry &entry, const CandidateFiles &files) {
  if (!replaceOutput(entry.precisions, files))
    return false;
  list.entries[chosen].isChosen = false;
  entry.isChosen = true;
  chosen = size_t(&entry - list.entries.data());
  return true;
}

bool Search::finish(llvm::Expected<Measured> result, std::vector<nn::Precision> precisions,
                    const CandidateFiles &files) {
  if (!result)
    return fail(result.takeError());
  const Measured &measured = *result;
  ParetoList::Entry &entry = list.entries.emplace_back();
  entry.error = measured.error, entry.timeRatio = measured.timeRatio;
  entry.milliseconds = measured.milliseconds;
  entry.bytes = isModel ? sizeOf(files.model.path) + sizeOf(files.data.path) : measured.bytes;
  entry.precisions = std::move(precisions);
  // Times of a machine that does other things, too, are not equal twice: within 1 % the smaller file is better.
  const ParetoList::Entry &best = list.entries[chosen];
  bool isFaster = entry.timeRatio < 0.99 * best.timeRatio;
  bool isSmaller = entry.timeRatio < 1.01 * best.timeRatio && entry.bytes < best.bytes;
  bool isFirst = list.entries.size() == 1;
  if ((isFirst || (entry.error <= options.maxError && (isFaster || isSmaller))) && !take(entry, files))
    return false;
  if (options.searchProgress)
    options.searchProgress(llvm::formatv("{0} artifacts; best: error {1}, {2:f2} of f32's time, {3:f2} of its size",
                                         list.entries.size(), llvm::format("%.3g", list.entries[chosen].error),
                                         list.entries[chosen].timeRatio,
                                         double(list.entries[chosen].bytes) / double(list.entries[0].bytes))
                               .str());
  return writeList();
}

bool Search::writeList() {
  OutputFile file;
  std::error_code error = file.open(options.paretoPath);
  if (!error)
    error = file.finish(list.toJson(study));
  return fail(writeError(options.paretoPath, error));
}

bool Search::measureNodes(nn::Precision precision, const CandidateFiles &files) {
  auto measured = trial.nodeTimes(files.artifact.path);
  if (!measured)
    return fail(measured.takeError());
  times[precision] = std::move(*measured);
  return true;
}

/// The study comes first: it knows inputs and outputs, and refuses samples that don't fit before anything is written.
bool Search::studyIntegers() {
  CompileOptions attempt = withStudy();
  attempt.studySeconds = std::max(0.3 * options.searchSeconds, 1.0);
  if (!compile(attempt, integers))
    return false;
  for (const QuantizationStudy::Node &node : study.nodes)
    allIntegers.push_back(node.chosen);
  return study.samples.empty() || measureNodes(nn::Precision::int8, integers);
}

bool Search::tryIntegers() {
  return study.samples.empty() || finish(trial.measure(integers.artifact.path), allIntegers, integers);
}

/// How fast nodes are with 4-bit weights.
bool Search::studyInt4() {
  std::vector<nn::Precision> precisions = allIntegers;
  for (auto [node, precision] : llvm::zip_equal(study.nodes, precisions))
    for (const QuantizationStudy::Choice &choice : node.choices)
      if (choice.precision == nn::Precision::int4)
        precision = nn::Precision::int4;
  if (precisions == allIntegers)
    return true;
  choose(precisions);
  return compile(withStudy(), candidate) && measureNodes(nn::Precision::int4, candidate) &&
         finish(trial.measure(candidate.artifact.path), std::move(precisions), candidate);
}

bool Search::compileReference() {
  std::vector<nn::Precision> precisions(study.nodes.size(), nn::Precision::f32);
  choose(precisions);
  CompileOptions attempt = withStudy();
  if (!isModel) {
    attempt.quantize = attempt.keep = attempt.precisionsPath = attempt.calibratePath = "";
    attempt.images = {};
    attempt.study = nullptr;
  }
  if (!compile(attempt, candidate))
    return false;
  if (study.samples.empty()) {
    Measured unknown;
    unknown.bytes = sizeOf(candidate.artifact.path);
    return finish(unknown, std::move(precisions), candidate);
  }
  return measureNodes(nn::Precision::f32, candidate) &&
         finish(trial.openReference(candidate.artifact.path), std::move(precisions), candidate);
}

/// Nanoseconds of nodes, and of reading what their weights take less in integers from memory.
std::vector<NodeCosts> Search::costs() {
  constexpr double nanosecondsPerByte = 0.02;
  std::vector<NodeCosts> result;
  for (auto [index, node] : llvm::enumerate(study.nodes)) {
    NodeCosts &costs = result.emplace_back();
    auto cost = [&](nn::Precision precision, double share) {
      return times[precision][index] + nanosecondsPerByte * share * double(node.weightBytes);
    };
    costs.f32 = cost(nn::Precision::f32, 1);
    for (const QuantizationStudy::Choice &choice : node.choices)
      costs.choices.push_back(choice.precision == nn::Precision::int4 ? cost(choice.precision, 0.157)
                                                                      : cost(nn::Precision::int8, 0.25));
  }
  return result;
}

bool Search::tryOne(std::vector<nn::Precision> precisions) {
  choose(precisions);
  return compile(withStudy(), candidate) &&
         finish(trial.measure(candidate.artifact.path), std::move(precisions), candidate);
}

const ParetoList::Entry *Search::tried(llvm::ArrayRef<nn::Precision> precisions) const {
  auto same = [&](const ParetoList::Entry &entry) { return llvm::ArrayRef(entry.precisions) == precisions; };
  auto found = llvm::find_if(list.entries, same);
  return found == list.entries.end() ? nullptr : &*found;
}

/// Between the last candidate that is within the error and the first that is not.
bool Search::tryCandidates() {
  constexpr int most = 8;
  candidates.emplace(study, costs());
  size_t good = 0, bad = candidates->count(), number = candidates->count() - 1;
  for (int i = 0; i < most && number > good && number < bad; ++i) {
    std::vector<nn::Precision> precisions = candidates->precisions(number);
    if (!tried(precisions) && left() < 1.2 * compileSeconds) {
      list.end = "no time was left for another artifact";
      return writeList();
    }
    if (!tried(precisions) && !tryOne(precisions))
      return false;
    double error = tried(precisions)->error, predicted = candidates->error(number);
    (error <= options.maxError ? good : bad) = number;
    double factor = predicted > 0 && std::isfinite(error) ? error / predicted : 1;
    size_t next = candidates->within(0.95 * options.maxError / std::max(factor, 1e-30));
    number = next > good && next < bad ? next : (good + bad) / 2;
  }
  list.end = bad - good <= 1 ? "no other assignment is left between those within the error and those beyond"
                             : "enough artifacts were tried";
  return writeList();
}

/// The chosen artifact once more, with what it lost.
bool Search::report() {
  ParetoList::Entry &best = list.entries[chosen];
  if (!options.measureAccuracy || isModel || isFloat(best.precisions))
    return true;
  choose(best.precisions);
  CompileOptions attempt = withStudy();
  attempt.measureAccuracy = options.measureAccuracy;
  return compile(attempt, candidate) && take(best, candidate);
}

/// What is to be said of the chosen model; why nothing is in integers, for who expected some.
void Search::explain() {
  if (!isFloat(list.entries[chosen].precisions)) {
    status.messages += notes;
    return;
  }
  const QuantizationStudy::Node *least = nullptr;
  for (const QuantizationStudy::Node &node : study.nodes)
    if (!node.choices.empty() && (!least || node.choices.front().error < least->choices.front().error))
      least = &node;
  std::string reason = "no artifact with integers was faster or smaller";
  if (!least)
    reason = "no node can be quantized";
  else if (least->choices.front().error > options.maxError)
    reason =
        llvm::formatv("alone, '{0}' loses least, {1}", least->name, llvm::format("%.3g", least->choices.front().error));
  status.messages += llvm::formatv("warning: all nodes stay in f32 with --max-error {0}: {1}\n",
                                   llvm::format("%g", options.maxError), reason);
}

CompileStatus Search::run() {
  list.metric = options.askError ? "asked for" : options.errorMetric;
  list.maxError = options.maxError;
  for (Steps step : {&Search::studyIntegers, &Search::compileReference, &Search::tryIntegers, &Search::studyInt4})
    if (!(this->*step)())
      return std::move(status);
  list.samples = study.samples.size();
  if (!study.samples.empty() && !(tryCandidates() && report()))
    return std::move(status);
  explain();
  return std::move(status);
}

CompileStatus badUsage(const llvm::Twine &message) {
  return {CompileStatus::badUsage, ("error: " + message + "\n").str(), ""};
}

CompileStatus search(CompileOptions options, bool isModel) {
  if (options.calibratePath.empty())
    return badUsage("expects --calibrate with --quantize auto");
  if (!parseErrorMetric(options.errorMetric))
    return badUsage("expects --error-metric to be relative, cosine or kl, got '" + options.errorMetric + "'");
  if (!(options.maxError >= 0))
    return badUsage("expects --max-error to be 0 or more");
  if (!options.stopAfter.empty())
    return badUsage("expects --stop-after without --quantize auto");
  if (options.outputPath.empty())
    return badUsage("expects an output file");
  if (options.paretoPath.empty())
    options.paretoPath = options.outputPath + ".pareto.json";
  if (llvm::Error error = writeError(options.paretoPath, OutputFile().open(options.paretoPath)))
    return {CompileStatus::badEnvironment, "error: " + llvm::toString(std::move(error)) + "\n", ""};
  return Search(options, isModel).run();
}
} // namespace

CompileStatus compileWithSearch(const CompileOptions &options) {
  return options.quantize == "auto" ? search(options, /*isModel=*/false) : compileModel(options);
}

CompileStatus quantizeWithSearch(const CompileOptions &options) {
  return options.quantize == "auto" ? search(options, /*isModel=*/true) : quantizeModel(options);
}

} // namespace lathe
