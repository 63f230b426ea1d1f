//===- ValidateLibrary.h - checks of library calls --------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_ARTIFACT_VALIDATELIBRARY_H
#define LATHE_RUNTIME_ARTIFACT_VALIDATELIBRARY_H

#include "manifest_generated.h"

namespace lathe::runtime {

/// Sizes are positive, fit each other, and their products don't overflow.
/// Throws Error (LATHE_BAD_ARTIFACT).
void checkLibraryKernel(const artifact::LibraryKernel &kernel);
/// The call has the arguments that its kernel names, and the weights are in
/// the file as a whole. Indices of buffers and expressions were checked.
void checkLibraryArgs(const artifact::LibraryKernel &kernel, const artifact::Call &call,
                      const artifact::Manifest &manifest, const artifact::Program &program);

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_ARTIFACT_VALIDATELIBRARY_H
