//===- Validate.h - trust nothing in a manifest -----------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// After these checks every index, offset, count and expression of a manifest
// can be used without looking again. What depends on the shapes of a run is
// checked when they are bound (session/Shapes.h).
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_ARTIFACT_VALIDATE_H
#define LATHE_RUNTIME_ARTIFACT_VALIDATE_H

#include "lathe/artifact.h"
#include "runtime/src/artifact/Schedule.h"

#include <span>

namespace lathe::runtime {

/// Checks everything that does not need a schedule. Throws Error
/// (LATHE_BAD_ARTIFACT). The manifest lies in `bytes`.
const artifact::Manifest &validateManifest(std::span<const uint8_t> bytes, const lathe_artifact_header &header);

/// Checks that no call, size or offset of a program needs a symbol that is
/// known only later. Throws Error (LATHE_BAD_ARTIFACT).
void validateSchedule(const artifact::Program &program, const Schedule &schedule);

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_ARTIFACT_VALIDATE_H
