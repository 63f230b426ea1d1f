//===- Unpack.cpp - packed bytes of an artifact ---------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/artifact/Unpack.h"

#include "runtime/src/support/Error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

namespace lathe::runtime {

void unpack(const char *what, std::span<const uint8_t> packed, std::span<uint8_t> bytes) {
  if (packed.size() == bytes.size()) {
    std::ranges::copy(packed, bytes.begin());
    return;
  }
  size_t got = ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size());
  if (ZSTD_isError(got))
    fail(LATHE_BAD_ARTIFACT, "damaged file: {} can't be unpacked: {}", what, ZSTD_getErrorName(got));
  if (got != bytes.size())
    fail(LATHE_BAD_ARTIFACT, "damaged file: expects {} of {} bytes, got {}", what, bytes.size(), got);
}

Pages unpackCode(std::span<const uint8_t> packed, size_t size) {
  if (size == 0)
    return {};
  void *data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (data == MAP_FAILED)
    fail(LATHE_OUT_OF_MEMORY, "can't allocate {} bytes for code: {}", size, strerror(errno));
  Pages pages(data, size);
  std::span<uint8_t> code(static_cast<uint8_t *>(data), size);
  unpack("code", packed, code);
  if (mprotect(data, size, PROT_READ | PROT_EXEC) == 0)
    return pages;
  return mapCodeFile(code);
}

namespace {
bool writeAll(int file, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    ssize_t count = write(file, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR)
      return false;
    bytes = bytes.subspan(count < 0 ? 0 : static_cast<size_t>(count));
  }
  return true;
}
} // namespace

Pages mapCodeFile(std::span<const uint8_t> code) {
  Descriptor file(memfd_create("lathe-code", MFD_CLOEXEC));
  if (file.number >= 0 && writeAll(file.number, code)) {
    void *data = mmap(nullptr, code.size(), PROT_READ | PROT_EXEC, MAP_PRIVATE, file.number, 0);
    if (data != MAP_FAILED)
      return {data, code.size()};
  }
  fail(LATHE_IO_ERROR, "can't make code executable: {}", strerror(errno));
}

} // namespace lathe::runtime
