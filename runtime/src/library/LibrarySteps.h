//===- LibrarySteps.h - what follows a library's sums -----------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_LIBRARY_LIBRARYSTEPS_H
#define LATHE_RUNTIME_LIBRARY_LIBRARYSTEPS_H

#include "manifest_generated.h"

namespace lathe::runtime {

/// Is the result of bytes? Then the last step quantizes, and sums need memory
/// of their own.
bool givesBytes(const artifact::LibraryKernel &kernel);

/// Elements that a step's argument has, of `size` bytes each.
struct StepTensor {
  uint32_t arg;
  uint64_t elements, size;
};
/// False: the step has no argument.
bool readsTensor(const artifact::LibraryKernel &kernel, const artifact::LibraryStep &step, uint64_t resultElements,
                 StepTensor &tensor);

/// Applies all steps to `count` sums, whole pixels. The first of them is element
/// `firstElement` of the result; bytes are written to `target`, which belongs
/// to it. Without bytes, sums are changed where they are.
void applySteps(const artifact::LibraryKernel &kernel, void *const *args, float *sums, void *target,
                int64_t firstElement, int64_t count);

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_LIBRARY_LIBRARYSTEPS_H
