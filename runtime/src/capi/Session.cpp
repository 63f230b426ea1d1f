//===- Session.cpp - C API: sessions --------------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/session/Session.h"

#include "runtime/src/capi/Guard.h"
#include "runtime/src/capi/Handles.h"

#include <algorithm>

using namespace lathe;
using namespace lathe::runtime;

/// More than any machine has; more is a mistake.
static constexpr uint32_t maxThreads = 4096;
static constexpr size_t maxTraceEvents = size_t(1) << 28;

static lathe_session_options_t readOptions(const lathe_session_options_t *given) {
  lathe_session_options_t options = readStruct(given, "options");
  if (options.threads > maxThreads)
    fail(LATHE_INVALID_ARGUMENT, "expects at most {} threads, got {}", maxThreads, options.threads);
  if (!options.allocate != !options.deallocate)
    fail(LATHE_INVALID_ARGUMENT, "expects both 'allocate' and 'deallocate', or none");
  if (reinterpret_cast<uintptr_t>(options.arena) % LATHE_BUFFER_ALIGNMENT != 0)
    fail(LATHE_INVALID_ARGUMENT, "expects 'arena' to be aligned to {} bytes", LATHE_BUFFER_ALIGNMENT);
  return options;
}

lathe_status_t *lathe_session_create(const lathe_artifact_t *artifact, const lathe_session_options_t *options,
                                     lathe_session_t **out_session) {
  return guard([&] {
    require(artifact, "artifact");
    require(out_session, "out_session");
    if (!artifact->artifact->isRunnable())
      fail(LATHE_INVALID_ARGUMENT, "the artifact was opened to inspect only");
    *out_session = new lathe_session{Session(artifact->artifact, readOptions(options))};
  });
}

void lathe_session_destroy(lathe_session_t *session) { delete session; }

static void requireTensors(const lathe_session_t *session, const void *inputs, size_t inputCount, const void *outputs,
                           size_t outputCount) {
  require(session, "session");
  if (inputCount)
    require(inputs, "inputs");
  if (outputCount)
    require(outputs, "outputs");
}

lathe_status_t *lathe_session_run(lathe_session_t *session, const lathe_tensor_t *inputs, size_t input_count,
                                  lathe_tensor_t *outputs, size_t output_count) {
  return guard([&] {
    requireTensors(session, inputs, input_count, outputs, output_count);
    session->session.run({inputs, input_count}, {outputs, output_count});
  });
}

lathe_status_t *lathe_session_prepare(lathe_session_t *session, const lathe_tensor_t *inputs, size_t input_count,
                                      lathe_tensor_t *outputs, size_t output_count) {
  return guard([&] {
    requireTensors(session, inputs, input_count, outputs, output_count);
    session->session.prepare({inputs, input_count}, {outputs, output_count});
  });
}

uint32_t lathe_session_threads(const lathe_session_t *session) { return session ? session->session.threads() : 0; }

lathe_status_t *lathe_session_set_profile(lathe_session_t *session, int enabled) {
  return guard([&] {
    require(session, "session");
    session->session.setProfile(enabled != 0);
  });
}

size_t lathe_session_call_count(const lathe_session_t *session) {
  return session ? session->session.artifact().program().calls()->size() : 0;
}

/// Bytes of the weights among the arguments of a call.
static double weightBytes(const Session &session, const artifact::Call &call) {
  double sum = 0;
  for (uint32_t i = 0; call.args() && i < call.args()->size(); ++i) {
    const artifact::Buffer &buffer = *session.artifact().program().buffers()->Get(call.args()->Get(i));
    if (buffer.kind() == artifact::BufferKind::Weights)
      sum += session.lastValue(buffer.size());
  }
  return sum;
}

lathe_status_t *lathe_session_profile(const lathe_session_t *session, size_t call, lathe_call_profile_t *out_profile) {
  return guard([&] {
    require(session, "session");
    size_t count = lathe_session_call_count(session);
    if (call >= count)
      fail(LATHE_INVALID_ARGUMENT, "expects a call below {}, got {}", count, call);
    const Session &running = session->session;
    uint32_t number = static_cast<uint32_t>(call);
    const artifact::Program &program = running.artifact().program();
    const artifact::Call &entry = *program.calls()->Get(number);
    std::span<const char *const> nodes = running.callNodes(number);
    CallTime time = running.callTimes().empty() ? CallTime() : running.callTimes()[call];
    lathe_call_profile_t profile = LATHE_CALL_PROFILE_INIT;
    profile.kernel = program.kernels()->Get(entry.kernel())->name()->c_str();
    profile.nodes = nodes.data();
    profile.node_count = nodes.size();
    profile.runs = time.runs;
    profile.total_ns = time.totalNs;
    profile.min_ns = time.minNs;
    profile.flops = running.lastValue(entry.flops());
    profile.bytes = running.lastValue(entry.bytes());
    profile.weight_bytes = std::min(profile.bytes, weightBytes(running, entry));
    profile.threads = running.lastThreads(number);
    writeStruct(profile, out_profile, "out_profile");
  });
}

lathe_status_t *lathe_session_set_trace(lathe_session_t *session, size_t max_events) {
  return guard([&] {
    require(session, "session");
    if (max_events > maxTraceEvents)
      fail(LATHE_INVALID_ARGUMENT, "expects at most {} events, got {}", maxTraceEvents, max_events);
    session->session.setTrace(max_events);
  });
}

size_t lathe_session_trace_count(const lathe_session_t *session) {
  return session ? session->session.trace().size() : 0;
}

lathe_status_t *lathe_session_trace(const lathe_session_t *session, size_t index, lathe_trace_event_t *out_event) {
  return guard([&] {
    require(session, "session");
    size_t count = lathe_session_trace_count(session);
    if (index >= count)
      fail(LATHE_INVALID_ARGUMENT, "expects an event below {}, got {}", count, index);
    const TraceEvent &event = session->session.trace()[index];
    lathe_trace_event_t result = {sizeof(result), event.beginNs, event.endNs, event.run,
                                  event.tasks,    event.call,    event.round, event.thread};
    writeStruct(result, out_event, "out_event");
  });
}

lathe_status_t *lathe_session_set_observer(lathe_session_t *session, lathe_observer_fn observer, void *context) {
  return guard([&] {
    require(session, "session");
    session->session.setObserver({observer, context});
  });
}
