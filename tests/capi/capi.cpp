// Uses the C++ API the way an application does.
#include <lathe/lathe.hpp>

#include <cstdio>
#include <cstdlib>

static void expect(bool condition, const char *what) {
  if (condition)
    return;
  std::fprintf(stderr, "expects %s\n", what);
  std::exit(1);
}

static_assert(lathe::dtypeOf<float>() == LATHE_F32 && lathe::dtypeOf<bool>() == LATHE_BOOL);
static_assert(lathe::dtypeOf<int8_t>() == LATHE_I8 && lathe::dtypeOf<uint64_t>() == LATHE_U64);
static_assert(lathe::dtypeOf<int64_t>() == LATHE_I64 && lathe::dtypeOf<uint16_t>() == LATHE_U16);

template <typename Body> static void expectError(lathe_code_t code, Body body) {
  try {
    body();
  } catch (const lathe::Error &error) {
    expect(error.code() == code, "the right code");
    return;
  }
  expect(false, "an error");
}

int main(int argc, char **argv) {
  expect(argc == 2, "one argument");
  expectError(LATHE_IO_ERROR, [] { lathe::Artifact("missing.lathe"); });
  lathe::Artifact artifact(argv[1]);
  expect(artifact.inputs().size() == 2 && artifact.inputs()[1].name == "b", "inputs a and b");
  expect(artifact.outputs()[0].shape == std::vector<int64_t>{-1, 4}, "an output of [batch, 4]");
  expect(artifact.findInput("b") == 1 && artifact.findOutput("y") == 0, "names to be found");

  std::vector<int64_t> shape = {1, 4};
  const std::vector<float> a = {1, 2, 3, 4};
  std::vector<float> b = {5, 5, 5, 5};
  std::vector<lathe_tensor_t> inputs = {lathe::tensor(a.data(), shape), lathe::tensor(b.data(), shape)};
  expect(artifact.memory(inputs).arena_bytes == 16, "an arena of 16 bytes");

  lathe::Session session(artifact);
  lathe::Session moved = std::move(session);
  std::vector<lathe_tensor_t> outputs = moved.run(inputs);
  expect(lathe::dataOf<float>(outputs[0])[3] == 13, "4 + 5 + 4");
  expectError(LATHE_INVALID_ARGUMENT, [&] { lathe::dataOf<int64_t>(outputs[0]); });
  expectError(LATHE_INVALID_ARGUMENT, [&] { moved.run({inputs[0]}); });
  return 0;
}
