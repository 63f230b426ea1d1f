// Calls that oneDNN computes: right, refused where their fields don't fit, and an error where there is no library.
// LATHE_ONEDNN_LIBRARY names the library where the system doesn't find it.
#include "tests/unit/runtime/LibraryCheck.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace lathe::test;
using namespace lathe::artifact;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A convolution or product: y = steps(conv(x, w) + b), with r added by a step where it is told so.
struct Case {
  int64_t images = 1, groups = 1, inChannels = 8, outChannels = 8, height = 9, width = 7, kernel = 1, stride = 1,
          pad = 0;
  int64_t rows = 2;
  bool isProduct = false, isTransposed = false;
  std::vector<LibraryStepKind> steps;

  int64_t out(int64_t size) const { return (size + 2 * pad - kernel) / stride + 1; }
  int64_t inputs() const { return images * height * width * inChannels; }
  int64_t outputs() const { return images * out(height) * out(width) * outChannels; }
  int64_t weights() const { return outChannels * (inChannels / groups) * kernel * kernel; }
};

float valueAt(int64_t i) { return static_cast<float>(i * 37 % 19 - 9) / 8; }

std::vector<float> values(int64_t count, int64_t seed) {
  std::vector<float> numbers;
  for (int64_t i = 0; i < count; ++i)
    numbers.push_back(valueAt(i + seed));
  return numbers;
}

std::unique_ptr<LibraryKernelT> kernelOf(const Case &given) {
  auto kernel = libraryKernel(given);
  kernel->images = given.images;
  kernel->bias_arg = 2;
  for (LibraryStepKind kind : given.steps) {
    auto step = std::make_unique<LibraryStepT>();
    step->kind = kind;
    step->arg = kind == LibraryStepKind::Add ? 3 : 2;
    step->value = kind == LibraryStepKind::Min ? 6 : 0;
    kernel->steps.push_back(std::move(step));
  }
  return kernel;
}

/// Inputs x and r, weights w and b.
TestModel modelOf(const Case &given) {
  TestModel model;
  uint32_t x = model.constant(given.inputs()), y = model.constant(given.outputs());
  model.addInput("x", DType::F32, {x});
  model.addInput("r", DType::F32, {y});
  model.addOutput("y", DType::F32, {y});
  std::vector<float> weights = values(given.weights(), 3);
  weights.resize((weights.size() + 15) / 16 * 16); // buffers are aligned
  uint64_t biasAt = weights.size() * sizeof(float);
  for (float number : values(given.outChannels, 5))
    weights.push_back(number);
  model.weights.resize(weights.size() * sizeof(float));
  std::memcpy(model.weights.data(), weights.data(), model.weights.size());
  auto bytes = [&](int64_t count) { return model.constant(count * 4); };
  uint32_t xAt = model.addBuffer(BufferKind::Input, 0, bytes(given.inputs()));
  uint32_t rAt = model.addBuffer(BufferKind::Input, 1, bytes(given.outputs()));
  uint32_t yAt = model.addBuffer(BufferKind::Output, 0, bytes(given.outputs()));
  uint32_t wAt = model.addBuffer(BufferKind::Weights, 0, bytes(given.weights()));
  uint32_t bAt = model.addBuffer(BufferKind::Weights, 0, bytes(given.outChannels));
  model.program().buffers.back()->offset = biasAt;
  int64_t tasks = given.images * ((given.out(given.height) + given.rows - 1) / given.rows);
  setLibraryCall(model, kernelOf(given), {xAt, wAt, bAt, rAt, yAt}, tasks);
  return model;
}

float applied(LibraryStepKind kind, float value, float added, float bias) {
  switch (kind) {
  case LibraryStepKind::Add:
    return value + added;
  case LibraryStepKind::AddColumns:
    return value + bias;
  case LibraryStepKind::Relu:
  case LibraryStepKind::Max:
    return value < 0 ? 0 : value;
  case LibraryStepKind::Min:
    return value > 6 ? 6 : value;
  default: // of integers: LibraryIntegerTest.cpp
    return value;
  }
}

/// By the definition.
std::vector<float> expected(const Case &given, const std::vector<float> &x, const std::vector<float> &r) {
  std::vector<float> w = values(given.weights(), 3), b = values(given.outChannels, 5), y;
  int64_t depth = given.inChannels / given.groups, perGroup = given.outChannels / given.groups;
  auto inputAt = [&](int64_t image, int64_t h, int64_t v, int64_t c) {
    bool isInside = h >= 0 && h < given.height && v >= 0 && v < given.width;
    return isInside ? x[((image * given.height + h) * given.width + v) * given.inChannels + c] : 0;
  };
  auto weightAt = [&](int64_t m, int64_t c, int64_t kh, int64_t kw) {
    if (given.isProduct && !given.isTransposed)
      return w[c * given.outChannels + m];
    return w[((m * depth + c) * given.kernel + kh) * given.kernel + kw];
  };
  for (int64_t i = 0; i < given.outputs(); ++i) {
    int64_t m = i % given.outChannels, pixel = i / given.outChannels, column = pixel % given.out(given.width);
    int64_t row = pixel / given.out(given.width) % given.out(given.height);
    int64_t image = pixel / given.out(given.width) / given.out(given.height);
    double sum = b[m];
    for (int64_t k = 0; k < depth * given.kernel * given.kernel; ++k) {
      int64_t c = k % depth, kw = k / depth % given.kernel, kh = k / depth / given.kernel;
      sum += inputAt(image, row * given.stride - given.pad + kh, column * given.stride - given.pad + kw,
                     m / perGroup * depth + c) *
             weightAt(m, c, kh, kw);
    }
    y.push_back(static_cast<float>(sum));
    for (LibraryStepKind kind : given.steps)
      y.back() = applied(kind, y.back(), r[i], b[m]);
  }
  return y;
}

