#include "compiler/search/Trial.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"

namespace lathe {

uint64_t sizeOf(llvm::StringRef path) {
  uint64_t bytes = 0;
  return llvm::sys::fs::file_size(path, bytes) ? 0 : bytes;
}

namespace {
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

TimedProgram Trial::timed(RunnableProgram &program) const { return {program, study.samples.front()}; }

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
  auto seconds = timeInTurns(timed(*reference), timed(*reference), 0);
  if (!seconds)
    return seconds.takeError();
  referenceSeconds = std::min((*seconds)[0], (*seconds)[1]);
  return Measured{0, 1, 1e3 * referenceSeconds, sizeOf(path)};
}

llvm::Expected<Measured> Trial::measure(llvm::StringRef path) {
  auto program = options.openProgram(path);
  if (!program)
    return program.takeError();
  auto error = errorOf(path, **program);
  if (!error)
    return error.takeError();
  constexpr double timedSeconds = 1.5;
  auto seconds = timeInTurns(timed(*reference), timed(**program), timedSeconds);
  if (!seconds)
    return seconds.takeError();
  referenceSeconds = std::min(referenceSeconds, (*seconds)[0]);
  double ratio = (*seconds)[1] / (*seconds)[0];
  return Measured{*error, ratio, 1e3 * ratio * referenceSeconds, sizeOf(path)};
}

llvm::Expected<std::vector<double>> Trial::nodeTimes(llvm::StringRef path) {
  constexpr double profiledSeconds = 0.5; // moments when other processes run don't count then
  auto program = options.openProgram(path);
  if (!program)
    return program.takeError();
  auto calls = (*program)->profile(study.samples.front(), profiledSeconds);
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
