//===- Trace.h - what threads did when --------------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_EXECUTOR_TRACE_H
#define LATHE_RUNTIME_EXECUTOR_TRACE_H

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lathe::runtime {

inline uint64_t nowNs() { return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()); }

/// See lathe_trace_event.
struct TraceEvent {
  uint64_t beginNs, endNs, run, tasks;
  uint32_t call, round, thread;
};

/// The first events of each thread, up to a number. Threads write to lists of
/// their own, so they don't wait for each other.
class Trace {
public:
  /// No events: tracing is off. Takes the memory of all events, so that
  /// recording allocates nothing.
  Trace(uint32_t threads, size_t maxEvents) : maxPerThread(maxEvents / threads), lists(maxEvents ? threads : 0) {
    for (List &list : lists)
      list.events.reserve(maxPerThread);
  }

  bool isOn() const { return !lists.empty(); }
  void beginRun() { ++runs; }

  void add(uint32_t thread, TraceEvent event) {
    std::vector<TraceEvent> &events = lists[thread].events;
    event.run = runs - 1;
    event.thread = thread;
    if (events.size() < maxPerThread)
      events.push_back(event);
  }

  size_t size() const {
    size_t sum = 0;
    for (const List &list : lists)
      sum += list.events.size();
    return sum;
  }
  /// Below size().
  const TraceEvent &operator[](size_t index) const {
    auto list = lists.begin();
    for (; index >= list->events.size(); ++list)
      index -= list->events.size();
    return list->events[index];
  }

private:
  struct alignas(64) List {
    std::vector<TraceEvent> events;
  };
  size_t maxPerThread;
  uint64_t runs = 0;
  std::vector<List> lists;
};

/// The events of a thread in a run: each begins where the one before ended.
/// Does nothing without a trace.
class TraceMark {
public:
  TraceMark(Trace *trace, uint32_t firstCall, uint32_t thread)
      : trace(trace), firstCall(firstCall), thread(thread), last(trace ? nowNs() : 0) {}

  /// The thread has done tasks of a call or, with none, waited.
  void end(uint32_t call, uint32_t round, int64_t tasks) {
    if (!trace)
      return;
    uint64_t now = nowNs();
    trace->add(thread, {last, now, 0, static_cast<uint64_t>(tasks), firstCall + call, round, 0});
    last = now;
  }

private:
  Trace *trace;
  uint32_t firstCall, thread;
  uint64_t last;
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_EXECUTOR_TRACE_H