std::vector<float> result(const Opened &opened, uint32_t threads, std::vector<float> &x, std::vector<float> &r) {
  std::vector<int64_t> xShape = {int64_t(x.size())}, rShape = {int64_t(r.size())};
  std::vector<uint8_t> bytes =
      libraryResult(opened, threads, tensorOf(x, xShape, LATHE_F32), tensorOf(r, rShape, LATHE_F32));
  std::vector<float> numbers(bytes.size() / sizeof(float));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

/// An environment variable for a while.
class Variable {
public:
  Variable(const char *name, const char *value) : name(name), before(std::getenv(name) ? std::getenv(name) : "") {
    setenv(name, value, 1);
  }
  ~Variable() { before.empty() ? unsetenv(name) : setenv(name, before.c_str(), 1); }

private:
  const char *name;
  const std::string before;
};

const std::vector<Case> cases = {
    {},
    {.steps = {LibraryStepKind::Relu}},
    {.images = 2, .kernel = 3, .pad = 1},
    {.kernel = 3, .stride = 2, .pad = 1, .rows = 1, .steps = {LibraryStepKind::Max, LibraryStepKind::Min}},
    {.groups = 2, .kernel = 3, .pad = 1, .rows = 4, .steps = {LibraryStepKind::Add, LibraryStepKind::Relu}},
    {.groups = 8, .kernel = 3, .stride = 2, .pad = 1, .rows = 3},
    {.inChannels = 3, .outChannels = 16, .height = 16, .width = 15, .kernel = 5, .stride = 2, .pad = 2, .rows = 8},
    {.inChannels = 24, .outChannels = 40, .height = 13, .width = 1, .rows = 4, .isProduct = true},
    {.inChannels = 24,
     .outChannels = 9,
     .height = 5,
     .width = 1,
     .rows = 5,
     .isProduct = true,
     .isTransposed = true,
     .steps = {LibraryStepKind::AddColumns, LibraryStepKind::Add}},
};

template <typename Change> std::string changedText(Change change) {
  return changedLibraryText(modelOf({.kernel = 3, .pad = 1, .steps = {LibraryStepKind::Add}}), change);
}

} // namespace

TEST_CASE("library: convolutions and products are right, and the same at any number of threads") {
  if (!hasLibrary())
    SKIP("no oneDNN: set LATHE_ONEDNN_LIBRARY");
  for (size_t number = 0; number < cases.size(); ++number) {
    const Case &given = cases[number];
    INFO("case " << number);
    Opened opened(modelOf(given));
    std::vector<float> x = values(given.inputs(), 0), r = values(given.outputs(), 7), want = expected(given, x, r);
    std::vector<float> got = result(opened, 1, x, r);
    REQUIRE(got.size() == want.size());
    float worst = 0;
    for (size_t i = 0; i < got.size(); ++i)
      worst = std::max(worst, std::abs(got[i] - want[i]));
    CHECK(worst <= 1e-4f);
    CHECK(result(opened, 3, x, r) == got);
  }
}

TEST_CASE("library: NaN stays NaN after relu, max and min") {
  if (!hasLibrary())
    SKIP("no oneDNN: set LATHE_ONEDNN_LIBRARY");
  Case given{.steps = {LibraryStepKind::Relu, LibraryStepKind::Max, LibraryStepKind::Min}};
  std::vector<float> x = values(given.inputs(), 0), r = values(given.outputs(), 7);
  x[0] = NAN;
  std::vector<float> got = result(Opened(modelOf(given)), 1, x, r);
  CHECK(std::isnan(got[0]));
  CHECK(!std::isnan(got[size_t(given.outChannels)]));
}

TEST_CASE("library: memory needs count weights packed for it") {
  if (!hasLibrary())
    SKIP("no oneDNN: set LATHE_ONEDNN_LIBRARY");
  Case given{.kernel = 3, .pad = 1};
  TestModel model = modelOf(given);
  Opened opened(model);
  std::vector<int64_t> x = {given.inputs()}, r = {given.outputs()};
  lathe_tensor_t inputs[] = {{nullptr, 0, x.data(), 1, LATHE_F32, 0}, {nullptr, 0, r.data(), 1, LATHE_F32, 0}};
  lathe_memory_needs_t needs = LATHE_MEMORY_NEEDS_INIT;
  REQUIRE(textOf(lathe_artifact_memory(opened.artifact.get(), inputs, 2, &needs)) == "");
  CHECK(needs.weights_bytes >= model.weights.size() + given.weights() * sizeof(float));
}

