// Traces: what threads did when.
#include "tests/unit/runtime/Check.h"

#include <map>

using namespace lathe::test;
using namespace lathe::artifact;

namespace {

constexpr int64_t rounds = 6, n = 9000; // enough work for several threads

std::vector<lathe_trace_event_t> eventsOf(const lathe_session_t *session) {
  std::vector<lathe_trace_event_t> events(lathe_session_trace_count(session), LATHE_TRACE_EVENT_INIT);
  for (size_t i = 0; i < events.size(); ++i)
    REQUIRE(textOf(lathe_session_trace(session, i, &events[i])) == "");
  return events;
}

void runSteps(lathe_session_t *session) {
  std::vector<int64_t> x(rounds * n, 1), shape = {rounds, n};
  lathe_tensor_t input = tensorOf(x, shape, LATHE_I64), output = {};
  REQUIRE(textOf(lathe_session_run(session, &input, 1, &output, 1)) == "");
}

void runSerially(void *, size_t count, lathe_task_fn task, void *data) {
  for (size_t i = 0; i < count; ++i)
    task(data, i);
}

} // namespace

TEST_CASE("trace: every task of each round is in one event") {
  Opened opened(makeStepper());
  for (uint32_t threads : {1u, 2u, 3u})
    for (bool isHosted : {false, true}) {
      lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
      options.threads = threads;
      options.parallel_for = isHosted ? runSerially : nullptr;
      SessionPtr session = makeSession(opened, options);
      REQUIRE(textOf(lathe_session_set_trace(session.get(), 1000)) == "");
      runSteps(session.get());
      runSteps(session.get());
      std::map<std::pair<uint64_t, uint32_t>, uint64_t> tasks; // by run and round
      for (const lathe_trace_event_t &event : eventsOf(session.get())) {
        CHECK(event.call == 0);
        CHECK(event.thread < threads);
        tasks[{event.run, threads == 1 ? 0 : event.round}] += event.tasks;
      }
      REQUIRE(tasks.size() == (threads == 1 ? 2 : 2 * rounds));
      for (auto [key, count] : tasks)
        CHECK(count == static_cast<uint64_t>(threads == 1 ? rounds * n : n));
    }
}

TEST_CASE("trace: events of a thread don't overlap") {
  Opened opened(makeStepper());
  SessionPtr session = makeSession(opened, 3);
  REQUIRE(textOf(lathe_session_set_trace(session.get(), 1000)) == "");
  for (int i = 0; i < 5; ++i)
    runSteps(session.get());
  std::vector<lathe_trace_event_t> events = eventsOf(session.get());
  for (size_t i = 0; i < events.size(); ++i) {
    CHECK(events[i].begin_ns <= events[i].end_ns);
    if (i > 0 && events[i].thread == events[i - 1].thread) {
      CHECK(events[i - 1].end_ns <= events[i].begin_ns);
      CHECK(events[i - 1].run <= events[i].run);
    } else if (i > 0) {
      CHECK(events[i - 1].thread < events[i].thread);
    }
  }
}

TEST_CASE("trace: calls are numbered as in the profile, later stages too") {
  Opened opened(makeNonZero());
  SessionPtr session = makeSession(opened, 2);
  REQUIRE(textOf(lathe_session_set_trace(session.get(), 100)) == "");
  std::vector<int64_t> x = {0, 1, 2}, shape = {3};
  lathe_tensor_t input = tensorOf(x, shape, LATHE_I64), output = {};
  REQUIRE(textOf(lathe_session_run(session.get(), &input, 1, &output, 1)) == "");
  std::map<uint32_t, uint64_t> tasks; // by call
  for (const lathe_trace_event_t &event : eventsOf(session.get()))
    tasks[event.call] += event.tasks;
  CHECK(tasks == std::map<uint32_t, uint64_t>{{0, 1}, {1, 1}, {2, 2}});
}

TEST_CASE("trace: bounded, off, on again") {
  Opened opened(makeStepper());
  SessionPtr session = makeSession(opened, 1);
  runSteps(session.get());
  CHECK(lathe_session_trace_count(session.get()) == 0);
  REQUIRE(textOf(lathe_session_set_trace(session.get(), 3)) == "");
  for (int i = 0; i < 5; ++i)
    runSteps(session.get());
  CHECK(eventsOf(session.get()).size() == 3);
  CHECK(eventsOf(session.get())[2].run == 2);
  lathe_trace_event_t event = LATHE_TRACE_EVENT_INIT;
  CHECK(textOf(lathe_session_trace(session.get(), 3, &event)) == "expects an event below 3, got 3");
  CHECK(textOf(lathe_session_set_trace(session.get(), SIZE_MAX)) ==
        "expects at most 268435456 events, got 18446744073709551615");
  REQUIRE(textOf(lathe_session_set_trace(session.get(), 0)) == "");
  runSteps(session.get());
  CHECK(lathe_session_trace_count(session.get()) == 0);
}

TEST_CASE("profile: weights and threads of a call") {
  TestModel model = makeAdder(1024);
  for (auto &call : model.program().calls)
    call->bytes = model.constant(1 << 20);
  Opened opened(model);
  SessionPtr session = makeSession(opened, 2);
  std::vector<float> data(1024);
  std::vector<int64_t> shape = {1, 1024};
  lathe_tensor_t inputs[] = {tensorOf(data, shape, LATHE_F32), tensorOf(data, shape, LATHE_F32)}, output = {};
  REQUIRE(textOf(lathe_session_run(session.get(), inputs, 2, &output, 1)) == "");
  lathe_call_profile_t add = LATHE_CALL_PROFILE_INIT, addRow = LATHE_CALL_PROFILE_INIT;
  REQUIRE(textOf(lathe_session_profile(session.get(), 0, &add)) == "");
  REQUIRE(textOf(lathe_session_profile(session.get(), 1, &addRow)) == "");
  CHECK(add.weight_bytes == 0);
  CHECK(addRow.weight_bytes == 4096);
  CHECK(addRow.bytes == 1 << 20);
  CHECK(add.threads >= 1);
  CHECK(add.threads <= 2);
}
