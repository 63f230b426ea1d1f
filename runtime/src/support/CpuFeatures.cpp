//===- CpuFeatures.cpp - what this CPU can do -----------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// CPUID bits by LLVM's feature names. The register files that the operating
// system must save for a feature to be usable are read from XCR0.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/support/CpuFeatures.h"

#include <cpuid.h>
#include <cstdint>
#include <sys/syscall.h>
#include <unistd.h>

namespace lathe::runtime {
namespace {

enum class Register : uint8_t { Eax, Ebx, Ecx, Edx };
/// What of XCR0 must be on.
enum class State : uint8_t { None, Avx, Avx512, Amx };

struct Feature {
  std::string_view name;
  uint32_t leaf, subleaf;
  Register reg;
  uint8_t bit;
  State state;
};

using enum Register;
using enum State;

constexpr Feature features[] = {
    {"cmov", 1, 0, Edx, 15, None},
    {"cx8", 1, 0, Edx, 8, None},
    {"mmx", 1, 0, Edx, 23, None},
    {"fxsr", 1, 0, Edx, 24, None},
    {"sse", 1, 0, Edx, 25, None},
    {"sse2", 1, 0, Edx, 26, None},
    {"sse3", 1, 0, Ecx, 0, None},
    {"pclmul", 1, 0, Ecx, 1, None},
    {"ssse3", 1, 0, Ecx, 9, None},
    {"fma", 1, 0, Ecx, 12, Avx},
    {"cx16", 1, 0, Ecx, 13, None},
    {"sse4.1", 1, 0, Ecx, 19, None},
    {"sse4.2", 1, 0, Ecx, 20, None},
    {"crc32", 1, 0, Ecx, 20, None},
    {"movbe", 1, 0, Ecx, 22, None},
    {"popcnt", 1, 0, Ecx, 23, None},
    {"aes", 1, 0, Ecx, 25, None},
    {"xsave", 1, 0, Ecx, 26, None},
    {"avx", 1, 0, Ecx, 28, Avx},
    {"f16c", 1, 0, Ecx, 29, Avx},
    {"rdrnd", 1, 0, Ecx, 30, None},
    {"fsgsbase", 7, 0, Ebx, 0, None},
    {"bmi", 7, 0, Ebx, 3, None},
    {"avx2", 7, 0, Ebx, 5, Avx},
    {"bmi2", 7, 0, Ebx, 8, None},
    {"avx512f", 7, 0, Ebx, 16, Avx512},
    {"avx512dq", 7, 0, Ebx, 17, Avx512},
    {"rdseed", 7, 0, Ebx, 18, None},
    {"adx", 7, 0, Ebx, 19, None},
    {"avx512ifma", 7, 0, Ebx, 21, Avx512},
    {"clflushopt", 7, 0, Ebx, 23, None},
    {"clwb", 7, 0, Ebx, 24, None},
    {"avx512cd", 7, 0, Ebx, 28, Avx512},
    {"sha", 7, 0, Ebx, 29, None},
    {"avx512bw", 7, 0, Ebx, 30, Avx512},
    {"avx512vl", 7, 0, Ebx, 31, Avx512},
    {"avx512vbmi", 7, 0, Ecx, 1, Avx512},
    {"avx512vbmi2", 7, 0, Ecx, 6, Avx512},
    {"gfni", 7, 0, Ecx, 8, None},
    {"vaes", 7, 0, Ecx, 9, Avx},
    {"vpclmulqdq", 7, 0, Ecx, 10, Avx},
    {"avx512vnni", 7, 0, Ecx, 11, Avx512},
    {"avx512bitalg", 7, 0, Ecx, 12, Avx512},
    {"avx512vpopcntdq", 7, 0, Ecx, 14, Avx512},
    {"avx512vp2intersect", 7, 0, Edx, 8, Avx512},
    {"amx-bf16", 7, 0, Edx, 22, Amx},
    {"avx512fp16", 7, 0, Edx, 23, Avx512},
    {"amx-tile", 7, 0, Edx, 24, Amx},
    {"amx-int8", 7, 0, Edx, 25, Amx},
    {"avxvnni", 7, 1, Eax, 4, Avx},
    {"avx512bf16", 7, 1, Eax, 5, Avx512},
    {"amx-fp16", 7, 1, Eax, 21, Amx},
    {"avxifma", 7, 1, Eax, 23, Avx},
    {"avxvnniint8", 7, 1, Edx, 4, Avx},
    {"avxneconvert", 7, 1, Edx, 5, Avx},
    {"xsaveopt", 0xd, 1, Eax, 0, None},
    {"xsavec", 0xd, 1, Eax, 1, None},
    {"xsaves", 0xd, 1, Eax, 3, None},
    {"sahf", 0x80000001, 0, Ecx, 0, None},
    {"lzcnt", 0x80000001, 0, Ecx, 5, None},
    {"sse4a", 0x80000001, 0, Ecx, 6, None},
    {"prfchw", 0x80000001, 0, Ecx, 8, None},
    {"64bit", 0x80000001, 0, Edx, 29, None},
};

/// Extended control register 0: what the operating system saves.
uint64_t readXcr0() {
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE))
    return 0;
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t(high) << 32) | low;
}

/// Asks Linux for the registers of AMX, which it keeps from processes that don't; the answer is the same for all threads.
bool mayUseTiles() {
  constexpr long requestPermission = 0x1023, tileData = 18; // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
}

bool isSaved(State state) {
  constexpr uint64_t avx = 0x6, avx512 = 0xe6, amx = 0x60000;
  switch (state) {
  case None:
    return true;
  case Avx:
    return (readXcr0() & avx) == avx;
  case Avx512:
    return (readXcr0() & avx512) == avx512;
  case Amx:
    return (readXcr0() & amx) == amx && mayUseTiles();
  }
  return false;
}

bool hasBit(const Feature &feature) {
  unsigned reg[4] = {};
  if (!__get_cpuid_count(feature.leaf, feature.subleaf, &reg[0], &reg[1], &reg[2], &reg[3]))
    return false;
  return (reg[static_cast<unsigned>(feature.reg)] >> feature.bit) & 1;
}

} // namespace

bool cpuSupports(std::string_view name) {
  for (const Feature &feature : features)
    if (feature.name == name)
      return hasBit(feature) && isSaved(feature.state);
  return false;
}

std::string_view cpuArch() { return "x86_64"; }

} // namespace lathe::runtime
