//===- Output.h - files that are there as a whole or not --------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_TOOLS_LATHE_OUTPUT_H
#define LATHE_TOOLS_LATHE_OUTPUT_H

#include <string>
#include <string_view>

namespace lathe::cli {

/// Writes a file beside its place, then renames it; "-" is the standard output.
/// Throws Failure.
void writeOutput(const std::string &path, std::string_view bytes);

/// Makes a folder and those above it. Throws Failure.
void makeFolder(const std::string &path);

} // namespace lathe::cli

#endif // LATHE_TOOLS_LATHE_OUTPUT_H
