// Calls with rounds: each round sees all of the round before, on any threads.
#include "tests/unit/runtime/Check.h"

#include <thread>

using namespace lathe::test;
using namespace lathe::artifact;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Input of makeStepper and the result that it gives.
struct StepCase {
  StepCase(int64_t rounds, int64_t n) : shape{rounds, n} {
    for (int64_t i = 0; i < rounds * n; ++i) {
      x.push_back(i * i % 91);
      int64_t start = (i / n - 1) * n;
      int64_t sum = start < 0 ? 0 : expected[at(start + (i + 1) % n)] + 3 * expected[at(start + (i + n - 1) % n)];
      expected.push_back(x.back() + sum % 1000);
    }
  }
  static size_t at(int64_t i) { return static_cast<size_t>(i); }

  std::vector<int64_t> shape, x, expected;
};

std::string run(lathe_session_t *session, StepCase &given) {
  lathe_tensor_t input = tensorOf(given.x, given.shape, LATHE_I64), output = {};
  std::string text = textOf(lathe_session_run(session, &input, 1, &output, 1));
  if (text.empty() && output.size_bytes > 0) {
    const int64_t *data = static_cast<const int64_t *>(output.data);
    CHECK(std::vector<int64_t>(data, data + output.size_bytes / sizeof(int64_t)) == given.expected);
  }
  return text;
}

} // namespace

TEST_CASE("rounds: results at several sizes and thread counts") {
  Opened opened(makeStepper());
  for (uint32_t threads : {1u, 2u, 3u, 7u}) {
    SessionPtr session = makeSession(opened, threads);
    for (int64_t rounds : {1, 2, 100})
      for (int64_t n : {1, 2, 5, 64, 1000}) {
        StepCase given(rounds, n);
        for (int again = 0; again < 3; ++again)
          CHECK(run(session.get(), given) == "");
      }
  }
}

TEST_CASE("rounds: many short ones") {
  Opened opened(makeStepper());
  SessionPtr session = makeSession(opened, 2);
  StepCase given(20000, 4);
  CHECK(run(session.get(), given) == "");
}

TEST_CASE("rounds: threads of the host are asked once per round") {
  int64_t jobs = 0;
  lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
  options.threads = 3;
  options.pool_context = &jobs;
  options.parallel_for = runOnThreads;
  Opened opened(makeStepper());
  SessionPtr session = makeSession(opened, options);
  StepCase given(20, 50);
  CHECK(run(session.get(), given) == "");
  jobs = 0; // the first run checks the weights, too
  CHECK(run(session.get(), given) == "");
  CHECK(jobs == 20);
}

TEST_CASE("rounds: none, and none with tasks") {
  Opened opened(makeStepper());
  for (uint32_t threads : {1u, 2u}) {
    SessionPtr session = makeSession(opened, threads);
    for (auto [rounds, n] : {std::pair<int64_t, int64_t>{0, 5}, {5, 0}, {0, 0}}) {
      StepCase given(rounds, n);
      CHECK(run(session.get(), given) == "");
    }
  }
}

TEST_CASE("rounds: a failure inside of one ends the run and leaves the session usable") {
  Opened opened(makeStepper());
  for (uint32_t threads : {1u, 2u, 4u}) {
    SessionPtr session = makeSession(opened, threads);
    for (int64_t round : {0, 7, 29}) {
      StepCase given(30, 40), good(30, 40);
      given.x[StepCase::at(round * 40 + 23)] = -1;
      CHECK(run(session.get(), given) == "node 'steps': operand has an invalid value (kernel kernel6)");
      CHECK(run(session.get(), good) == "");
    }
  }
}

TEST_CASE("rounds: calls before and after wait for them") {
  // y = steps(x), z = steps(y) with the tensor between in the arena
  TestModel model = makeStepper();
  uint32_t bytes = model.program().buffers[1]->size, n = model.program().calls[0]->tasks;
  uint32_t between = model.addBuffer(BufferKind::Arena, 0, bytes);
  model.program().memory->arena_bytes = bytes;
  model.program().calls[0]->args[1] = between;
  model.addCall(TestKernel::StepRounds, {between, 1}, {n}, n, "again").rounds = model.program().calls[0]->rounds;
  Opened opened(model);
  StepCase first(25, 33), second(25, 33);
  second.x = first.expected;
  lathe_tensor_t output = {};
  SessionPtr one = makeSession(opened, 1), three = makeSession(opened, 3);
  lathe_tensor_t input = tensorOf(first.x, first.shape, LATHE_I64);
  REQUIRE(textOf(lathe_session_run(one.get(), &input, 1, &output, 1)) == "");
  const int64_t *data = static_cast<const int64_t *>(output.data);
  std::vector<int64_t> expected(data, data + 25 * 33);
  for (int again = 0; again < 50; ++again) {
    output = {};
    REQUIRE(textOf(lathe_session_run(three.get(), &input, 1, &output, 1)) == "");
    data = static_cast<const int64_t *>(output.data);
    CHECK(std::vector<int64_t>(data, data + 25 * 33) == expected);
  }
}

TEST_CASE("rounds: hostile counts are refused") {
  auto text = [](int64_t rounds, int64_t tasks) {
    TestModel model = makeStepper();
    model.program().calls[0]->rounds = model.constant(rounds);
    model.program().calls[0]->tasks = model.constant(tasks);
    Opened opened(model);
    SessionPtr session = makeSession(opened, 2);
    StepCase given(2, 3);
    return run(session.get(), given);
  };
  CHECK_THAT(text(-1, 3), ContainsSubstring("too large or negative"));
  CHECK_THAT(text(int64_t(1) << 31, 3), ContainsSubstring("too large or negative"));
  CHECK(text((int64_t(1) << 31) - 1, int64_t(1) << 40) == "sizes overflow for these input shapes");
}
