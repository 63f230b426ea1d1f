// What is known of the machine that code is generated for.
#pragma once

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace lathe {

/// One CPU target. `features` are LLVM names without sign ("avx2", "fma", "avx512f"), sorted; exactly those the code may
/// use and the loader must find. Cache sizes in bytes, of one core (L3: of the share that one core can count on).
struct Target {
  std::string cpu; // as given to --cpu, or the name of the host's processor
  std::string llvmCpu;
  std::vector<std::string> features;
  std::vector<std::string>
      carrier; // features of the CPU that runs the code in place of this one; empty: it is this one
  int64_t l1Bytes = 32 << 10, l2Bytes = 1 << 20, l3Bytes = 2 << 20;

  bool has(llvm::StringRef feature) const;
  /// Width of the vector registers that kernels use: 512 or 256 (128 without AVX2).
  int vectorBits() const;
  int vectorRegisters() const { return vectorBits() == 512 ? 32 : 16; }
  /// Short ISA name used in kernel names: avx512vnni, avx512, avxvnni, avx2, sse.
  std::string isa() const;
  /// Does another CPU run the code, which lacks some of the instructions? They are replaced by what computes the same bits.
  bool isEmulated() const { return !carrier.empty(); }
  /// What the loader must find: `carrier` if there is one, else `features`.
  const std::vector<std::string> &neededFeatures() const { return isEmulated() ? carrier : features; }

  /// `native`, x86-64-v2|v3|v4 or an LLVM CPU name; an error names what is known. `cascadelake/native`: all that is chosen and
  /// generated for the first, in instructions of the second, for tests on machines that lack some of them. Slow.
  static llvm::Expected<Target> parse(llvm::StringRef cpu);
  mlir::DictionaryAttr toAttribute(mlir::MLIRContext *context) const;
  static Target of(mlir::DictionaryAttr attribute);
};

} // namespace lathe
