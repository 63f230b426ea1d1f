// Sessions: results, memory and threads of the caller, late sizes, failures.
#include "tests/unit/runtime/Check.h"

#include <cmath>
#include <cstdlib>
#include <malloc.h>
#include <thread>

using namespace lathe::test;
using namespace lathe::artifact;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Inputs of makeAdder at a batch size, and the result that they give.
struct AdderCase {
  explicit AdderCase(int64_t batch, int64_t d = 4) : shape{batch, d} {
    for (int64_t i = 0; i < batch * d; ++i) {
      a.push_back(static_cast<float>(i));
      b.push_back(0.5f * static_cast<float>(i % 7));
      expected.push_back(a.back() + b.back() + static_cast<float>(i % d + 1));
    }
  }
  std::vector<lathe_tensor_t> inputs() { return {tensorOf(a, shape, LATHE_F32), tensorOf(b, shape, LATHE_F32)}; }

  std::vector<int64_t> shape;
  std::vector<float> a, b, expected;
};

std::vector<float> runAdder(lathe_session_t *session, AdderCase &given) {
  std::vector<lathe_tensor_t> inputs = given.inputs();
  lathe_tensor_t output = {};
  REQUIRE(textOf(lathe_session_run(session, inputs.data(), 2, &output, 1)) == "");
  REQUIRE(output.rank == 2);
  CHECK(output.shape[0] == given.shape[0]);
  CHECK(output.dtype == LATHE_F32);
  const float *data = static_cast<const float *>(output.data);
  return {data, data + output.size_bytes / sizeof(float)};
}

} // namespace

TEST_CASE("session: results at several shapes and thread counts") {
  Opened opened(makeAdder());
  for (uint32_t threads : {1u, 2u, 5u}) {
    SessionPtr session = makeSession(opened, threads);
    CHECK(lathe_session_threads(session.get()) == threads);
    for (int64_t batch : {1, 7, 1000, 7, 1}) {
      AdderCase given(batch);
      CHECK(runAdder(session.get(), given) == given.expected);
    }
  }
}

TEST_CASE("session: more shapes than are kept") {
  Opened opened(makeAdder());
  SessionPtr session = makeSession(opened);
  for (int64_t batch = 1; batch < 100; ++batch) {
    AdderCase given(batch), first(1);
    CHECK(runAdder(session.get(), given) == given.expected);
    CHECK(runAdder(session.get(), first) == first.expected);
  }
}

TEST_CASE("session: outputs into memory of the caller") {
  Opened opened(makeAdder());
  SessionPtr session = makeSession(opened);
  AdderCase given(3);
  std::vector<lathe_tensor_t> inputs = given.inputs();
  std::vector<float> result(12);
  lathe_tensor_t output = {};
  auto run = [&](void *data, size_t bytes) {
    output = {data, bytes, nullptr, 0, 0, 0};
    return textOf(lathe_session_run(session.get(), inputs.data(), 2, &output, 1));
  };
  CHECK(run(result.data(), 48) == "");
  CHECK(result == given.expected);
  CHECK(output.size_bytes == 48);
  CHECK(run(result.data(), 47) == "output 'y' expects room for 48 bytes, got 47");
  CHECK(run(reinterpret_cast<char *>(result.data()) + 1, 48) == "output 'y' expects data aligned to 4 bytes");
  CHECK(run(given.a.data(), 48) == "output 0 overlaps another tensor");
}

TEST_CASE("session: inputs must be there and large enough") {
  Opened opened(makeAdder());
  SessionPtr session = makeSession(opened);
  AdderCase given(3);
  lathe_tensor_t output = {};
  auto run = [&](auto change) {
    std::vector<lathe_tensor_t> inputs = given.inputs();
    change(inputs);
    return textOf(lathe_session_run(session.get(), inputs.data(), inputs.size(), &output, 1));
  };
  CHECK(run([](auto &inputs) { inputs[0].data = nullptr; }) == "input 'a' has no data");
  CHECK(run([](auto &inputs) { inputs[1].size_bytes = 47; }) == "input 'b' expects 48 bytes for its shape, got 47");
  CHECK(run([](auto &inputs) { inputs[1].data = static_cast<char *>(inputs[1].data) + 2; }) ==
        "input 'b' expects data aligned to 4 bytes");
  CHECK(run([](auto &inputs) { inputs[0].shape = nullptr; }) == "input 'a' has no shape");
  CHECK(run([](auto &inputs) { inputs.pop_back(); }) == "expects 2 inputs, got 1");
  std::vector<lathe_tensor_t> inputs = given.inputs();
  CHECK(textOf(lathe_session_run(session.get(), inputs.data(), 2, nullptr, 0)) == "expects 1 outputs, got 0");
  CHECK(textOf(lathe_session_run(session.get(), nullptr, 2, &output, 1)) == "expects 'inputs' not to be null");
}

