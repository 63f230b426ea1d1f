// Calls that join others: the same results on any threads, however long they are.
#include "tests/unit/runtime/Check.h"

#include <catch2/matchers/catch_matchers_string.hpp>
#include <thread>

using namespace lathe::test;
using namespace lathe::artifact;

namespace {

/// y[n] = (a + a) + (b + b): two calls that run together, and one that needs both. The numbers are what each of the two
/// claims to move, by which the runtime chooses threads and slices.
TestModel makeBranches(int64_t firstBytes, int64_t secondBytes) {
  TestModel model;
  uint32_t n = model.symbol(model.addInputDim("n", 0, 0));
  uint32_t bytes = model.expr({{ExprCode::Ref, n}, {ExprCode::Const, 4}, {ExprCode::Mul}});
  model.addInput("a", DType::F32, {n});
  model.addInput("b", DType::F32, {n});
  model.addOutput("y", DType::F32, {n});
  uint32_t a = model.addBuffer(BufferKind::Input, 0, bytes), b = model.addBuffer(BufferKind::Input, 1, bytes);
  uint32_t y = model.addBuffer(BufferKind::Output, 0, bytes);
  uint32_t left = model.addBuffer(BufferKind::Late, 0, bytes), right = model.addBuffer(BufferKind::Late, 0, bytes);
  model.addCall(TestKernel::Add, {a, a, left}, {}, n, "left").bytes = model.constant(firstBytes);
  CallT &second = model.addCall(TestKernel::Add, {b, b, right}, {}, n, "right");
  second.bytes = model.constant(secondBytes);
  second.joins = true;
  model.addCall(TestKernel::Add, {left, right, y}, {}, n, "sum");
  return model;
}

std::string run(lathe_session_t *session, int64_t n) {
  std::vector<float> a, b, expected;
  for (int64_t i = 0; i < n; ++i) {
    a.push_back(static_cast<float>(i % 17));
    b.push_back(static_cast<float>(i % 23));
    expected.push_back(2 * a.back() + 2 * b.back());
  }
  std::vector<int64_t> shape = {n};
  lathe_tensor_t inputs[] = {tensorOf(a, shape, LATHE_F32), tensorOf(b, shape, LATHE_F32)}, output = {};
  std::string text = textOf(lathe_session_run(session, inputs, 2, &output, 1));
  if (text.empty()) {
    const float *data = static_cast<const float *>(output.data);
    CHECK(std::vector<float>(data, data + n) == expected);
  }
  return text;
}

} // namespace

TEST_CASE("groups: results at several sizes, lengths and thread counts") {
  for (auto [first, second] : {std::pair<int64_t, int64_t>{0, 0},
                               {100, 100},
                               {60000, 60000},
                               {60000, 9000},
                               {0, 60000},
                               {60000, 10000000},
                               {10000000, 10000000},
                               {INT64_MAX, 1}}) {
    Opened opened(makeBranches(first, second));
    for (uint32_t threads : {1u, 2u, 3u, 7u}) {
      SessionPtr session = makeSession(opened, threads);
      for (int64_t n : {0, 1, 2, 5, 64, 1000})
        for (int again = 0; again < 20; ++again)
          CHECK(run(session.get(), n) == "");
    }
  }
}

TEST_CASE("groups: threads of the host are asked once per group") {
  int64_t jobs = 0;
  lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
  options.threads = 3;
  options.pool_context = &jobs;
  options.parallel_for = runOnThreads;
  Opened opened(makeBranches(60000, 60000));
  SessionPtr session = makeSession(opened, options);
  CHECK(run(session.get(), 50) == "");
  jobs = 0; // the first run checks the weights, too
  CHECK(run(session.get(), 50) == "");
  CHECK(jobs == 2);
}

TEST_CASE("groups: two short calls are done by two threads") {
  Opened opened(makeBranches(60000, 60000));
  lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
  options.threads = 2;
  int64_t jobs = 0;
  options.pool_context = &jobs;
  options.parallel_for = runOnThreads;
  SessionPtr session = makeSession(opened, options);
  REQUIRE(textOf(lathe_session_set_trace(session.get(), 100)) == "");
  CHECK(run(session.get(), 50) == "");
  uint64_t tasks[2][2] = {};
  for (size_t i = 0; i < lathe_session_trace_count(session.get()); ++i) {
    lathe_trace_event_t event = LATHE_TRACE_EVENT_INIT;
    REQUIRE(textOf(lathe_session_trace(session.get(), i, &event)) == "");
    if (event.call < 2)
      tasks[event.call][event.thread] += event.tasks;
  }
  CHECK(tasks[0][0] == 50);
  CHECK(tasks[1][1] == 50);
}

TEST_CASE("groups: profiles count each call") {
  lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
  options.threads = 2;
  options.profile = 1;
  Opened opened(makeBranches(60000, 60000));
  SessionPtr session = makeSession(opened, options);
  for (int again = 0; again < 5; ++again)
    CHECK(run(session.get(), 500) == "");
  for (size_t call = 0; call < 3; ++call) {
    lathe_call_profile_t profile = LATHE_CALL_PROFILE_INIT;
    REQUIRE(textOf(lathe_session_profile(session.get(), call, &profile)) == "");
    CHECK(profile.runs == 5);
  }
}

TEST_CASE("groups: the first call of a program or stage, and rounds, join nothing") {
  TestModel stepper = makeStepper();
  stepper.program().calls[0]->joins = true;
  TestModel late = makeNonZero();
  for (auto &call : late.program().calls)
    call->joins = true;
  TestModel branches = makeBranches(60000, 60000);
  branches.program().calls[0]->joins = true;
  branches.program().calls[0]->rounds = branches.constant(1);
  Opened opened(branches), lateOpened(late), stepperOpened(stepper);
  for (uint32_t threads : {1u, 3u}) {
    SessionPtr session = makeSession(opened, threads);
    CHECK(run(session.get(), 77) == "");
    SessionPtr lateSession = makeSession(lateOpened, threads);
    std::vector<int64_t> x = {0, 3, 0, 0, 7}, shape = {5}, y(20), sizes = {4, 5};
    lathe_tensor_t input = tensorOf(x, shape, LATHE_I64), output = {};
    // find and check join each other, which is wrong: any result will do, but no crash
    textOf(lathe_session_run(lateSession.get(), &input, 1, &output, 1));
    SessionPtr stepperSession = makeSession(stepperOpened, threads);
    lathe_tensor_t steps = tensorOf(y, sizes, LATHE_I64);
    output = {};
    CHECK(textOf(lathe_session_run(stepperSession.get(), &steps, 1, &output, 1)) == "");
  }
}
