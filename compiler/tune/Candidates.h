// The plans of one operation as code that can be run.
#pragma once

#include "backends/run/KernelImage.h"
#include "compiler/pipeline/KernelBuilder.h"
#include "compiler/tune/TaskRunner.h"

namespace lathe {

/// Weights as a kernel reads them; shared, so that none are taken for others at the same address.
using PackedBytes = std::shared_ptr<const std::vector<char>>;

/// Made-up memory for kernels that are measured. Weights lie in one large array that calls go through in turns, so that they
/// are as cold as in a program with so many bytes of weights; everything else stays warm, as if just written.
class MadeUpMemory {
public:
  /// `programWeightsBytes`: of all weights of the program; `programValuesBytes`: of all values that it computes.
  MadeUpMemory(int64_t programWeightsBytes, int64_t programValuesBytes);
  /// Weights of so many bytes, others than the last time if there are enough.
  void *nextWeights(int64_t bytes);
  /// A copy of these weights, another one than the last time if there is room for several; for weights that numbers can't stand for.
  void *nextCopy(const PackedBytes &content);
  /// Numbers for input `index`, memory for output `index`: they lie elsewhere after a call with more bytes.
  void *input(size_t index, int64_t bytes) { return buffer(inputs, index, bytes); }
  void *output(size_t index, int64_t bytes) { return buffer(outputs, index, bytes); }
  /// For inputs that are not numbers.
  void *zeros(int64_t bytes);
  /// Puts caches into the state that the rest of a program leaves them in: all threads of `runner` read as much as it has.
  void readOthers(TaskRunner &runner);
  /// Reads an input, so that it is as warm as if just written.
  static void read(const void *input, int64_t bytes);

private:
  using Buffer = std::vector<float>;
  static void fill(Buffer &memory, size_t bytes);
  static void *buffer(std::vector<Buffer> &buffers, size_t index, int64_t bytes);

  const int64_t othersBytes;
  Buffer weights, others, zeroBuffer, copies;
  PackedBytes copied; // what lies in `copies`
  std::vector<Buffer> inputs, outputs;
  size_t weightsAt = 0, copyAt = 0;
};

class Candidates {
public:
  /// Compiles `plans` for `op` (with fixed sizes); `library` prepares those that are a library's and may be null where there are
  /// none. `constants` as KernelBuilder takes them. Failure: diagnostics were emitted, or the code can't be mapped.
  static mlir::FailureOr<Candidates> compile(mlir::Operation *op, llvm::ArrayRef<mlir::ElementsAttr> constants,
                                             llvm::ArrayRef<KernelPlan> plans, Backend &backend, const Target &target,
                                             const MeasuredLibrary *library);
  size_t size() const { return kernels.size(); }
  enum Caches {
    warm,     // inputs and code are as the run before left them
    inProgram // code, too, is as cold as after all the rest of a program
  };
  /// Seconds of one run of plan number `index`; infinite where the library refuses it or fails.
  double run(size_t index, MadeUpMemory &memory, TaskRunner &runner, Caches caches = warm) const;
  /// Why the library refuses a plan; empty if it refuses none.
  const std::string &refusal() const { return refused; }

private:
  struct Argument {
    enum Role { weights, packed, numbers, zeros, result } role;
    int64_t bytes;
    PackedBytes content = nullptr; // if it is `packed`
  };
  struct Kernel {
    std::vector<Argument> arguments;
    int64_t tasks, scratchBytes;
    lathe_kernel_fn function;              // null: a library's
    std::unique_ptr<MeasuredCall> library; // null, too: refused
  };
  static Kernel kernelOf(const KernelUse &use, mlir::Operation *op, llvm::ArrayRef<mlir::ElementsAttr> constants,
                         Backend &backend);
  mlir::LogicalResult prepare(plan::KernelOp op, Kernel &kernel, const MeasuredLibrary &library);
  mlir::LogicalResult map(const CodeImage &code, mlir::Operation *op);

  std::optional<KernelImage> image;
  std::vector<Kernel> kernels; // one per plan
  std::string refused;
};

} // namespace lathe
