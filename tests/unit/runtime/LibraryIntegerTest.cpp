// Products and convolutions of bytes that oneDNN computes: exactly what their definition says, bit for bit, and fields that don't go
// together are refused. LATHE_ONEDNN_LIBRARY names the library where the system doesn't find it.
#include "tests/unit/runtime/LibraryCheck.h"

#include <algorithm>
#include <cmath>

using namespace lathe::test;
using namespace lathe::artifact;
using Catch::Matchers::ContainsSubstring;

namespace {

/// y = quantize(scales * conv(x - zero, w) + b + (r - 3) * 0.07), of bytes; without `isQuantized` y is f32.
struct Case {
  int64_t groups = 1, inChannels = 8, outChannels = 8, height = 9, width = 7, kernel = 1, stride = 1, pad = 0, rows = 2;
  int zero = 0;
  bool isProduct = false, isTransposed = false, isQuantized = true;
  int outputZero = 0;
  bool isSigned = false;

  int64_t out(int64_t size) const { return (size + 2 * pad - kernel) / stride + 1; }
  int64_t inputs() const { return height * width * inChannels; }
  int64_t outputs() const { return out(height) * out(width) * outChannels; }
  int64_t depth() const { return inChannels / groups * kernel * kernel; }
  int64_t weights() const { return outChannels * depth(); }
};

uint8_t byteAt(int64_t i) { return static_cast<uint8_t>(i * 101 % 251 + i % 5); }
/// Of 7 bits, the extremes among them.
int8_t weightAt(int64_t i) { return static_cast<int8_t>(i % 7 == 0 ? 64 : i % 11 == 0 ? -64 : i * 37 % 127 - 63); }
float scaleAt(int64_t column) { return 0.0013F + 0.0001F * static_cast<float>(column % 9); }
float biasAt(int64_t column) { return static_cast<float>(column % 13) - 5.3F; }
constexpr float kStep = 0.31F, kOtherScale = 0.07F;
constexpr int kOtherZero = 3;

std::unique_ptr<LibraryStepT> step(LibraryStepKind kind, uint32_t arg, float value = 0, int zero = 0,
                                   bool isSigned = false) {
  auto made = std::make_unique<LibraryStepT>();
  made->kind = kind, made->arg = arg, made->value = value, made->zero = zero, made->is_signed = isSigned;
  return made;
}

/// Arguments: x, w, zero, scales, b, r, y.
std::unique_ptr<LibraryKernelT> kernelOf(const Case &given) {
  auto kernel = libraryKernel(given);
  kernel->is_integer = true;
  if (given.zero)
    kernel->zero_arg = 2;
  kernel->steps.push_back(step(LibraryStepKind::MultiplyColumns, 3));
  kernel->steps.push_back(step(LibraryStepKind::AddColumns, 4));
  kernel->steps.push_back(step(LibraryStepKind::AddBytes, 5, kOtherScale, kOtherZero));
  if (given.isQuantized)
    kernel->steps.push_back(step(LibraryStepKind::Quantize, 0, kStep, given.outputZero, given.isSigned));
  return kernel;
}

TestModel modelOf(const Case &given) {
  TestModel model;
  uint32_t x = model.constant(given.inputs()), y = model.constant(given.outputs());
  DType result = !given.isQuantized ? DType::F32 : given.isSigned ? DType::I8 : DType::U8;
  model.addInput("x", DType::U8, {x});
  model.addInput("r", DType::U8, {y});
  model.addOutput("y", result, {y});
  auto bytes = [&](int64_t count) { return model.constant(count); };
  std::vector<uint32_t> args = {model.addBuffer(BufferKind::Input, 0, bytes(given.inputs()))};
  auto addWeights = [&](auto at, int64_t count) {
    using Number = decltype(at(int64_t(0)));
    model.weights.resize((model.weights.size() + 63) / 64 * 64); // buffers are aligned
    uint64_t begin = model.weights.size();
    for (int64_t i = 0; i < count; ++i) {
      Number number = at(i);
      const auto *first = reinterpret_cast<const uint8_t *>(&number);
      model.weights.insert(model.weights.end(), first, first + sizeof(Number));
    }
    args.push_back(model.addBuffer(BufferKind::Weights, 0, bytes(count * int64_t(sizeof(Number)))));
    model.program().buffers.back()->offset = begin;
  };
  addWeights(weightAt, given.weights());
  addWeights([&](int64_t) { return static_cast<uint8_t>(given.zero); }, 1);
  addWeights(scaleAt, given.outChannels);
  addWeights(biasAt, given.outChannels);
  args.push_back(model.addBuffer(BufferKind::Input, 1, bytes(given.outputs())));
  args.push_back(model.addBuffer(BufferKind::Output, 0, bytes(given.outputs() * (given.isQuantized ? 1 : 4))));
  setLibraryCall(model, kernelOf(given), args, (given.out(given.height) + given.rows - 1) / given.rows);
  return model;
}

int64_t sumAt(const Case &given, const std::vector<uint8_t> &x, int64_t row, int64_t column, int64_t m) {
  int64_t perGroup = given.outChannels / given.groups, channels = given.inChannels / given.groups, sum = 0;
  for (int64_t k = 0; k < given.depth(); ++k) {
    int64_t c = k / given.kernel / given.kernel, v = column * given.stride - given.pad + k % given.kernel;
    int64_t h = row * given.stride - given.pad + k / given.kernel % given.kernel;
    if (h < 0 || h >= given.height || v < 0 || v >= given.width)
      continue;
    int64_t weight = given.isProduct && !given.isTransposed ? c * given.outChannels + m : m * given.depth() + k;
    int64_t source = (h * given.width + v) * given.inChannels + m / perGroup * channels + c;
    sum += (x[static_cast<size_t>(source)] - given.zero) * weightAt(weight);
  }
  return sum;
}

/// By the definition; each operation rounded by itself.
std::vector<uint8_t> expected(const Case &given, const std::vector<uint8_t> &x, const std::vector<uint8_t> &r) {
  std::vector<uint8_t> result;
  for (int64_t i = 0; i < given.outputs(); ++i) {
    int64_t m = i % given.outChannels, pixel = i / given.outChannels, width = given.out(given.width);
    volatile float value = static_cast<float>(sumAt(given, x, pixel / width, pixel % width, m));
    value = value * scaleAt(m);
    value = value + biasAt(m);
    volatile float other = static_cast<float>(r[static_cast<size_t>(i)] - kOtherZero) * kOtherScale;
    value = value + other;
    const float number = value;
    const auto *first = reinterpret_cast<const uint8_t *>(&number);
    if (!given.isQuantized) {
      result.insert(result.end(), first, first + sizeof(number));
      continue;
    }
    int low = given.isSigned ? -128 : 0;
    float rounded = std::nearbyint(number / kStep) + static_cast<float>(given.outputZero);
    result.push_back(static_cast<uint8_t>(std::clamp(static_cast<int>(rounded), low, low + 255)));
  }
  return result;
}

std::vector<uint8_t> bytesAt(int64_t count, int64_t seed) {
  std::vector<uint8_t> bytes;
  for (int64_t i = 0; i < count; ++i)
    bytes.push_back(byteAt(i + seed));
  return bytes;
}

std::vector<uint8_t> result(const Opened &opened, uint32_t threads, std::vector<uint8_t> &x, std::vector<uint8_t> &r) {
  std::vector<int64_t> xShape = {int64_t(x.size())}, rShape = {int64_t(r.size())};
  return libraryResult(opened, threads, tensorOf(x, xShape, LATHE_U8), tensorOf(r, rShape, LATHE_U8));
}

const std::vector<Case> cases = {
    {},
    {.inChannels = 67, .outChannels = 33, .kernel = 3, .pad = 1},
    {.inChannels = 16, .outChannels = 24, .kernel = 3, .stride = 2, .pad = 1, .zero = 131, .outputZero = 120},
    {.inChannels = 3,
     .outChannels = 16,
     .height = 16,
     .width = 15,
     .kernel = 5,
     .stride = 2,
     .pad = 2,
     .rows = 3,
     .zero = 77},
    {.groups = 2,
     .inChannels = 32,
     .outChannels = 16,
     .kernel = 3,
     .pad = 1,
     .rows = 4,
     .zero = 255,
     .isQuantized = false},
    {.groups = 24, .inChannels = 24, .outChannels = 24, .kernel = 3, .stride = 2, .pad = 1, .rows = 1, .zero = 9},
    {.inChannels = 300,
     .outChannels = 40,
     .height = 13,
     .width = 1,
     .rows = 4,
     .zero = 100,
     .isProduct = true,
     .isQuantized = false},
    {.inChannels = 512,
     .outChannels = 9,
     .height = 5,
     .width = 1,
     .rows = 5,
     .isProduct = true,
     .isTransposed = true,
     .outputZero = -7,
     .isSigned = true},
};

template <typename Change> std::string changedText(Change change) {
  return changedLibraryText(modelOf({.kernel = 3, .pad = 1, .zero = 5}),
                            [&](LibraryKernelT &kernel, CallT &) { change(kernel); });
}

} // namespace

