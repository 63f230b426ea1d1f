// The plans of one operation as code that can be run.
#pragma once

#include "backends/run/KernelImage.h"
#include "compiler/pipeline/KernelBuilder.h"
#include "compiler/tune/TaskRunner.h"

namespace lathe {

/// Made-up memory for kernels that are measured. Weights lie in one large array that calls go through in turns, so that they
/// are as cold as in a program with so many bytes of weights; everything else stays warm, as if just written.
class MadeUpMemory {
public:
  /// `programWeightsBytes`: of all weights of the program.
  explicit MadeUpMemory(int64_t programWeightsBytes);
  /// Weights of so many bytes, others than the last time if there are enough.
  void *nextWeights(int64_t bytes);
  /// Numbers for input `index`, memory for output `index`: they lie elsewhere after a call with more bytes.
  void *input(size_t index, int64_t bytes) { return buffer(inputs, index, bytes); }
  void *output(size_t index, int64_t bytes) { return buffer(outputs, index, bytes); }
  /// For inputs that are not numbers.
  void *zeros(int64_t bytes);

private:
  using Buffer = std::vector<float>;
  static void fill(Buffer &memory, size_t bytes);
  static void *buffer(std::vector<Buffer> &buffers, size_t index, int64_t bytes);

  Buffer weights, zeroBuffer;
  std::vector<Buffer> inputs, outputs;
  size_t weightsAt = 0;
};

class Candidates {
public:
  /// Compiles `plans` for `op` (with fixed sizes). `constants` as KernelBuilder takes them. Failure: diagnostics were emitted, or
  /// the code can't be mapped.
  static mlir::FailureOr<Candidates> compile(mlir::Operation *op, llvm::ArrayRef<mlir::ElementsAttr> constants,
                                             llvm::ArrayRef<KernelPlan> plans, Backend &backend, const Target &target);
  size_t size() const { return kernels.size(); }
  /// Seconds of one run of plan number `index`.
  double run(size_t index, MadeUpMemory &memory, TaskRunner &runner) const;

private:
  struct Argument {
    enum Role { weights, numbers, zeros, result } role;
    int64_t bytes;
  };
  struct Kernel {
    std::vector<Argument> arguments;
    int64_t tasks, scratchBytes;
  };
  explicit Candidates(KernelImage image) : image(std::move(image)) {}

  KernelImage image;
  std::vector<Kernel> kernels; // in the order of the image's entries
};

} // namespace lathe
