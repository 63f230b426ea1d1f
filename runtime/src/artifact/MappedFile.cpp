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

Descriptor::~Descriptor() {
  if (number >= 0)
    close(number);
}

ArtifactBytes ArtifactBytes::mapFile(const std::string &path) {
  ArtifactBytes result;
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0)
    fail(LATHE_IO_ERROR, "can't open '{}': {}", path, strerror(errno));
  struct stat facts;
  if (fstat(file.number, &facts) != 0)
    fail(LATHE_IO_ERROR, "can't read '{}': {}", path, strerror(errno));
  if (!S_ISREG(facts.st_mode))
    fail(LATHE_IO_ERROR, "can't read '{}': not a regular file", path);
  if (facts.st_size == 0)
    fail(LATHE_BAD_ARTIFACT, "{}: not a .lathe file: empty", path);
  result.sizeBytes = static_cast<size_t>(facts.st_size);
  void *data = mmap(nullptr, result.sizeBytes, PROT_READ, MAP_SHARED, file.number, 0);
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

} // namespace lathe::runtime
