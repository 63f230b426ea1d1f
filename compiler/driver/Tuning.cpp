#include "compiler/driver/Tuning.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lathe {

llvm::Error Tuning::open() {
  constexpr unsigned mostThreads = 1024;
  if (options.tuneThreads < 1 || options.tuneThreads > mostThreads)
    return llvm::createStringError(std::errc::invalid_argument, "expects --tune-threads to be 1 to %u, got %u",
                                   mostThreads, options.tuneThreads);
  constexpr double mostSeconds = 1e6;
  if (!(options.tuneSeconds >= 0 && options.tuneSeconds <= mostSeconds))
    return llvm::createStringError(std::errc::invalid_argument, "expects --tune-seconds to be 0 to %.0f, got %g",
                                   mostSeconds, options.tuneSeconds);
  if (options.tuneDbPath.empty())
    return llvm::Error::success();
  if (!options.tune || llvm::sys::fs::exists(options.tuneDbPath)) {
    llvm::Expected<TuningDatabase> known = readTuningDatabase(options.tuneDbPath);
    if (!known)
      return known.takeError();
    database = std::move(*known);
  }
  if (!options.tune)
    return llvm::Error::success();
  std::error_code error = file.open(options.tuneDbPath);
  if (error)
    return llvm::createStringError(error, "can't write '%s': %s", options.tuneDbPath.c_str(), error.message().c_str());
  return llvm::Error::success();
}

void Tuning::prepare(llvm::ArrayRef<Target> targets) {
  for (const Target &target : targets)
    tuners.push_back(std::make_unique<Tuner>(backend, target, options.tuneThreads, database));
}

void Tuning::openLibrary(llvm::function_ref<void(const llvm::Twine &)> warn) {
  std::string problem = "no library was handed in";
  if (options.openLibrary) {
    auto opened = options.openLibrary();
    if (opened)
      library = std::move(*opened);
    else
      problem = llvm::toString(opened.takeError());
  }
  if (library)
    return;
  warn("own kernels only: " + problem);
  for (const std::unique_ptr<Tuner> &tuner : tuners)
    tuner->leaveOutLibrary();
}

LogicalResult Tuning::measure(func::FuncOp function, llvm::function_ref<void(const llvm::Twine &)> warn) {
  Target host = llvm::cantFail(Target::parse("native"));
  auto progress = [&](size_t done, size_t count) {
    if (options.tuneProgress)
      options.tuneProgress(done, count);
  };
  auto deadline = Tuner::Clock::now() + std::chrono::duration_cast<Tuner::Clock::duration>(
                                            std::chrono::duration<double>(options.tuneSeconds));
  for (const std::unique_ptr<Tuner> &tuner : tuners) {
    const Target &target = tuner->targetCpu();
    SmallVector<StringRef> missing; // emulated code would run, but its times mean nothing
    for (const std::string &feature : target.features)
      if (!host.has(feature))
        missing.push_back(feature);
    // A library uses all that this machine has.
    bool isLibraryLike = missing.empty() && target.isa() == host.isa();
    if (library && isLibraryLike)
      tuner->measureWith(*library);
    else if (library && missing.empty())
      warn("a library's plans are not measured for " + target.cpu + ": this machine has " + host.isa());
    if (!missing.empty())
      warn("not tuned for " + target.cpu + ": this machine lacks " + llvm::join(missing, ", "));
    else if (failed(tuner->measure(function, deadline, progress)))
      return failure();
  }
  return success();
}

std::error_code Tuning::save() { return file.isOpen() ? file.finish(database.toText()) : std::error_code(); }

std::vector<ChoiceRecord> Tuning::records() const {
  std::vector<ChoiceRecord> all;
  for (const std::unique_ptr<Tuner> &tuner : tuners)
    llvm::append_range(all, tuner->records());
  return all;
}

} // namespace lathe
