//===- CpuFeatures.h - what this CPU can do ---------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_SUPPORT_CPUFEATURES_H
#define LATHE_RUNTIME_SUPPORT_CPUFEATURES_H

#include <string_view>

namespace lathe::runtime {

/// Whether the CPU and the operating system support a feature, by LLVM's name
/// for it ("avx2", "avx512vnni"). Names this runtime doesn't know are false.
bool cpuSupports(std::string_view feature);

/// Architecture of this process as artifacts name it: "x86_64".
std::string_view cpuArch();

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_SUPPORT_CPUFEATURES_H