TEST_CASE("session: sizes that depend on computed values") {
  Opened opened(makeNonZero());
  SessionPtr session = makeSession(opened, 2);
  std::vector<int64_t> shape = {6};
  for (std::vector<int64_t> x : {std::vector<int64_t>{0, 5, 0, 0, 7, 1}, {0, 0, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1}}) {
    std::vector<int64_t> expected;
    for (size_t i = 0; i < x.size(); ++i)
      if (x[i])
        expected.push_back(static_cast<int64_t>(i));
    lathe_tensor_t input = tensorOf(x, shape, LATHE_I64), output = {};
    REQUIRE(textOf(lathe_session_prepare(session.get(), &input, 1, &output, 1)) == "");
    CHECK(output.shape[0] == -1);
    CHECK(output.size_bytes == 0);
    output = {};
    REQUIRE(textOf(lathe_session_run(session.get(), &input, 1, &output, 1)) == "");
    CHECK(output.shape[0] == static_cast<int64_t>(expected.size()));
    const int64_t *data = static_cast<const int64_t *>(output.data);
    CHECK(std::vector<int64_t>(data, data + expected.size()) == expected);
  }
}

TEST_CASE("session: a failing kernel names the node and leaves the session usable") {
  TestModel model;
  uint32_t n = model.constant(3), bytes = model.constant(24);
  model.addInput("indices", DType::I64, {n});
  model.addOutput("y", DType::I64, {n});
  uint32_t in = model.addBuffer(BufferKind::Input, 0, bytes), out = model.addBuffer(BufferKind::Output, 0, bytes);
  model.addCall(TestKernel::CheckIndices, {in, out}, {model.constant(10)}, n, "gather_3");
  Opened opened(model);
  for (uint32_t threads : {1u, 3u}) {
    SessionPtr session = makeSession(opened, threads);
    std::vector<int64_t> indices = {1, 2, 10}, shape = {3};
    lathe_tensor_t input = tensorOf(indices, shape, LATHE_I64), output = {};
    lathe_status_t *status = lathe_session_run(session.get(), &input, 1, &output, 1);
    CHECK(lathe_status_code(status) == LATHE_KERNEL_FAILED);
    CHECK(textOf(status) == "node 'gather_3': index out of range (kernel kernel2)");
    indices[2] = 9;
    CHECK(textOf(lathe_session_run(session.get(), &input, 1, &output, 1)) == "");
    CHECK(static_cast<const int64_t *>(output.data)[2] == 9);
  }
}

TEST_CASE("session: kernels have scratch memory and functions") {
  TestModel model;
  uint32_t n = model.constant(3), bytes = model.constant(24);
  model.addInput("x", DType::F64, {n});
  model.addOutput("y", DType::F64, {n});
  uint32_t in = model.addBuffer(BufferKind::Input, 0, bytes), out = model.addBuffer(BufferKind::Output, 0, bytes);
  model.addCall(TestKernel::ExpDouble, {in, out}, {}, n, "exp").scratch_bytes = model.constant(8);
  Opened opened(model);
  SessionPtr session = makeSession(opened, 2);
  std::vector<double> x = {0, 1, 2};
  std::vector<int64_t> shape = {3};
  lathe_tensor_t input = tensorOf(x, shape, LATHE_F64), output = {};
  REQUIRE(textOf(lathe_session_run(session.get(), &input, 1, &output, 1)) == "");
  CHECK(static_cast<const double *>(output.data)[2] == std::exp(2.0));
}

TEST_CASE("session: memory and threads from the host") {
  struct Host {
    int64_t liveBytes = 0, allocations = 0, jobs = 0;
  } host;
  lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
  options.threads = 3;
  options.allocator_context = options.pool_context = &host;
  options.allocate = [](void *context, size_t size, size_t alignment) -> void * {
    static_cast<Host *>(context)->liveBytes += static_cast<int64_t>(size);
    ++static_cast<Host *>(context)->allocations;
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  };
  options.deallocate = [](void *context, void *memory, size_t size) {
    static_cast<Host *>(context)->liveBytes -= static_cast<int64_t>(size);
    free(memory);
  };
  options.parallel_for = [](void *context, size_t count, lathe_task_fn task, void *data) {
    ++static_cast<Host *>(context)->jobs;
    for (size_t i = count; i-- > 0;)
      task(data, i);
  };
  Opened opened(makeAdder());
  SessionPtr session = makeSession(opened, options);
  AdderCase given(50);
  CHECK(runAdder(session.get(), given) == given.expected);
  CHECK(host.jobs >= 2);
  CHECK(host.allocations == 2); // arena, output
  CHECK(runAdder(session.get(), given) == given.expected);
  CHECK(host.allocations == 2);
  session.reset();
  CHECK(host.liveBytes == 0);
}

