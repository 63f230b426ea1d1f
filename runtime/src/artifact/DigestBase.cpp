//===- DigestBase.cpp - digests of weights --------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/artifact/Digest.h"

#include <xxhash.h>

uint64_t lathe::runtime::digestBase(const void *bytes, size_t size) { return XXH3_64bits(bytes, size); }
