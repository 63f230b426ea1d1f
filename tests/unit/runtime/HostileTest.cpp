// Damaged and hostile files: an error or a right answer, never a crash.
#include "tests/unit/runtime/Check.h"

#include <cstring>
#include <random>

using namespace lathe::test;
using namespace lathe::artifact;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

/// Opens without running, binds some shapes, looks at everything.
void probe(std::span<const uint8_t> file) {
  AlignedBytes bytes(file);
  lathe_artifact_options_t options = LATHE_ARTIFACT_OPTIONS_INIT;
  options.flags = LATHE_OPEN_INSPECT;
  lathe_artifact_t *artifact = nullptr;
  std::string text = textOf(lathe_artifact_open_memory(bytes.data(), bytes.size(), &options, &artifact));
  if (!text.empty())
    return;
  ArtifactPtr owner(artifact);
  std::vector<std::vector<int64_t>> shapes;
  std::vector<lathe_tensor_t> inputs;
  for (size_t i = 0; i < lathe_artifact_input_count(artifact); ++i) {
    lathe_tensor_info_t info = LATHE_TENSOR_INFO_INIT;
    lathe_status_free(lathe_artifact_input_info(artifact, i, &info));
    shapes.emplace_back(info.shape, info.shape + info.rank);
    for (int64_t &size : shapes.back())
      size = size < 0 ? 3 : size;
    inputs.push_back({nullptr, 0, shapes.back().data(), info.rank, info.dtype, 0});
  }
  lathe_memory_needs_t needs = LATHE_MEMORY_NEEDS_INIT;
  lathe_status_free(lathe_artifact_memory(artifact, inputs.data(), inputs.size(), &needs));
}

template <typename Change> std::string changedText(Change change) {
  return lathe::test::changedText(makeAdder(), change);
}

} // namespace

TEST_CASE("hostile: each flipped bit of header, manifest and code is found") {
  std::vector<uint8_t> file = makeAdder().write();
  lathe_artifact_header header = headerOf(file);
  auto check = [&](uint64_t begin, uint64_t bytes) {
    for (uint64_t i = begin; i < begin + bytes; ++i) {
      std::vector<uint8_t> changed = file;
      changed[i] ^= static_cast<uint8_t>(1 << (i % 8));
      INFO("byte " << i);
      CHECK(openText(changed) != "");
    }
  };
  check(0, sizeof(header));
  check(header.manifest_offset, header.manifest_bytes);
  check(header.code_offset, header.code_bytes);
}

TEST_CASE("hostile: each shorter file is refused") {
  std::vector<uint8_t> file = makeAdder().write();
  for (size_t size = 0; size < file.size(); size += size < 256 ? 1 : 61) {
    std::string text = openText(std::span(file).first(size));
    INFO("size " << size);
    CHECK((text.starts_with("not a .lathe file") || text.starts_with("truncated file")));
  }
  file.push_back(0);
  CHECK_THAT(openText(file), StartsWith("damaged file: expects"));
}

TEST_CASE("hostile: manifests with any change and a right digest don't crash") {
  for (TestModel model : {makeAdder(), makeNonZero()}) {
    std::vector<uint8_t> file = model.write();
    lathe_artifact_header header = headerOf(file);
    std::mt19937 random(1);
    for (int round = 0; round < 20000; ++round) {
      std::vector<uint8_t> changed = file;
      for (int flips = 1 + round % 3; flips > 0; --flips) {
        uint8_t &byte = changed[header.manifest_offset + random() % header.manifest_bytes];
        byte = round % 2 ? byte ^ static_cast<uint8_t>(1u << random() % 8) : static_cast<uint8_t>(random());
      }
      fixDigest(changed);
      probe(changed);
    }
  }
}

TEST_CASE("hostile: regions outside the file") {
  std::vector<uint8_t> file = makeAdder().write();
  for (size_t field : {offsetof(lathe_artifact_header, manifest_offset), offsetof(lathe_artifact_header, code_offset),
                       offsetof(lathe_artifact_header, weights_offset), offsetof(lathe_artifact_header, manifest_bytes),
                       offsetof(lathe_artifact_header, code_bytes), offsetof(lathe_artifact_header, weights_bytes),
                       offsetof(lathe_artifact_header, manifest_unpacked_bytes)})
    for (uint64_t value : {uint64_t(1), uint64_t(1) << 40, ~uint64_t(0), ~uint64_t(0) - 4095}) {
      std::vector<uint8_t> changed = file;
      std::memcpy(changed.data() + field, &value, sizeof(value));
      CHECK(openText(changed) != "");
    }
}

