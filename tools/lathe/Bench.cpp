//===- Bench.cpp - lathe bench --------------------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tools/lathe/Clock.h"
#include "tools/lathe/Commands.h"
#include "tools/lathe/Html.h"
#include "tools/lathe/InspectJson.h"
#include "tools/lathe/Output.h"
#include "tools/lathe/Profile.h"
#include "tools/lathe/StatusLine.h"
#include "tools/lathe/Trace.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Inferences of a trace: enough to see what repeats.
constexpr int tracedRuns = 5;

double quantile(const std::vector<double> &sorted, double q) {
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(q * static_cast<double>(sorted.size())))];
}

uint64_t peakResidentBytes() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

/// Says now and then how far a measurement is; writing takes place between the measured runs.
class MeasureProgress {
public:
  MeasureProgress(StatusLine &line, std::string what, double seconds)
      : line(line), what(std::move(what)), seconds(seconds), startMs(nowMs()) {}

  void update(size_t runs) {
    double now = nowMs();
    if (!line.isVisible() || now < nextMs)
      return;
    nextMs = now + 200;
    line.show(fmt::format("{}: {:.1f} of {:.1f} s, {} runs", what, 1e-3 * (now - startMs), seconds, runs));
  }

private:
  StatusLine &line;
  std::string what;
  double seconds, startMs, nextMs = 0;
};

/// Runs for the given time, and three times at least.
std::vector<double> measure(Session &session, const std::vector<lathe_tensor_t> &inputs, double seconds,
                            MeasureProgress progress) {
  std::vector<double> times;
  double end = nowMs() + 1000 * seconds;
  while (times.size() < 3 || nowMs() < end) {
    progress.update(times.size());
    double start = nowMs();
    session.run(inputs);
    times.push_back(nowMs() - start);
  }
  std::sort(times.begin(), times.end());
  return times;
}

void print(const Json &result) {
  fmt::print("load {:.3f} ms, first run {:.3f} ms\n", result["load_ms"].get<double>(),
             result["first_ms"].get<double>());
  fmt::print("min {:.4f} ms, median {:.4f} ms, p99 {:.4f} ms ({} runs, {} threads)\n", result["min_ms"].get<double>(),
             result["median_ms"].get<double>(), result["p99_ms"].get<double>(), result["runs"].get<size_t>(),
             result["threads"].get<uint32_t>());
  fmt::print("arena {:.2f} MB, peak resident {:.2f} MB\n", 1e-6 * result["arena_bytes"].get<double>(),
             1e-6 * result["peak_rss_bytes"].get<double>());
  if (result.contains("kernels"))
    printProfile(result);
}

Json shapesJson(const Model &model, std::vector<HostTensor> &inputs) {
  Json shapes = Json::object();
  for (uint32_t i = 0; i < inputs.size(); ++i)
    shapes[model.program().inputs()->Get(i)->name()->str()] = inputs[i].shape;
  return shapes;
}

/// What was asked for beside the times of whole runs.
void addDetails(Json &result, const BenchOptions &options, Session &session, const std::vector<lathe_tensor_t> &inputs,
                StatusLine &line) {
  uint32_t threads = lathe_session_threads(session.get());
  if (options.profile || !options.html.empty()) {
    line.show("measuring the machine");
    limits::MachineLimits limits =
        options.limits.empty() ? limits::measureQuickly(threads) : readLimits(options.limits, threads);
    MeasureProgress progress(line, "measuring kernels", options.seconds);
    addProfile(result, session, inputs, options.seconds, limits, [&](size_t runs) { progress.update(runs); });
  }
  if (!options.trace.empty())
    writeOutput(options.trace, dumpJson(traceRuns(session, inputs, tracedRuns), -1) + "\n");
}

} // namespace

Exit benchModel(const BenchOptions &options) {
  StatusLine line;
  line.show("loading");
  double start = nowMs();
  Model model(options.model);
  lathe_session_options_t sessionOptions = LATHE_SESSION_OPTIONS_INIT;
  sessionOptions.threads = options.threads;
  Session session(model.artifact(), sessionOptions);
  double loadMs = nowMs() - start;

  std::vector<HostTensor> inputs = makeInputs(model, chooseSizes(model, options.sizes, {}), 0);
  std::vector<lathe_tensor_t> views = viewsOf(inputs);
  line.show("first run");
  start = nowMs();
  session.run(views);
  double firstMs = nowMs() - start;
  std::vector<double> times = measure(session, views, options.seconds, {line, "measuring", options.seconds});

  Json result = {{"model", options.model},
                 {"threads", lathe_session_threads(session.get())},
                 {"shapes", shapesJson(model, inputs)},
                 {"load_ms", loadMs},
                 {"first_ms", firstMs},
                 {"min_ms", times.front()},
                 {"median_ms", quantile(times, 0.5)},
                 {"p99_ms", quantile(times, 0.99)},
                 {"runs", times.size()},
                 {"arena_bytes", model.artifact().memory(views).arena_bytes},
                 {"peak_rss_bytes", peakResidentBytes()}};
  addDetails(result, options, session, views, line);
  line.clear();
  if (!options.html.empty())
    writeOutput(options.html, makePage(describeMeasured(options.model, result, {})));
  if (options.json.empty())
    print(result);
  else
    writeOutput(options.json, dumpJson(result, 2) + "\n");
  return Exit::Ok;
}

} // namespace lathe::cli
