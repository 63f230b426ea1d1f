//===- DigestAvx2.cpp - digests of weights --------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// Compiled for AVX2. No header of C++ may be here: the linker could take its
// inline functions for the whole library.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/artifact/Digest.h"

#include <xxhash.h>

uint64_t lathe::runtime::digestAvx2(const void *bytes, size_t size) { return XXH3_64bits(bytes, size); }
