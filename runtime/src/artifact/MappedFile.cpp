//===- MappedFile.cpp - memory of an artifact -----------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/artifact/MappedFile.h"

#include "runtime/src/support/Error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lathe::runtime {

Pages::~Pages() {
  if (base)
    munmap(base, sizeBytes);
}

ArtifactBytes::Descriptor::~Descriptor() { close(number); }

ArtifactBytes ArtifactBytes::mapFile(const std::string &path) {
  ArtifactBytes result;
  int number = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (number < 0)
    fail(LATHE_IO_ERROR, "can't open '{}': {}", path, strerror(errno));
  result.file = std::make_unique<Descriptor>(number);
  struct stat facts;
  if (fstat(number, &facts) != 0)
    fail(LATHE_IO_ERROR, "can't read '{}': {}", path, strerror(errno));
  if (!S_ISREG(facts.st_mode))
    fail(LATHE_IO_ERROR, "can't read '{}': not a regular file", path);
  if (facts.st_size == 0)
    fail(LATHE_BAD_ARTIFACT, "{}: not a .lathe file: empty", path);
  result.sizeBytes = static_cast<size_t>(facts.st_size);
  void *data = mmap(nullptr, result.sizeBytes, PROT_READ, MAP_SHARED, number, 0);
  if (data == MAP_FAILED)
    fail(LATHE_IO_ERROR, "can't map '{}': {}", path, strerror(errno));
  result.pages = Pages(data, result.sizeBytes);
  result.bytes = result.pages.data();
  return result;
}

ArtifactBytes ArtifactBytes::borrow(const void *data, size_t size) {
  ArtifactBytes result;
  result.bytes = static_cast<const uint8_t *>(data);
  result.sizeBytes = size;
  return result;
}

/// Copies code to fresh pages: for memory artifacts and for file systems that
/// are mounted without execution.
static Pages copyCode(const uint8_t *code, size_t size) {
  void *data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED)
    fail(LATHE_OUT_OF_MEMORY, "can't allocate {} bytes for code: {}", size, strerror(errno));
  Pages pages(data, size);
  std::memcpy(data, code, size);
  if (mprotect(data, size, PROT_READ | PROT_EXEC) != 0)
    fail(LATHE_IO_ERROR, "can't make code executable: {}", strerror(errno));
  return pages;
}

Pages ArtifactBytes::mapCode(uint64_t offset, uint64_t size) const {
  if (size == 0)
    return {};
  if (file) {
    void *data = mmap(nullptr, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, file->number, static_cast<off_t>(offset));
    if (data != MAP_FAILED)
      return Pages(data, size);
  }
  return copyCode(bytes + offset, size);
}

} // namespace lathe::runtime
