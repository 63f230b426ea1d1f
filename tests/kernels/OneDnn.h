// oneDNN's primitive for an operation, to measure beside.
#pragma once

#include "tests/unit/x86/KernelRunner.h"

namespace lathe::test {

/// A primitive, or several, that compute what a kernel computes, on the same inputs. Constant operands are in oneDNN's favourite
/// layout; where `free` is set the activations of convolutions are too, which whole networks can profit from.
class OneDnn {
public:
  OneDnn(const PreparedKernel &kernel, const std::vector<unsigned> &constants, bool free);
  ~OneDnn();

  /// Is there a primitive for it?
  explicit operator bool() const;
  void run();
  /// Dense, row-major; null if the layout is oneDNN's own.
  const float *output() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace lathe::test
