// Observers: told of each call, and able to put other values in place of what it wrote.
#include "tests/unit/runtime/Check.h"

using namespace lathe::test;
using namespace lathe::artifact;

namespace {

constexpr int64_t width = 4;

/// y = (a + b) + (1, 2, 3, 4); the sum before is known as the value of add_1, in an order of its own.
TestModel makeObserved() {
  TestModel model = makeAdder(width);
  auto value = std::make_unique<CallValueT>();
  value->arg = 2;
  value->node = "add_1";
  value->scale = 0.5;
  value->zero_point = 3;
  value->order = {1, 0};
  model.program().calls[0]->values.push_back(std::move(value));
  return model;
}

struct Seen {
  std::vector<size_t> calls;
  std::vector<std::vector<lathe_call_value_t>> values;
  std::vector<float> sum; ///< what add_1 wrote
  float overwrite = 0;    ///< if not 0, all of it becomes this
};

void observe(void *context, size_t call, const lathe_call_value_t *values, size_t count) {
  Seen &seen = *static_cast<Seen *>(context);
  seen.calls.push_back(call);
  seen.values.emplace_back(values, values + count);
  for (size_t i = 0; i < count; ++i) {
    if (!values[i].node)
      continue;
    float *data = static_cast<float *>(values[i].data);
    seen.sum.assign(data, data + values[i].size_bytes / sizeof(float));
    if (seen.overwrite != 0)
      std::fill(data, data + values[i].size_bytes / sizeof(float), seen.overwrite);
  }
}

std::vector<float> runAdder(lathe_session_t *session) {
  std::vector<float> a = {1, 2, 3, 4, 5, 6, 7, 8}, b(8, 10);
  std::vector<int64_t> shape = {2, width};
  lathe_tensor_t inputs[] = {tensorOf(a, shape, LATHE_F32), tensorOf(b, shape, LATHE_F32)}, output = {};
  REQUIRE(textOf(lathe_session_run(session, inputs, 2, &output, 1)) == "");
  float *y = static_cast<float *>(output.data);
  return {y, y + 8};
}

} // namespace

TEST_CASE("observer: sees every call and the values that are known") {
  Opened opened(makeObserved());
  for (uint32_t threads : {1u, 3u}) {
    SessionPtr session = makeSession(opened, threads);
    Seen seen;
    REQUIRE(textOf(lathe_session_set_observer(session.get(), observe, &seen)) == "");
    CHECK(runAdder(session.get()) == std::vector<float>{12, 14, 16, 18, 16, 18, 20, 22});
    CHECK(seen.calls == std::vector<size_t>{0, 1});
    CHECK(seen.sum == std::vector<float>{11, 12, 13, 14, 15, 16, 17, 18});
    REQUIRE(seen.values[0].size() == 3);
    const lathe_call_value_t &value = seen.values[0][2];
    CHECK(std::string(value.node) == "add_1");
    CHECK(value.dtype == LATHE_F32);
    CHECK(value.scale == 0.5);
    CHECK(value.zero_point == 3);
    REQUIRE(value.rank == 2);
    CHECK((value.order[0] == 1 && value.order[1] == 0));
    CHECK(seen.values[0][0].node == nullptr);
    CHECK(seen.values[1][0].data == value.data); // what the second call reads
  }
}

TEST_CASE("observer: later calls read what it writes") {
  Opened opened(makeObserved());
  SessionPtr session = makeSession(opened);
  Seen seen;
  seen.overwrite = 100;
  REQUIRE(textOf(lathe_session_set_observer(session.get(), observe, &seen)) == "");
  CHECK(runAdder(session.get()) == std::vector<float>{101, 102, 103, 104, 101, 102, 103, 104});
}

TEST_CASE("observer: is not called once it is taken away") {
  Opened opened(makeObserved());
  SessionPtr session = makeSession(opened);
  Seen seen;
  REQUIRE(textOf(lathe_session_set_observer(session.get(), observe, &seen)) == "");
  REQUIRE(textOf(lathe_session_set_observer(session.get(), nullptr, nullptr)) == "");
  runAdder(session.get());
  CHECK(seen.calls.empty());
  CHECK(codeOf(lathe_session_set_observer(nullptr, observe, &seen)) == LATHE_INVALID_ARGUMENT);
}

TEST_CASE("observer: what a manifest says of values is checked") {
  auto opens = [](auto change) {
    TestModel model = makeObserved();
    change(*model.program().calls[0]->values[0]);
    return openText(model.write());
  };
  CHECK(opens([](CallValueT &value) { value.arg = 9; }) ==
        "damaged manifest: expects a value of a call below 3, got 9");
  CHECK(opens([](CallValueT &value) { value.dtype = DType::F64; }) ==
        "damaged manifest: expects a value of a call to be f32, i8 or u8, got 2");
  CHECK(opens([](CallValueT &value) { value.order = {0, 2}; }) == "damaged manifest: expects an axis below 2, got 2");
}
