#include "compiler/report/CompileReport.h"
#include "llvm/Support/JSON.h"
#include <sys/resource.h>

namespace lathe {

int64_t peakResidentBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t(usage.ru_maxrss) * 1024;
}

namespace {
using llvm::json::Array;
using llvm::json::Object;

Array phasesJson(const CompileReport &report) {
  Array phases;
  for (const CompileReport::Phase &phase : report.phases)
    phases.push_back(Object{{"name", phase.name}, {"seconds", phase.seconds}});
  return phases;
}

Array programsJson(const CompileReport &report) {
  Array programs;
  for (const CompileReport::Program &program : report.programs)
    programs.push_back(Object{{"cpu", program.cpu},
                              {"isa", program.isa},
                              {"kernels", program.kernels},
                              {"calls", program.calls},
                              {"code_bytes", program.codeBytes},
                              {"arena_bytes", program.arenaBytes},
                              {"lower_bound_bytes", program.lowerBoundBytes},
                              {"no_reuse_bytes", program.noReuseBytes},
                              {"has_symbolic_sizes", program.hasSymbolicSizes}});
  return programs;
}

Array decisionsJson(const CompileReport &report) {
  Array decisions;
  for (const Decision &decision : report.decisions)
    decisions.push_back(Object{
        {"node", decision.node}, {"what", decision.what}, {"taken", decision.taken}, {"reason", decision.reason}});
  return decisions;
}

llvm::StringRef sourceName(ChoiceRecord::Source source) {
  static constexpr llvm::StringRef names[] = {"model", "database", "measured"};
  return names[source];
}

Array choicesJson(const CompileReport &report) {
  Array choices;
  for (const ChoiceRecord &record : report.choices) {
    Array times;
    for (const ChoiceRecord::Time &time : record.times)
      times.push_back(Object{{"choice", time.choice}, {"us", time.us}});
    choices.push_back(Object{{"cpu", record.cpu},
                             {"operation", record.operation},
                             {"nodes", Array(record.nodes)},
                             {"choice", record.choice},
                             {"from", sourceName(record.source)},
                             {"note", record.note},
                             {"measured", std::move(times)}});
  }
  return choices;
}
} // namespace

std::string CompileReport::toJson() const {
  Object root{{"model", model},
              {"model_bytes", modelBytes},
              {"peak_rss_bytes", peakResidentBytes()},
              {"phases", phasesJson(*this)},
              {"programs", programsJson(*this)},
              {"file_bytes", int64_t(sizes.fileBytes)},
              {"manifest_bytes", int64_t(sizes.manifestBytes)},
              {"code_bytes", int64_t(sizes.codeBytes)},
              {"weights_bytes", int64_t(sizes.weightsBytes)},
              {"choices", choicesJson(*this)},
              {"decisions", decisionsJson(*this)}};
  if (auto accuracy = llvm::json::parse(accuracyJson))
    root["accuracy"] = std::move(*accuracy);
  else
    llvm::consumeError(accuracy.takeError()); // there is none
  std::string text;
  llvm::raw_string_ostream out(text);
  out << llvm::formatv("{0:2}", llvm::json::Value(std::move(root))) << "\n";
  return text;
}

} // namespace lathe