TEST_CASE("library: integers are exact, at any number of threads") {
  if (!hasLibrary())
    SKIP("no oneDNN: set LATHE_ONEDNN_LIBRARY");
  for (size_t number = 0; number < cases.size(); ++number) {
    const Case &given = cases[number];
    INFO("case " << number);
    Opened opened(modelOf(given));
    std::vector<uint8_t> x = bytesAt(given.inputs(), 0), r = bytesAt(given.outputs(), 7);
    std::fill(x.begin(), x.begin() + int64_t(x.size()) / 2, uint8_t(255)); // what saturates first
    std::vector<uint8_t> want = expected(given, x, r);
    CHECK(result(opened, 1, x, r) == want);
    CHECK(result(opened, 3, x, r) == want);
  }
}

TEST_CASE("library: fields of integer kernels are checked") {
  using Kernel = LibraryKernelT;
  auto check = [](const char *reason, auto change) {
    INFO(reason);
    CHECK_THAT(changedText(change), ContainsSubstring(reason));
  };
  CHECK(changedText([](Kernel &) {}) == "");
  check("integers with a bias", [](Kernel &k) { k.bias_arg = 4; });
  check("numbers with a zero point", [](Kernel &k) { k.is_integer = false; });
  check("steps behind a quantization", [](Kernel &k) { std::swap(k.steps[2], k.steps[3]); });
  check("a zero point 256", [](Kernel &k) { k.steps[3]->zero = 256; });
  check("a zero point -1", [](Kernel &k) { k.steps[2]->zero = -1; });
  check("a zero point 200", [](Kernel &k) { k.steps[3]->zero = 200, k.steps[3]->is_signed = true; });
  check("an unknown step 10", [](Kernel &k) { k.steps[0]->kind = LibraryStepKind(10); });
  check("argument 7 of 7", [](Kernel &k) { k.zero_arg = 7; });
  check("argument 6 of 7", [](Kernel &k) { k.steps[0]->arg = 6; });
  check("weights outside", [](Kernel &k) { k.in_channels = 80; });
}

