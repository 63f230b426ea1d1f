//===- Header.h - the first bytes of an artifact ----------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_ARTIFACT_HEADER_H
#define LATHE_RUNTIME_ARTIFACT_HEADER_H

#include "lathe/artifact.h"

#include <span>

namespace lathe::runtime {

/// Reads the header of a file and checks it: magic, versions, regions inside
/// the file, digest of all but the weights. Throws Error.
lathe_artifact_header readHeader(std::span<const uint8_t> file);

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_ARTIFACT_HEADER_H
