#include "compiler/search/Trial.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include <chrono>

namespace lathe {

namespace {
uint64_t sizeOf(llvm::StringRef path) {
  uint64_t bytes = 0;
  return llvm::sys::fs::file_size(path, bytes) ? 0 : bytes;
}

/// The part of a call's time that belongs to each of the study's nodes in it.
llvm::StringMap<double> timesByName(llvm::ArrayRef<CallTime> calls, const llvm::StringMap<size_t> &counts) {
  llvm::StringMap<double> times;
  for (const CallTime &call : calls) {
    size_t known = llvm::count_if(call.nodes, [&](const std::string &name) { return counts.contains(name); });
    for (const std::string &name : call.nodes)
      if (counts.contains(name))
        times[name] += call.nanoseconds / double(known);
  }
  return times;
}
} // namespace

llvm::Expected<double> Trial::runMilliseconds(RunnableProgram &program) {
  auto start = std::chrono::steady_clock::now();
  if (llvm::Error error = program.run(study.samples.front(), [](auto...) {}))
    return std::move(error);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// In turns, so that what else the machine does falls on both.
llvm::Expected<double> Trial::timeRatio(RunnableProgram &program) {
  constexpr double seconds = 1.5;
  constexpr int leastRounds = 5;
  double own = 1e300, other = 1e300;
  auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (int round = 0; round < leastRounds || std::chrono::steady_clock::now() < end; ++round) {
    auto first = runMilliseconds(*reference);
    if (!first)
      return first.takeError();
    auto second = runMilliseconds(program);
    if (!second)
      return second.takeError();
    other = std::min(other, *first), own = std::min(own, *second);
  }
  referenceMs = std::min(referenceMs, other);
  return own / other;
}

llvm::Expected<double> Trial::errorOf(llvm::StringRef path, RunnableProgram &program) {
  if (options.askError)
    return options.askError(path);
  auto actual = runAll(program, study.samples, study.isFloatOutput);
  if (!actual)
    return actual.takeError();
  return outputError(*parseErrorMetric(options.errorMetric), expected, *actual);
}

llvm::Expected<Measured> Trial::openReference(llvm::StringRef path) {
  auto program = options.openProgram(path);
  if (!program)
    return program.takeError();
  reference = std::move(*program);
  auto outputs = runAll(*reference, study.samples, study.isFloatOutput);
  if (!outputs)
    return outputs.takeError();
  expected = std::move(*outputs);
  auto time = runMilliseconds(*reference);
  if (!time)
    return time.takeError();
  referenceMs = *time;
  return Measured{0, 1, referenceMs, sizeOf(path)};
}

llvm::Expected<Measured> Trial::measure(llvm::StringRef path) {
  auto program = options.openProgram(path);
  if (!program)
    return program.takeError();
  auto error = errorOf(path, **program);
  if (!error)
    return error.takeError();
  auto ratio = timeRatio(**program);
  if (!ratio)
    return ratio.takeError();
  return Measured{*error, *ratio, *ratio * referenceMs, sizeOf(path)};
}

llvm::Expected<std::vector<double>> Trial::nodeTimes(llvm::StringRef path) {
  constexpr size_t runs = 5;
  auto program = options.openProgram(path);
  if (!program)
    return program.takeError();
  auto calls = (*program)->profile(study.samples.front(), runs);
  if (!calls)
    return calls.takeError();
  llvm::StringMap<size_t> counts;
  for (const QuantizationStudy::Node &node : study.nodes)
    ++counts[node.name];
  llvm::StringMap<double> times = timesByName(*calls, counts);
  std::vector<double> result;
  for (const QuantizationStudy::Node &node : study.nodes)
    result.push_back(times.lookup(node.name) / double(counts[node.name]));
  return result;
}

} // namespace lathe
