// Files of the artifact writer: where weights, code and digests lie, and what is left of a file that can't be written.
#include "backends/artifact/ArtifactWriter.h"
#include "lathe/artifact.h"
#include "lathe/lathe.h"
#include "manifest_generated.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zstd.h>

using namespace lathe;
using namespace mlir;
namespace fs = std::filesystem;

namespace {

/// Packs by reversing the bytes.
struct ReversingBackend : Backend {
  FailureOr<KernelPlan> planKernel(Operation *, ArrayRef<bool>, const Target &) override { return failure(); }
  int64_t packedSizeBytes(RankedTensorType, Attribute) override { return 0; }
  void pack(const reference::Tensor &value, Attribute, char *out) override {
    std::reverse_copy(value.rawBytes().begin(), value.rawBytes().end(), out);
  }
  FailureOr<CodeImage> generate(plan::ProgramOp, const Target &, bool) override { return failure(); }
};

struct Weights {
  std::string value; // dense<...> : type
  int64_t sizeBytes;
  std::string packing = "unit";
};

/// A program y = f(x, weights...) whose kernel has no code to speak of.
std::string programText(const std::string &name, const std::vector<Weights> &weights) {
  std::string ops, operands = "%x", types = "tensor<4xf32>", packing = "unit", arguments = "%a: tensor<4xf32>";
  for (const Weights &entry : weights) {
    std::string number = std::to_string(operands.size());
    ops += "  %w" + number + " = plan.weights {value = " + entry.value + ", packing = " + entry.packing +
           ", size_bytes = " + std::to_string(entry.sizeBytes) + "}\n";
    operands += ", %w" + number;
    arguments += ", %a" + number + ": " + entry.value.substr(entry.value.rfind(": ") + 2);
    packing += ", " + entry.packing;
  }
  return "plan.program @" + name +
         " attributes {function_type = (tensor<4xf32>) -> tensor<4xf32>, input_names = [\"x\"], output_names = [\"y\"],"
         " target = {}} {\n  plan.kernel @k attributes {kind = \"map\", config = {}, packing = [" +
         packing +
         "], symbols = array<i64>, tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>,"
         " in_place = array<i64>} {\n  ^bb0(" +
         arguments + "):\n    nn.yield %a : tensor<4xf32>\n  }\n  %x = plan.input 0\n  %y = plan.output 0\n" + ops +
         "  plan.call @k ins(" + operands +
         ") outs(%y) {flops = affine_map<() -> (0)>, moved_bytes = affine_map<() -> (0)>}\n}\n";
}

class Folder {
public:
  Folder() : path(fs::temp_directory_path() / ("lathe-writer-" + std::to_string(getpid()))) {
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  std::string file(const std::string &name) const { return path / name; }
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto &entry : fs::directory_iterator(path))
      result.push_back(entry.path().filename());
    return result;
  }

  const fs::path path;
};

std::vector<char> readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Programs to be written, as often as a test likes.
class Writer {
public:
  explicit Writer(const std::vector<std::vector<Weights>> &programs) {
    context.loadDialect<nn::NNDialect, plan::PlanDialect>();
    std::string source;
    for (size_t i = 0; i < programs.size(); ++i)
      source += programText("p" + std::to_string(i), programs[i]);
    module = parseSourceString<ModuleOp>(source, &context);
    REQUIRE(module);
    for (auto program : module->getOps<plan::ProgramOp>()) {
      program.setTargetAttr(llvm::cantFail(Target::parse("x86-64-v3")).toAttribute(&context));
      char fill = char(compiled.size() + 1);
      compiled.push_back({program, {std::vector<char>(100, fill), {{"k", 0}}, ""}});
    }
  }

  llvm::Expected<ArtifactSizes> write(const std::string &path) {
    ReversingBackend backend;
    ArtifactText text;
    text.producer = "test";
    return writeArtifact(path, compiled, text, backend);
  }
  /// "" for success.
  std::string error(const std::string &path) {
    llvm::Expected<ArtifactSizes> sizes = write(path);
    return sizes ? "" : llvm::toString(sizes.takeError());
  }

