// Opening artifacts: what they say, and what is refused with which words.
#include "tests/unit/runtime/Check.h"

#include "runtime/src/artifact/Artifact.h"
#include "runtime/src/support/Error.h"

#include <cstring>
#include <filesystem>

using namespace lathe::test;
using namespace lathe::artifact;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

TEST_CASE("load: inputs and outputs") {
  Opened opened(makeAdder());
  lathe_artifact_t *artifact = opened.artifact.get();
  CHECK(lathe_artifact_input_count(artifact) == 2);
  CHECK(lathe_artifact_output_count(artifact) == 1);
  lathe_tensor_info_t info = LATHE_TENSOR_INFO_INIT;
  REQUIRE(textOf(lathe_artifact_input_info(artifact, 1, &info)) == "");
  CHECK(std::string(info.name) == "b");
  CHECK(info.dtype == LATHE_F32);
  REQUIRE(info.rank == 2);
  CHECK(info.shape[0] == -1);
  CHECK(info.shape[1] == 4);
  CHECK(std::string(info.dim_names[0]) == "d0");
  CHECK(textOf(lathe_artifact_output_info(artifact, 1, &info)) == "expects an index below 1, got 1");
  size_t index = 99;
  CHECK(textOf(lathe_artifact_find_input(artifact, "b", &index)) == "");
  CHECK(index == 1);
  CHECK(textOf(lathe_artifact_find_input(artifact, "c", &index)) == "no input 'c'; the model has 'a', 'b'");
}

TEST_CASE("load: structs of an older header are served") {
  Opened opened(makeAdder());
  struct {
    size_t struct_size;
    const char *name;
    uint64_t guard;
  } old = {sizeof(size_t) + sizeof(char *), nullptr, 42};
  auto *info = reinterpret_cast<lathe_tensor_info_t *>(&old);
  REQUIRE(textOf(lathe_artifact_input_info(opened.artifact.get(), 0, info)) == "");
  CHECK(std::string(old.name) == "a");
  CHECK(old.guard == 42);
  old.struct_size = 0;
  CHECK_THAT(textOf(lathe_artifact_input_info(opened.artifact.get(), 0, info)),
             ContainsSubstring("expects struct_size"));
}

TEST_CASE("load: files") {
  std::filesystem::path path = std::filesystem::temp_directory_path() / "lathe-load-test.lathe";
  lathe_artifact_t *artifact = nullptr;
  CHECK(textOf(lathe_artifact_open("/nonexistent/m.lathe", nullptr, &artifact)) ==
        "can't open '/nonexistent/m.lathe': No such file or directory");
  CHECK_THAT(textOf(lathe_artifact_open("/", nullptr, &artifact)), ContainsSubstring("not a regular file"));
  writeFile(path, {});
  CHECK_THAT(textOf(lathe_artifact_open(path.c_str(), nullptr, &artifact)),
             EndsWith("lathe-load-test.lathe: not a .lathe file: empty"));
  writeFile(path, {'P', 'K'});
  CHECK_THAT(textOf(lathe_artifact_open(path.c_str(), nullptr, &artifact)),
             EndsWith("lathe-load-test.lathe: not a .lathe file: expects it to start with 'LATHE'"));
  writeFile(path, makeAdder().write());
  CHECK(textOf(lathe_artifact_open(path.c_str(), nullptr, &artifact)) == "");
  std::filesystem::remove(path);
  CHECK(lathe_artifact_input_count(artifact) == 2);
  lathe_artifact_close(artifact);
  CHECK(codeOf(lathe_artifact_open(nullptr, nullptr, &artifact)) == LATHE_INVALID_ARGUMENT);
}

TEST_CASE("load: newer versions") {
  std::vector<uint8_t> file = makeAdder().write();
  auto patch = [&](size_t offset, uint32_t value) {
    std::vector<uint8_t> changed = file;
    std::memcpy(changed.data() + offset, &value, sizeof(value));
    fixDigest(changed);
    return openText(changed);
  };
  CHECK(patch(offsetof(lathe_artifact_header, version), LATHE_ARTIFACT_VERSION + 1) ==
        "expects artifact format 6, got 7: compile the model with this release");
  CHECK(patch(offsetof(lathe_artifact_header, kernel_abi), 9) ==
        "expects kernel interface 1 or older, got 9: compile the model with this release");
}

TEST_CASE("load: missing CPU features are named") {
  TestModel model = makeAdder();
  model.program().target->cpu = "future";
  model.program().target->features = {"sse2", "teleport", "warp"};
  CHECK(openText(model.write()) == "this CPU can't run the model: future needs teleport, warp");
  CHECK(openText(model.write(), LATHE_OPEN_INSPECT) == "");
  model.program().target->arch = "aarch64";
  CHECK(openText(model.write()) == "this CPU can't run the model: future needs architecture aarch64");
}

TEST_CASE("load: the first program that the CPU can run is taken") {
  TestModel model = makeAdder();
  model.manifest.programs.push_back(std::make_unique<ProgramT>(model.program()));
  model.program().target->features = {"avx2"};
  model.write(); // says where the code is
  // Both programs have the same code.
  model.manifest.programs[1]->code_offset = model.program().code_offset;
  model.manifest.programs[1]->code_packed_bytes = model.program().code_packed_bytes;
  model.manifest.programs[1]->code_bytes = model.program().code_bytes;
  AlignedBytes bytes(model.write());
  auto chosen = [&](lathe::runtime::FeatureTest hasFeature) {
    return lathe::runtime::Artifact(lathe::runtime::ArtifactBytes::borrow(bytes.data(), bytes.size()), 0, hasFeature)
        .programNumber();
  };
  CHECK(chosen([](std::string_view) { return true; }) == 0);
  CHECK(chosen([](std::string_view feature) { return feature == "sse2"; }) == 1);
  CHECK_THROWS_AS(chosen([](std::string_view) { return false; }), lathe::runtime::Error);
}

TEST_CASE("load: inspecting gives no session") {
  Opened opened(makeAdder(), LATHE_OPEN_INSPECT);
  lathe_session_t *session = nullptr;
  CHECK(textOf(lathe_session_create(opened.artifact.get(), nullptr, &session)) ==
        "the artifact was opened to inspect only");
  const void *data = nullptr;
  size_t size = 0;
  REQUIRE(textOf(lathe_artifact_manifest(opened.artifact.get(), &data, &size, nullptr)) == "");
  CHECK(GetManifest(data)->producer()->str() == "test");
}

TEST_CASE("load: damaged weights") {
  TestModel model = makeAdder();
  std::vector<uint8_t> file = model.write();
  file[headerOf(file).weights_offset] ^= 1;
  CHECK(openText(file, LATHE_OPEN_VERIFY_WEIGHTS) == "damaged file: the digest of the weights does not match");
  CHECK(openText(file) == "");
}
