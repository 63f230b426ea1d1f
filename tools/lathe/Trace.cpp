//===- Trace.cpp - what threads did, for trace viewers --------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tools/lathe/Trace.h"

#include "tools/lathe/Clock.h"

#include <fmt/format.h>

namespace lathe::cli {

using Json = nlohmann::ordered_json;

namespace {

constexpr size_t maxEvents = 1 << 20;
/// Viewers show threads in the order of their numbers: inferences first.
constexpr uint32_t inferenceTrack = 0;

Json nameEvent(const char *what, uint32_t track, const std::string &name) {
  return {{"name", what}, {"ph", "M"}, {"pid", 1}, {"tid", track}, {"args", {{"name", name}}}};
}

Json completeEvent(const std::string &name, const char *category, uint32_t track, double begin, double end) {
  return {{"name", name}, {"cat", category}, {"ph", "X"},         {"pid", 1},
          {"tid", track}, {"ts", begin},     {"dur", end - begin}};
}

class Writer {
public:
  Writer(Session &session, double originUs) : session(session), originUs(originUs) {
    events.push_back(nameEvent("process_name", 0, "lathe"));
    events.push_back(nameEvent("thread_name", inferenceTrack, "inferences"));
    for (uint32_t thread = 0; thread < lathe_session_threads(session.get()); ++thread)
      events.push_back(nameEvent("thread_name", thread + 1, fmt::format("thread {}", thread)));
  }

  void addInference(int number, double beginUs, double endUs) {
    events.push_back(completeEvent(fmt::format("inference {}", number), "inference", inferenceTrack, beginUs - originUs,
                                   endUs - originUs));
  }

  void addEvents() {
    for (size_t i = 0; i < lathe_session_trace_count(session.get()); ++i) {
      lathe_trace_event_t event = LATHE_TRACE_EVENT_INIT;
      check(lathe_session_trace(session.get(), i, &event));
      add(event);
    }
  }

  Json take() { return {{"displayTimeUnit", "ns"}, {"traceEvents", std::move(events)}}; }

private:
  void add(const lathe_trace_event_t &event) {
    lathe_call_profile_t call = LATHE_CALL_PROFILE_INIT;
    check(lathe_session_profile(session.get(), event.call, &call));
    Json args = {{"call", event.call}, {"round", event.round}, {"inference", event.run}};
    if (event.tasks) {
      args["tasks"] = event.tasks;
      args["nodes"] = std::vector<std::string>(call.nodes, call.nodes + call.node_count);
    }
    events.push_back(completeEvent(event.tasks ? call.kernel : "wait", event.tasks ? "kernel" : "wait",
                                   event.thread + 1, 1e-3 * static_cast<double>(event.begin_ns) - originUs,
                                   1e-3 * static_cast<double>(event.end_ns) - originUs));
    events.back()["args"] = std::move(args);
  }

  Session &session;
  double originUs;
  Json events = Json::array();
};

} // namespace

Json traceRuns(Session &session, const std::vector<lathe_tensor_t> &inputs, int runs) {
  check(lathe_session_set_trace(session.get(), maxEvents));
  std::vector<double> times;
  for (int run = 0; run < runs; ++run) {
    times.push_back(1e3 * nowMs());
    session.run(inputs);
    times.push_back(1e3 * nowMs());
  }
  Writer writer(session, times.front());
  for (int run = 0; run < runs; ++run)
    writer.addInference(run, times[2 * static_cast<size_t>(run)], times[2 * static_cast<size_t>(run) + 1]);
  writer.addEvents();
  check(lathe_session_set_trace(session.get(), 0));
  return writer.take();
}

} // namespace lathe::cli
