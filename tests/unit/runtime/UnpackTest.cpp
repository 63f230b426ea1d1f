// Packed manifests and code: what is damaged is refused, and code runs where memory can't be made executable.
#include "runtime/src/artifact/Unpack.h"
#include "runtime/src/support/Error.h"
#include "tests/unit/runtime/Check.h"

#include <cstring>
#include <random>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lathe::test;
using namespace lathe::runtime;
using Catch::Matchers::StartsWith;

namespace {

using Bytes = std::vector<uint8_t>;

/// "" for success.
std::string unpackText(const Bytes &packed, Bytes &bytes) {
  try {
    unpack("code", packed, bytes);
    return "";
  } catch (const Error &error) {
    return error.message;
  }
}

Bytes makeBytes() {
  Bytes bytes(5000);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<uint8_t>(i * i % 97);
  return bytes;
}

/// mov eax, 42; ret
const Bytes returns42 = {0xb8, 42, 0, 0, 0, 0xc3};

int call(const Pages &code) { return reinterpret_cast<int (*)()>(reinterpret_cast<uintptr_t>(code.data()))(); }

} // namespace

TEST_CASE("unpack: frames, and bytes as they are") {
  const Bytes bytes = makeBytes();
  for (const Bytes &packed : {pack(bytes), bytes}) {
    Bytes result(bytes.size());
    CHECK(unpackText(packed, result) == "");
    CHECK(result == bytes);
  }
  Bytes none;
  CHECK(unpackText({}, none) == "");
}

TEST_CASE("unpack: other sizes than those promised") {
  const Bytes frame = pack(makeBytes());
  Bytes larger(5001), smaller(4999), result(5000);
  CHECK(unpackText(frame, larger) == "damaged file: expects code of 5001 bytes, got 5000");
  CHECK_THAT(unpackText(frame, smaller), StartsWith("damaged file: code can't be unpacked: "));
  for (size_t size : {size_t(0), size_t(3), frame.size() / 2, frame.size() - 1}) {
    INFO("the first " << size);
    CHECK_THAT(unpackText({frame.begin(), frame.begin() + int64_t(size)}, result), StartsWith("damaged file: "));
  }
}

TEST_CASE("unpack: any change of a frame gives an error or as many bytes") {
  const Bytes frame = pack(makeBytes());
  std::mt19937 random(1);
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    Bytes changed = frame, result(5000);
    for (int flips = 1 + round % 3; flips > 0; --flips)
      changed[random() % changed.size()] = static_cast<uint8_t>(random());
    refused += unpackText(changed, result) != "";
  }
  CHECK(refused > 1000);
}

TEST_CASE("unpack: code is executable, packed or not, and from a file in memory") {
  Bytes large = returns42;
  large.resize(100000);
  CHECK(call(unpackCode(returns42, returns42.size())) == 42);
  CHECK(call(unpackCode(pack(large), large.size())) == 42);
  CHECK(call(mapCodeFile(large)) == 42);
  CHECK(unpackCode({}, 0).size() == 0);
}

TEST_CASE("unpack: code runs where no memory may become executable") {
  constexpr int setMdwe = 65, refuseExecGain = 1; // PR_SET_MDWE of Linux 6.3
  enum { Works, Fails, Unsupported };
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (prctl(setMdwe, refuseExecGain, 0, 0, 0) != 0)
      _exit(Unsupported);
    try {
      _exit(call(unpackCode(returns42, returns42.size())) == 42 ? Works : Fails);
    } catch (const Error &) {
      _exit(Fails);
    }
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == Unsupported)
    SKIP("this Linux can't forbid it");
  CHECK(WEXITSTATUS(status) == Works);
}

TEST_CASE("unpack: packed artifacts open, and damage with a right digest is an error or no harm") {
  const Bytes file = makeAdder().write(/*packs=*/true);
  CHECK(openText(file) == "");
  lathe_artifact_header header = headerOf(file);
  CHECK(header.manifest_bytes < header.manifest_unpacked_bytes);
  auto changedHeader = [&](uint64_t unpackedBytes) {
    Bytes changed = file;
    lathe_artifact_header other = header;
    other.manifest_unpacked_bytes = unpackedBytes;
    std::memcpy(changed.data(), &other, sizeof(other));
    fixDigest(changed);
    return openText(changed);
  };
  CHECK(changedHeader(header.manifest_unpacked_bytes) == "");
  CHECK_THAT(changedHeader(header.manifest_unpacked_bytes + 8), StartsWith("damaged file: expects the manifest of"));
  CHECK_THAT(changedHeader(header.manifest_unpacked_bytes - 8), StartsWith("damaged file: the manifest can't be"));
  CHECK_THAT(changedHeader(~uint64_t(0)), StartsWith("damaged header: expects a manifest of at most"));
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    Bytes changed = file;
    changed[header.code_offset + random() % (header.code_bytes + header.manifest_bytes)] ^=
        static_cast<uint8_t>(1 + random() % 255);
    fixDigest(changed);
    openText(changed); // an error or not: no crash
  }
}