TEST_CASE("session: an arena from the host") {
  alignas(64) static char arena[256];
  lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
  options.threads = 1;
  options.arena = arena;
  options.arena_bytes = sizeof(arena);
  Opened opened(makeAdder());
  SessionPtr session = makeSession(opened, options);
  AdderCase fits(16), tooLarge(17);
  CHECK(runAdder(session.get(), fits) == fits.expected);
  std::vector<lathe_tensor_t> inputs = tooLarge.inputs();
  lathe_tensor_t output = {};
  lathe_status_t *status = lathe_session_run(session.get(), inputs.data(), 2, &output, 1);
  CHECK(lathe_status_code(status) == LATHE_OUT_OF_MEMORY);
  CHECK(textOf(status) == "expects an arena of 272 bytes, got 256");
}

TEST_CASE("session: options are checked") {
  Opened opened(makeAdder());
  auto create = [&](auto change) {
    lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
    change(options);
    lathe_session_t *session = nullptr;
    std::string text = textOf(lathe_session_create(opened.artifact.get(), &options, &session));
    lathe_session_destroy(session);
    return text;
  };
  CHECK(create([](auto &options) { options.threads = 1 << 20; }) == "expects at most 4096 threads, got 1048576");
  CHECK_THAT(create([](auto &options) { options.deallocate = [](void *, void *, size_t) {}; }),
             ContainsSubstring("both 'allocate' and 'deallocate'"));
  CHECK_THAT(create([](auto &options) { options.arena = reinterpret_cast<void *>(1); }),
             ContainsSubstring("'arena' to be aligned"));
  CHECK_THAT(create([](auto &options) { options.struct_size = 0; }), ContainsSubstring("struct_size"));
}

TEST_CASE("session: an arena larger than the machine is refused") {
  TestModel model = makeAdder();
  model.program().memory->arena_bytes = model.constant(int64_t(1) << 46);
  Opened opened(model);
  SessionPtr session = makeSession(opened);
  AdderCase given(1);
  std::vector<lathe_tensor_t> inputs = given.inputs();
  lathe_tensor_t output = {};
  CHECK(textOf(lathe_session_run(session.get(), inputs.data(), 2, &output, 1)) ==
        "can't allocate 70368744177664 bytes for the arena");
}

TEST_CASE("session: damaged weights stop the first run and each later one") {
  TestModel model = makeAdder();
  std::vector<uint8_t> file = model.write();
  file[headerOf(file).weights_offset] ^= 1;
  AlignedBytes bytes(file);
  lathe_artifact_t *artifact = nullptr;
  REQUIRE(textOf(lathe_artifact_open_memory(bytes.data(), bytes.size(), nullptr, &artifact)) == "");
  lathe_session_t *session = nullptr;
  REQUIRE(textOf(lathe_session_create(artifact, nullptr, &session)) == "");
  lathe_artifact_close(artifact); // the session keeps it alive
  AdderCase given(2);
  std::vector<lathe_tensor_t> inputs = given.inputs();
  lathe_tensor_t output = {};
  for (int i = 0; i < 2; ++i)
    CHECK(textOf(lathe_session_run(session, inputs.data(), 2, &output, 1)) ==
          "damaged file: the digest of the weights does not match");
  lathe_session_destroy(session);
}

TEST_CASE("session: profile") {
  Opened opened(makeAdder());
  SessionPtr session = makeSession(opened, 2);
  AdderCase given(50);
  runAdder(session.get(), given);
  REQUIRE(lathe_session_call_count(session.get()) == 2);
  lathe_call_profile_t profile = LATHE_CALL_PROFILE_INIT;
  REQUIRE(textOf(lathe_session_profile(session.get(), 1, &profile)) == "");
  CHECK(profile.runs == 0);
  REQUIRE(textOf(lathe_session_set_profile(session.get(), 1)) == "");
  runAdder(session.get(), given);
  runAdder(session.get(), given);
  REQUIRE(textOf(lathe_session_profile(session.get(), 1, &profile)) == "");
  CHECK(profile.runs == 2);
  CHECK(profile.total_ns >= 2 * profile.min_ns);
  CHECK(std::string(profile.kernel) == "kernel1");
  REQUIRE(profile.node_count == 1);
  CHECK(std::string(profile.nodes[0]) == "add_2");
  CHECK(codeOf(lathe_session_profile(session.get(), 2, &profile)) == LATHE_INVALID_ARGUMENT);
}

TEST_CASE("session: sessions of one artifact run at once") {
  Opened opened(makeAdder());
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int number = 0; number < 4; ++number)
    threads.emplace_back([&, number] {
      lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
      options.threads = 2;
      lathe_session_t *session = nullptr;
      lathe_status_free(lathe_session_create(opened.artifact.get(), &options, &session));
      for (int round = 0; round < 200; ++round) {
        AdderCase given(1 + (number * 31 + round) % 50);
        std::vector<lathe_tensor_t> inputs = given.inputs();
        lathe_tensor_t output = {};
        lathe_status_t *status = lathe_session_run(session, inputs.data(), 2, &output, 1);
        wrong += status ||
                 !std::equal(given.expected.begin(), given.expected.end(), static_cast<const float *>(output.data));
        lathe_status_free(status);
      }
      lathe_session_destroy(session);
    });
  for (std::thread &thread : threads)
    thread.join();
  CHECK(wrong == 0);
}
