//===- Bench.cpp - lathe bench --------------------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tools/lathe/Commands.h"
#include "tools/lathe/Output.h"
#include "tools/lathe/StatusLine.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;

double nowMs() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

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

Json profileJson(const lathe_call_profile_t &profile) {
  double ms = profile.runs ? 1e-6 * static_cast<double>(profile.total_ns) / static_cast<double>(profile.runs) : 0;
  Json nodes = Json::array();
  for (size_t i = 0; i < profile.node_count; ++i)
    nodes.push_back(profile.nodes[i]);
  return {{"name", profile.kernel},
          {"nodes", nodes},
          {"ms", ms},
          {"min_ms", 1e-6 * static_cast<double>(profile.min_ns)},
          {"gflops", ms > 0 ? profile.flops / ms * 1e-6 : 0},
          {"gbs", ms > 0 ? profile.bytes / ms * 1e-6 : 0}};
}

/// One entry per call, in the order of the calls.
Json profileRuns(Session &session, const std::vector<lathe_tensor_t> &inputs, double seconds, StatusLine &line) {
  check(lathe_session_set_profile(session.get(), 1));
  measure(session, inputs, seconds, {line, "measuring kernels", seconds});
  Json kernels = Json::array();
  for (size_t i = 0; i < lathe_session_call_count(session.get()); ++i) {
    lathe_call_profile_t profile = LATHE_CALL_PROFILE_INIT;
    check(lathe_session_profile(session.get(), i, &profile));
    kernels.push_back(profileJson(profile));
  }
  return kernels;
}

void printProfile(const Json &kernels) {
  std::vector<Json> sorted(kernels.begin(), kernels.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const Json &a, const Json &b) { return a["ms"] > b["ms"]; });
  double sum = 0;
  for (const Json &kernel : sorted)
    sum += kernel["ms"].get<double>();
  fmt::print("\n{:>9} {:>6} {:>8} {:>8}  {}\n", "ms", "%", "GFLOP/s", "GB/s", "kernel: nodes");
  for (const Json &kernel : sorted) {
    std::string nodes;
    for (const Json &node : kernel["nodes"])
      nodes += (nodes.empty() ? "" : ", ") + node.get<std::string>();
    double ms = kernel["ms"];
    fmt::print("{:9.4f} {:6.1f} {:8.1f} {:8.1f}  {}: {}\n", ms, sum > 0 ? 100 * ms / sum : 0,
               kernel["gflops"].get<double>(), kernel["gbs"].get<double>(), kernel["name"].get<std::string>(), nodes);
  }
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
    printProfile(result["kernels"]);
}

Json shapesJson(const Model &model, std::vector<HostTensor> &inputs) {
  Json shapes = Json::object();
  for (uint32_t i = 0; i < inputs.size(); ++i)
    shapes[model.program().inputs()->Get(i)->name()->str()] = inputs[i].shape;
  return shapes;
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
  if (options.profile)
    result["kernels"] = profileRuns(session, views, options.seconds / 2, line);
  line.clear();
  if (options.json.empty())
    print(result);
  else
    writeOutput(options.json, result.dump(2) + "\n");
  return Exit::Ok;
}

} // namespace lathe::cli
