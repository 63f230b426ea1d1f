//===- Digest.h - digests of weights ----------------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_ARTIFACT_DIGEST_H
#define LATHE_RUNTIME_ARTIFACT_DIGEST_H

#include <stddef.h>
#include <stdint.h>

namespace lathe::runtime {

/// XXH3-64 of some bytes, by the vectors that every x86-64 has.
uint64_t digestBase(const void *bytes, size_t size);
/// The same by AVX2; twice as fast, so that memory is what limits it.
uint64_t digestAvx2(const void *bytes, size_t size);

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_ARTIFACT_DIGEST_H
