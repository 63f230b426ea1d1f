//===- MathTable.h - functions that kernels may call ------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_EXECUTOR_MATHTABLE_H
#define LATHE_RUNTIME_EXECUTOR_MATHTABLE_H

#include "lathe/artifact.h"

namespace lathe::runtime {

/// Table of this process; immutable.
const lathe_kernel_api &kernelApi();

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_EXECUTOR_MATHTABLE_H