  std::vector<CompiledProgram> compiled;

private:
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

/// A written file, taken apart.
struct Parsed {
  explicit Parsed(const std::string &path) : bytes(readFile(path)) {
    REQUIRE(bytes.size() >= sizeof(header));
    std::memcpy(&header, bytes.data(), sizeof(header));
    REQUIRE(header.manifest_offset + header.manifest_bytes <= bytes.size());
    unpacked = unpack(header.manifest_offset, header.manifest_bytes, header.manifest_unpacked_bytes);
    manifest = artifact::GetManifest(unpacked.data());
  }
  std::vector<char> unpack(uint64_t offset, uint64_t packedBytes, uint64_t size) const {
    std::vector<char> result(size);
    REQUIRE(ZSTD_decompress(result.data(), size, bytes.data() + offset, packedBytes) == size);
    return result;
  }
  /// Weight buffers of a program, in the order of its text.
  std::vector<const artifact::Buffer *> weights(unsigned program) const {
    std::vector<const artifact::Buffer *> result;
    for (const artifact::Buffer *buffer : *manifest->programs()->Get(program)->buffers())
      if (buffer->kind() == artifact::BufferKind::Weights)
        result.push_back(buffer);
    return result;
  }
  const char *at(const artifact::Buffer *buffer) const {
    return bytes.data() + manifest->weights()->Get(buffer->index())->offset() + buffer->offset();
  }

  std::vector<char> bytes, unpacked;
  lathe_artifact_header header;
  const artifact::Manifest *manifest;
};

const Weights kOnes = {"dense<1.0> : tensor<5xf32>", 20}, kRamp = {"dense<[1, 2, 3]> : tensor<3xi32>", 12},
              kReversed = {"dense<[1, 2, 3]> : tensor<3xi32>", 12, "\"reversed\""},
              kLarge = {"dense<7> : tensor<2500000xi8>", 2500000};

lathe_code_t openCode(std::vector<char> bytes) {
  // The runtime wants memory at a multiple of 64.
  std::unique_ptr<char, decltype(&free)> memory(static_cast<char *>(aligned_alloc(64, (bytes.size() + 63) / 64 * 64)),
                                                &free);
  std::memcpy(memory.get(), bytes.data(), bytes.size());
  lathe_artifact_options_t options = {sizeof(options), LATHE_OPEN_INSPECT | LATHE_OPEN_VERIFY_WEIGHTS};
  lathe_artifact_t *artifact = nullptr;
  lathe_status_t *status = lathe_artifact_open_memory(memory.get(), bytes.size(), &options, &artifact);
  lathe_code_t code = lathe_status_code(status);
  INFO(lathe_status_message(status));
  lathe_status_free(status);
  lathe_artifact_close(artifact);
  return code;
}

} // namespace

TEST_CASE("equal weights are stored once, at aligned places") {
  Folder folder;
  Writer writer({{kOnes, kRamp, kReversed, kOnes, kRamp, kReversed}});
  REQUIRE(writer.error(folder.file("a.lathe")) == "");
  Parsed file(folder.file("a.lathe"));
  auto weights = file.weights(0);
  REQUIRE(weights.size() == 6);
  for (int i = 0; i < 3; ++i) {
    CHECK(weights[i]->offset() == weights[i + 3]->offset());
    CHECK(weights[i]->offset() % LATHE_BUFFER_ALIGNMENT == 0);
  }
  CHECK(weights[0]->offset() != weights[1]->offset());
  CHECK(weights[1]->offset() != weights[2]->offset());
  CHECK(file.header.weights_bytes == 2 * LATHE_BUFFER_ALIGNMENT + 12);
  const float one = 1;
  CHECK(std::memcmp(file.at(weights[0]) + 16, &one, 4) == 0);
  CHECK(std::memcmp(file.at(weights[1]), "\1\0\0\0\2\0\0\0\3\0\0\0", 12) == 0);
  CHECK(std::memcmp(file.at(weights[2]), "\0\0\0\3\0\0\0\2\0\0\0\1", 12) == 0);
}

TEST_CASE("programs share the weights they have in common and have code of their own") {
  Folder folder;
  Writer writer({{kRamp, kOnes}, {kOnes, kReversed}});
  llvm::Expected<ArtifactSizes> sizes = writer.write(folder.file("a.lathe"));
  REQUIRE(bool(sizes));
  Parsed file(folder.file("a.lathe"));
  auto first = file.weights(0), second = file.weights(1);
  CHECK(first[1]->index() == second[0]->index());
  CHECK(file.at(first[1]) == file.at(second[0]));
  REQUIRE(file.manifest->weights()->size() == 3); // both, the first one's, the second one's
  for (const artifact::WeightsSegment *segment : *file.manifest->weights())
    CHECK(segment->offset() % LATHE_BUFFER_ALIGNMENT == 0);
  for (unsigned i = 0; i < 2; ++i) {
    const artifact::Program *program = file.manifest->programs()->Get(i);
    CHECK(program->code_bytes() == 100);
    CHECK(program->code_packed_bytes() < 100); // all bytes are the same
    CHECK(file.unpack(program->code_offset(), program->code_packed_bytes(), 100) == std::vector(100, char(i + 1)));
  }
  CHECK(sizes->fileBytes == file.bytes.size());
  CHECK(sizes->weightsBytes == file.header.weights_bytes);
  CHECK(sizes->manifestBytes == file.header.manifest_bytes);
  CHECK(sizes->codeBytes == file.header.code_bytes);
}