TEST_CASE("library: manifests of integer kernels with any change and a right digest don't crash") {
  std::vector<uint8_t> file = modelOf({.kernel = 3, .pad = 1, .zero = 5}).write();
  CHECK(refusedManifests(file, {0x01, 0x80, 0xff}) > 0.5);
}

TEST_CASE("library: sizes of byte buffers are checked against the kernel's") {
  if (!hasLibrary())
    SKIP("no oneDNN: set LATHE_ONEDNN_LIBRARY");
  Case given{.inChannels = 16, .outChannels = 16};
  std::vector<uint8_t> x = bytesAt(given.inputs(), 0), r = bytesAt(given.outputs(), 7);
  std::vector<int64_t> xShape = {given.inputs()}, rShape = {given.outputs()};
  auto runText = [&](LibraryStepKind kind) {
    TestModel model = modelOf(given);
    model.program().kernels.back()->library->steps[2]->kind = kind;
    Opened opened(model);
    SessionPtr session = makeSession(opened);
    lathe_tensor_t inputs[] = {tensorOf(x, xShape, LATHE_U8), tensorOf(r, rShape, LATHE_U8)}, output = {};
    return textOf(lathe_session_run(session.get(), inputs, 2, &output, 1));
  };
  CHECK(runText(LibraryStepKind::AddBytes) == "");
  CHECK_THAT(runText(LibraryStepKind::Add), ContainsSubstring("smaller than its kernel's sizes"));
}
