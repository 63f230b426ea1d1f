// Damaged weights, which the first run finds as it uses them.
#include "tests/unit/runtime/Check.h"

using namespace lathe::test;
using namespace lathe::artifact;

namespace {

constexpr int64_t rows = 3, columns = 200000; // weights of 3 whole chunks and a part
const char *const damaged = "damaged file: the digest of the weights does not match";

std::string run(lathe_session_t *session) {
  std::vector<float> a(rows * columns, 1), b(rows * columns, 2);
  std::vector<int64_t> shape = {rows, columns};
  lathe_tensor_t inputs[] = {tensorOf(a, shape, LATHE_F32), tensorOf(b, shape, LATHE_F32)}, output = {};
  std::string text = textOf(lathe_session_run(session, inputs, 2, &output, 1));
  if (text.empty())
    for (int64_t i = 0; i < rows * columns; i += 997)
      CHECK(static_cast<const float *>(output.data)[i] == static_cast<float>(3 + i % columns + 1));
  return text;
}

/// The damaged byte `fromEnd` bytes before the end of the weights.
TestModel damage(TestModel model, size_t fromEnd) {
  model.write(); // makes the digests
  model.weights[model.weights.size() - fromEnd] ^= 4;
  return model;
}

} // namespace

TEST_CASE("weights: damage in any chunk ends the first run, and all later ones") {
  TestModel model = makeAdder(columns);
  size_t size = model.weights.size();
  for (size_t fromEnd : {size_t(1), size_t(LATHE_WEIGHTS_CHUNK_BYTES), size / 2, size}) {
    for (uint32_t threads : {1u, 2u, 3u}) {
      Opened opened(damage(model, fromEnd));
      SessionPtr first = makeSession(opened, threads), second = makeSession(opened, threads);
      CHECK(run(first.get()) == damaged);
      CHECK(run(first.get()) == damaged);
      CHECK(run(second.get()) == damaged);
    }
  }
}

TEST_CASE("weights: damage in what no call reads is found, too") {
  TestModel model = makeAdder(columns);
  model.weights.resize(model.weights.size() + 2 * LATHE_WEIGHTS_CHUNK_BYTES);
  for (uint32_t threads : {1u, 2u}) {
    Opened opened(damage(model, 7)), good(model);
    SessionPtr session = makeSession(opened, threads), other = makeSession(good, threads);
    CHECK(run(session.get()) == damaged);
    CHECK(run(other.get()) == "");
    CHECK(run(other.get()) == "");
  }
}

TEST_CASE("weights: damage is named rather than what follows from it") {
  // the indices are weights; a damaged one is out of range, which the kernel reports
  TestModel model;
  uint32_t n = model.constant(4), bytes = model.constant(32);
  model.addInput("x", DType::F32, {n});
  model.addOutput("y", DType::I64, {n});
  model.addBuffer(BufferKind::Input, 0, model.constant(16));
  uint32_t y = model.addBuffer(BufferKind::Output, 0, bytes), w = model.addBuffer(BufferKind::Weights, 0, bytes);
  model.weights.resize(32);
  model.addCall(TestKernel::CheckIndices, {w, y}, {n}, n, "check");
  for (uint32_t threads : {1u, 2u}) {
    Opened opened(damage(model, 16));
    SessionPtr session = makeSession(opened, threads);
    std::vector<float> x(4);
    std::vector<int64_t> shape = {4};
    lathe_tensor_t input = tensorOf(x, shape, LATHE_F32), output = {};
    CHECK(textOf(lathe_session_run(session.get(), &input, 1, &output, 1)) == damaged);
  }
}

TEST_CASE("weights: what is trusted isn't checked") {
  Opened opened(damage(makeAdder(columns), LATHE_WEIGHTS_CHUNK_BYTES), LATHE_OPEN_TRUST_WEIGHTS);
  SessionPtr session = makeSession(opened, 2);
  std::vector<float> a(columns), b(columns);
  std::vector<int64_t> shape = {1, columns};
  lathe_tensor_t inputs[] = {tensorOf(a, shape, LATHE_F32), tensorOf(b, shape, LATHE_F32)}, output = {};
  CHECK(textOf(lathe_session_run(session.get(), inputs, 2, &output, 1)) == "");
}