TEST_CASE("hostile: numbers in the manifest are bounded") {
  CHECK(changedText([](TestModel &) {}) == "");
  CHECK(changedText([](TestModel &m) { m.program().calls[0]->kernel = 99; }) ==
        "damaged manifest: expects a kernel of a call below 7, got 99");
  CHECK(changedText([](TestModel &m) { m.program().calls[0]->args[0] = 99; }) ==
        "damaged manifest: expects a buffer of a call below 5, got 99");
  CHECK_THAT(changedText([](TestModel &m) { m.program().calls[0]->tasks = 99; }),
             StartsWith("damaged manifest: expects an expression below"));
  CHECK_THAT(changedText([](TestModel &m) { m.program().calls[0]->rounds = 99; }),
             StartsWith("damaged manifest: expects an expression below"));
  CHECK(changedText([](TestModel &m) { m.program().calls[0]->arg_offsets = {0}; }) ==
        "damaged manifest: expects 3 offsets of arguments, got 1");
  CHECK_THAT(changedText([](TestModel &m) { m.program().kernels[0]->code_offset = 1 << 20; }),
             StartsWith("damaged manifest: expects the entry point of a kernel below"));
  CHECK(changedText([](TestModel &m) { m.program().buffers[0]->index = 2; }) ==
        "damaged manifest: expects an input of a buffer below 2, got 2");
  CHECK(changedText([](TestModel &m) { m.program().buffers[0]->index = 1; }) ==
        "damaged manifest: expects one buffer per input and output");
  CHECK(changedText([](TestModel &m) { m.program().buffers[4]->index = 1; }) ==
        "damaged manifest: expects a weights segment below 1, got 1");
  CHECK(changedText([](TestModel &m) { m.program().buffers[4]->offset = 64; }) ==
        "damaged manifest: weights at 64 are misaligned or outside their segment");
  CHECK(changedText([](TestModel &m) { m.manifest.weights[0]->chunk_digests.clear(); }) ==
        "damaged manifest: expects 1 weight digests, got 0");
  CHECK(changedText([](TestModel &m) { m.manifest.weights[0]->size = 1 << 22; }).find("weights segment") !=
        std::string::npos);
  CHECK(changedText([](TestModel &m) { m.program().symbols[0]->index = 7; }) ==
        "damaged manifest: expects an input of a symbol below 2, got 7");
  CHECK(changedText([](TestModel &m) { m.program().symbols[0]->element = 2; }) ==
        "damaged manifest: expects an axis of a symbol below 2, got 2");
  CHECK(changedText([](TestModel &m) { m.program().inputs[0]->dtype = static_cast<DType>(0); }) ==
        "damaged manifest: unknown dtype 0 of input 'a'");
  CHECK(changedText([](TestModel &m) { m.program().inputs[0]->dim_names.pop_back(); }) ==
        "damaged manifest: expects 2 names of axes of input 'a', got 1");
}

TEST_CASE("hostile: buffers stay inside the arena") {
  TestModel model = makeAdder();
  model.program().buffers[3]->arena_offset = model.constant(64);
  Opened opened(model);
  std::vector<float> data(8);
  std::vector<int64_t> shape = {2, 4};
  std::vector<lathe_tensor_t> inputs(2, tensorOf(data, shape, LATHE_F32));
  lathe_memory_needs_t needs = LATHE_MEMORY_NEEDS_INIT;
  CHECK(textOf(lathe_artifact_memory(opened.artifact.get(), inputs.data(), 2, &needs)) ==
        "damaged manifest: buffer 3 of 32 bytes does not fit its place");
}

TEST_CASE("hostile: what is computed late can't be used early") {
  auto text = [](auto change) {
    TestModel model = makeNonZero();
    change(model);
    return openText(model.write());
  };
  CHECK(text([](TestModel &) {}) == "");
  CHECK(text([](TestModel &m) { m.program().memory->arena_bytes = m.symbol(1); }) ==
        "damaged manifest: the arena's size depends on a value that is computed later");
  CHECK(text([](TestModel &m) { m.program().calls[0]->tasks = m.symbol(1); }) ==
        "damaged manifest: a call depends on a value that is computed later");
  CHECK(text([](TestModel &m) { m.program().calls[0]->rounds = m.symbol(1); }) ==
        "damaged manifest: a call depends on a value that is computed later");
  CHECK(text([](TestModel &m) { m.program().calls[0]->args[1] = 2; }) ==
        "damaged manifest: call 0 uses buffer 2 before its size is known");
  CHECK(text([](TestModel &m) { m.program().symbols[1]->index = 2; }) ==
        "damaged manifest: symbol 'found' is read from a buffer whose size is not known");
  CHECK(text([](TestModel &m) {
          m.program().symbols[1]->kind = SymbolKind::Derived;
          m.program().symbols[1]->expr = m.symbol(1);
        }) == "damaged manifest: symbol 1 is used before it is known");
}
