//===- MappedFile.h - memory of an artifact ---------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_ARTIFACT_MAPPEDFILE_H
#define LATHE_RUNTIME_ARTIFACT_MAPPEDFILE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace lathe::runtime {

/// Pages that are unmapped at the end.
class Pages {
public:
  Pages() = default;
  Pages(void *data, size_t size) : base(data), sizeBytes(size) {}
  Pages(Pages &&other) noexcept { swap(other); }
  Pages &operator=(Pages &&other) noexcept {
    swap(other);
    return *this;
  }
  ~Pages();

  const uint8_t *data() const { return static_cast<const uint8_t *>(base); }
  size_t size() const { return sizeBytes; }

private:
  void swap(Pages &other) {
    std::swap(base, other.base);
    std::swap(sizeBytes, other.sizeBytes);
  }

  void *base = nullptr;
  size_t sizeBytes = 0;
};

/// A file descriptor that is closed at the end.
struct Descriptor {
  explicit Descriptor(int number) : number(number) {}
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  ~Descriptor();
  int number; ///< -1: none
};

/// The bytes of an artifact: a file mapped read-only and shared between
/// processes, or memory of the host.
class ArtifactBytes {
public:
  /// Throws Error (LATHE_IO_ERROR) naming the path.
  static ArtifactBytes mapFile(const std::string &path);
  static ArtifactBytes borrow(const void *data, size_t size);

  const uint8_t *data() const { return bytes; }
  size_t size() const { return sizeBytes; }

private:
  Pages pages;
  const uint8_t *bytes = nullptr;
  size_t sizeBytes = 0;
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_ARTIFACT_MAPPEDFILE_H