TEST_CASE("programs without weights have none in the file") {
  Folder folder;
  Writer writer({{}});
  REQUIRE(writer.error(folder.file("a.lathe")) == "");
  CHECK(Parsed(folder.file("a.lathe")).header.weights_bytes == 0);
  CHECK(openCode(readFile(folder.file("a.lathe"))) == LATHE_OK);
}

TEST_CASE("the runtime accepts a file, and none with a changed byte") {
  Folder folder;
  Writer writer({{kRamp, kLarge}});
  REQUIRE(writer.error(folder.file("a.lathe")) == "");
  Parsed file(folder.file("a.lathe"));
  uint64_t chunks = llvm::divideCeil(file.manifest->weights()->Get(0)->size(), LATHE_WEIGHTS_CHUNK_BYTES);
  REQUIRE(chunks > 2);
  REQUIRE(file.manifest->weights()->Get(0)->chunk_digests()->size() == chunks);
  CHECK(openCode(file.bytes) == LATHE_OK);
  uint64_t weights = file.manifest->weights()->Get(0)->offset();
  const std::pair<const char *, uint64_t> places[] = {
      {"reserved field of the header", offsetof(lathe_artifact_header, reserved)},
      {"manifest", file.header.manifest_offset + file.header.manifest_bytes / 2},
      {"code", file.header.code_offset + file.header.code_bytes / 2},
      {"first chunk of the weights", weights + 8},
      {"second chunk", weights + LATHE_WEIGHTS_CHUNK_BYTES + 5},
      {"end of the weights", file.header.weights_offset + file.header.weights_bytes - 1}};
  for (auto [name, place] : places) {
    INFO(name);
    std::vector<char> changed = file.bytes;
    changed[place] ^= 4;
    CHECK(openCode(changed) == LATHE_BAD_ARTIFACT);
  }
}

TEST_CASE("writing again gives the same bytes, in place of the old file") {
  Folder folder;
  Writer writer({{kRamp, kOnes}, {kReversed}});
  REQUIRE(writer.error(folder.file("a.lathe")) == "");
  std::ofstream(folder.file("b.lathe")) << "old";
  REQUIRE(writer.error(folder.file("b.lathe")) == "");
  CHECK(readFile(folder.file("a.lathe")) == readFile(folder.file("b.lathe")));
  CHECK(folder.names().size() == 2);
}

TEST_CASE("a full disk leaves the old file and nothing else") {
  Folder folder;
  Writer writer({{kLarge}});
  std::ofstream(folder.file("a.lathe")) << "old";
  // Files may grow to a megabyte only: the write fails in the middle of the weights.
  rlimit old, small;
  getrlimit(RLIMIT_FSIZE, &old);
  small = {1 << 20, old.rlim_max};
  auto *handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  std::string error = writer.error(folder.file("a.lathe"));
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  CHECK(error == "can't write '" + folder.file("a.lathe") + "': File too large");
  CHECK(folder.names() == std::vector<std::string>{"a.lathe"});
  CHECK(readFile(folder.file("a.lathe")).size() == 3);
}

TEST_CASE("places that can't be written to") {
  Folder folder;
  Writer writer({{kRamp}});
  CHECK(writer.error(folder.file("no/a.lathe")) ==
        "can't write '" + folder.file("no/a.lathe") + "': No such file or directory");
  CHECK(writer.error("/dev/full") == "can't write '/dev/full': not a regular file");
  CHECK(writer.error(folder.path) == "can't write '" + folder.path.string() + "': not a regular file");
  fs::permissions(folder.path, fs::perms::owner_read | fs::perms::owner_exec);
  // Root may write anywhere; as nobody's files are looked at, the folder's permissions count.
  setfsuid(geteuid() == 0 ? 65534 : geteuid());
  std::string error = writer.error(folder.file("a.lathe"));
  setfsuid(geteuid());
  fs::permissions(folder.path, fs::perms::owner_all);
  CHECK(error == "can't write '" + folder.file("a.lathe") + "': Permission denied");
  CHECK(folder.names().empty());
}

TEST_CASE("a kernel without code is refused before anything is written") {
  Folder folder;
  Writer writer({{kRamp}});
  writer.compiled[0].code.entries.clear();
  CHECK(writer.error(folder.file("a.lathe")) == "a program can't be put into an artifact");
  CHECK(folder.names().empty());
}
