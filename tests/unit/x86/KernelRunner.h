// Runs one kernel of the x86 backend in this process and compares it with the interpreter.
#pragma once

#include "backends/Backend.h"
#include "dialects/nn/NN.h"
#include "dialects/reference/Tensor.h"
#include "mlir/IR/OwningOpRef.h"
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lathe::test {

/// What cases run on that name no CPU: $LATHE_TEST_CPU, otherwise x86-64-v3.
std::string defaultCpu();

/// How a case is run and judged.
struct RunOptions {
  std::string cpu = defaultCpu();
  std::vector<std::vector<int64_t>> shapes; // of inputs whose types are symbolic; empty: types are static
  std::vector<unsigned> constants;          // inputs that the backend may ask to have packed
  bool knowsConstants = false;              // may it look at them when it plans?
  double relative = 2e-6, absolute = 1e-6;  // of floats: |actual - expected| <= absolute + relative * |expected|
  double low = -4, high = 4;                // range of random inputs; integers are cut to their type
  unsigned seed = 1;
  /// Contents of inputs that must not be random (indices); returns false for those that are.
  std::function<bool(unsigned input, reference::Tensor &tensor)> fill;
  std::string expectedKind; // of the kernel, if it matters
  size_t choice = 0;        // number of the plan in Backend::kernelPlans
};

/// A function of one operation: `text` without its types, operands %0, %1, ..; tensor types without `tensor<>`.
std::string oneOp(const std::string &text, const std::vector<std::string> &inputs,
                  const std::vector<std::string> &outputs, const std::string &attributes = "");

/// Runs the single nn operation of function `text` (MLIR assembly of a func.func). Gives "" if all outputs agree with the
/// interpreter and nothing was written outside of them, else what differs with the case itself.
std::string runCase(const std::string &text, const RunOptions &options = {});

/// The same with each of the operation's plans; `count`: how many there are.
std::string runChoices(const std::string &text, const RunOptions &options, size_t *count);

/// Compiles the operation only, for CPUs that this machine need not be: "" or what failed.
std::string compileCase(const std::string &text, const RunOptions &options);

/// The same for the assembly of the kernel; empty if it fails.
std::string assemblyOf(const std::string &text, const RunOptions &options);

/// The same for the error code: what the kernel returned.
int32_t runForCode(const std::string &text, const RunOptions &options);

/// A kernel that is ready to run over and over, with random inputs; not judged.
class PreparedKernel {
public:
  PreparedKernel(const std::string &text, const RunOptions &options);
  ~PreparedKernel();

  /// Why there is no kernel; "" if there is one. Nothing else may be called unless it is "".
  std::string problem;
  /// All tasks, on this thread.
  void run();
  mlir::Operation *operation() const;
  std::string name() const;
  double flops() const;
  int64_t tasks() const;
  /// Of inputs and outputs, dense.
  double bytes() const;
  /// Of an operand of the operation, before packing; of a result after a run. Dense, row-major.
  const void *input(unsigned i) const;
  /// Later runs read what is written there, unless the operand is packed.
  void *input(unsigned i) { return const_cast<void *>(std::as_const(*this).input(i)); }
  const void *output(unsigned i) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

/// CPUs whose code this machine can run: x86-64-v2 to v4, the last emulated (Target::parse) where it must be.
std::vector<std::string> runnableCpus();

/// Those that the machine is like, and one CPU of those with another form of the products of 8-bit integers, another one for
/// another case: emulation takes its time. All of them where LATHE_ALL_CPUS is set.
std::vector<std::string> integerCpus(const std::string &text);

} // namespace lathe::test