TEST_CASE("library: one that is not there is an error when the file is opened to run") {
  Variable nowhere("LATHE_ONEDNN_LIBRARY", "/nowhere/libdnnl.so.3");
  std::vector<uint8_t> file = modelOf({}).write();
  std::string text = openText(file);
  CHECK_THAT(text, ContainsSubstring("needs oneDNN 3, but '/nowhere/libdnnl.so.3' can't be used"));
  CHECK_THAT(text, ContainsSubstring("LATHE_ONEDNN_LIBRARY"));
  CHECK(openText(file, LATHE_OPEN_INSPECT) == "");
}

TEST_CASE("library: one that is something else is refused") {
  Variable other("LATHE_ONEDNN_LIBRARY", "libm.so.6");
  CHECK_THAT(openText(modelOf({}).write()), ContainsSubstring("it has no 'dnnl_version'"));
}

TEST_CASE("library: fields of kernels are checked") {
  using Kernel = LibraryKernelT;
  auto check = [](const char *reason, auto change) {
    INFO(reason);
    CHECK_THAT(changedText(change), ContainsSubstring(reason));
  };
  CHECK(changedText([](Kernel &, CallT &) {}) == "");
  check("unknown library 'x'", [](Kernel &k, CallT &) { k.library = "x"; });
  check("images 0", [](Kernel &k, CallT &) { k.images = 0; });
  check("groups -1", [](Kernel &k, CallT &) { k.groups = -1; });
  check("no multiple of its groups", [](Kernel &k, CallT &) { k.groups = 3; });
  check("input channels", [](Kernel &k, CallT &) { k.in_channels = INT64_MAX; });
  check("output channels", [](Kernel &k, CallT &) { k.out_channels = INT64_MIN; });
  check("size 0", [](Kernel &k, CallT &) { *k.stride = Plane(0, 1); });
  check("size -9", [](Kernel &k, CallT &) { *k.input = Plane(-9, 7); });
  check("windows outside", [](Kernel &k, CallT &) { *k.pad = Plane(3, 1); });
  check("windows outside", [](Kernel &k, CallT &) { *k.pad = Plane(1, -1); });
  check("windows outside", [](Kernel &k, CallT &) { *k.output = Plane(11, 7); });
  check("too large tensors", [](Kernel &k, CallT &) { k.images = 1 << 30, k.in_channels = k.out_channels = 1 << 20; });
  check("rows per task 0", [](Kernel &k, CallT &) { k.rows = 0; });
  check("more rows per task", [](Kernel &k, CallT &) { k.rows = 10; });
  check("a product with windows", [](Kernel &k, CallT &) { k.is_product = true; });
  check("a transposed filter", [](Kernel &k, CallT &) { k.is_transposed = true; });
  check("an unknown step 77", [](Kernel &k, CallT &) { k.steps[0]->kind = LibraryStepKind(77); });
  check("argument 4 of 5", [](Kernel &k, CallT &) { k.steps[0]->arg = 4; });
  check("argument 9 of 5", [](Kernel &k, CallT &) { k.input_arg = 9; });
  check("argument 9 of 5", [](Kernel &k, CallT &) { k.bias_arg = 9; });
  check("weights outside", [](Kernel &k, CallT &) { k.weights_arg = 0; });
  check("weights outside", [](Kernel &k, CallT &) { k.in_channels = 16; });
  check("of 0", [](Kernel &, CallT &c) { c.args.clear(); });
  check("rounds", [](Kernel &, CallT &c) { c.rounds = c.tasks; });
}

TEST_CASE("library: manifests with any change and a right digest don't crash") {
  std::vector<uint8_t> file = modelOf({.kernel = 3, .pad = 1, .steps = {LibraryStepKind::Add}}).write();
  CHECK(refusedManifests(file, {0x01, 0x40, 0x80, 0xff}) > 1);
}

TEST_CASE("library: sizes of buffers are checked against the kernel's") {
  if (!hasLibrary())
    SKIP("no oneDNN: set LATHE_ONEDNN_LIBRARY");
  auto runText = [](TestModel model, const Case &given) {
    Opened opened(model);
    SessionPtr session = makeSession(opened);
    std::vector<float> x = values(given.inputs(), 0), r = values(given.outputs(), 7);
    std::vector<int64_t> xShape = {given.inputs()}, rShape = {given.outputs()};
    lathe_tensor_t inputs[] = {tensorOf(x, xShape, LATHE_F32), tensorOf(r, rShape, LATHE_F32)}, output = {};
    return textOf(lathe_session_run(session.get(), inputs, 2, &output, 1));
  };
  Case given;
  TestModel model = modelOf(given);
  model.program().kernels.back()->library->images = 2;
  model.program().calls[0]->tasks = model.constant(10);
  CHECK_THAT(runText(std::move(model), given), ContainsSubstring("smaller than its kernel's sizes"));
  model = modelOf(given);
  model.program().calls[0]->tasks = model.constant(6);
  CHECK_THAT(runText(std::move(model), given), ContainsSubstring("expects 5 tasks of call 0, got 6"));
}
