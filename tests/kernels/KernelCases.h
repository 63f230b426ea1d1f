// The operations that kernels are tested and measured with: tests/unit/x86/kernel_cases.json.
#pragma once

#include "tests/unit/x86/KernelRunner.h"

namespace lathe::test {

/// One operation with its types.
struct KernelCase {
  std::string op; // as oneOp takes it
  std::vector<std::string> inputs, outputs;
  std::vector<unsigned> constants;
  std::vector<std::string> models; // where it comes from

  /// A func.func of it.
  std::string text() const;
  /// "matmul 128x768, 768x768", with what matters of the attributes.
  std::string title() const;
  /// Sum of the elements of the inputs and outputs.
  int64_t elements() const;
};

/// All cases of the file. Ends the program with a message if it can't be read.
std::vector<KernelCase> readKernelCases(const std::string &path);

/// Indices of operands (gathers, lengths) need no random numbers; all else does.
RunOptions optionsOf(const KernelCase &kernelCase);

} // namespace lathe::test
