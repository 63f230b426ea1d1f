//===- Header.cpp - the first bytes of an artifact ------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/artifact/Header.h"

#include "runtime/src/support/Error.h"

#include <cstring>
#include <xxhash.h>

namespace lathe::runtime {
namespace {

void checkMagic(std::span<const uint8_t> file) {
  if (file.size() < LATHE_ARTIFACT_MAGIC_BYTES ||
      std::memcmp(file.data(), LATHE_ARTIFACT_MAGIC, LATHE_ARTIFACT_MAGIC_BYTES) != 0)
    fail(LATHE_BAD_ARTIFACT, "not a .lathe file: expects it to start with 'LATHE'");
  if (file.size() < sizeof(lathe_artifact_header))
    fail(LATHE_BAD_ARTIFACT, "truncated file: expects a header of {} bytes, got {}", sizeof(lathe_artifact_header),
         file.size());
}

void checkVersions(const lathe_artifact_header &header) {
  if (header.version != LATHE_ARTIFACT_VERSION)
    fail(LATHE_INCOMPATIBLE, "expects artifact format {}, got {}: compile the model with this release",
         LATHE_ARTIFACT_VERSION, header.version);
  if (header.kernel_abi == 0 || header.kernel_abi > LATHE_KERNEL_ABI_VERSION)
    fail(LATHE_INCOMPATIBLE, "expects kernel interface {} or older, got {}: compile the model with this release",
         LATHE_KERNEL_ABI_VERSION, header.kernel_abi);
  if (header.header_bytes != sizeof(lathe_artifact_header) || header.alignment != LATHE_BUFFER_ALIGNMENT)
    fail(LATHE_BAD_ARTIFACT, "damaged header: unexpected header size or alignment");
}

void checkRegion(const char *name, uint64_t offset, uint64_t bytes, uint64_t fileBytes) {
  if (offset < sizeof(lathe_artifact_header) || offset > fileBytes || bytes > fileBytes - offset)
    fail(LATHE_BAD_ARTIFACT, "damaged header: {} at {} of {} bytes does not fit in a file of {}", name, offset, bytes,
         fileBytes);
}

void checkRegions(const lathe_artifact_header &header, size_t fileBytes) {
  if (header.file_bytes > fileBytes)
    fail(LATHE_BAD_ARTIFACT, "truncated file: expects {} bytes, got {}", header.file_bytes, fileBytes);
  if (header.file_bytes < fileBytes)
    fail(LATHE_BAD_ARTIFACT, "damaged file: expects {} bytes, got {}", header.file_bytes, fileBytes);
  checkRegion("the manifest", header.manifest_offset, header.manifest_bytes, fileBytes);
  checkRegion("code", header.code_offset, header.code_bytes, fileBytes);
  checkRegion("the weights region", header.weights_offset, header.weights_bytes, fileBytes);
}

void checkDigest(lathe_artifact_header header, std::span<const uint8_t> file) {
  uint8_t expected[sizeof(header.digest)];
  std::memcpy(expected, header.digest, sizeof(expected));
  std::memset(header.digest, 0, sizeof(header.digest));
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  XXH3_128bits_update(&state, &header, sizeof(header));
  XXH3_128bits_update(&state, file.data() + header.manifest_offset, header.manifest_bytes);
  XXH3_128bits_update(&state, file.data() + header.code_offset, header.code_bytes);
  XXH128_canonical_t actual;
  XXH128_canonicalFromHash(&actual, XXH3_128bits_digest(&state));
  if (std::memcmp(actual.digest, expected, sizeof(expected)) != 0)
    fail(LATHE_BAD_ARTIFACT, "damaged file: the digest of manifest and code does not match");
}

} // namespace

lathe_artifact_header readHeader(std::span<const uint8_t> file) {
  checkMagic(file);
  lathe_artifact_header header;
  std::memcpy(&header, file.data(), sizeof(header));
  checkVersions(header);
  checkRegions(header, file.size());
  checkDigest(header, file);
  return header;
}

} // namespace lathe::runtime
