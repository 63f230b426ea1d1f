//===- Unpack.h - packed bytes of an artifact -------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_ARTIFACT_UNPACK_H
#define LATHE_RUNTIME_ARTIFACT_UNPACK_H

#include "runtime/src/artifact/MappedFile.h"

#include <span>

namespace lathe::runtime {

/// Fills `bytes` with what `packed` stands for: a Zstandard frame (RFC 8878), or
/// the bytes themselves if there are as many. Throws Error (LATHE_BAD_ARTIFACT)
/// naming `what`.
void unpack(const char *what, std::span<const uint8_t> packed, std::span<uint8_t> bytes);

/// Code of `size` bytes in executable pages. They are never writable at the same
/// time. Throws Error.
Pages unpackCode(std::span<const uint8_t> packed, size_t size);

/// Code in pages of a file that is in memory only: for hosts that allow no
/// memory to become executable after it was written (systemd's
/// MemoryDenyWriteExecute, SELinux's execmem), but files to be mapped so. Throws
/// Error.
Pages mapCodeFile(std::span<const uint8_t> code);

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_ARTIFACT_UNPACK_H
