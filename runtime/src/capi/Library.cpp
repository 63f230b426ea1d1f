//===- Library.cpp - what makes the shared library ------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// The shared library is the static one as a whole; CMake wants a source.
//
//===----------------------------------------------------------------------===//
#include "lathe/lathe.h"
