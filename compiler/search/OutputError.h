// How far the outputs of a quantized program are from those of f32.
#pragma once

#include "compiler/calibrate/Program.h"
#include <optional>
#include <vector>

namespace lathe {

enum class ErrorMetric {
  relative, ///< root of the summed squares of differences over that of the f32 outputs
  cosine,   ///< 1 - cosine between a sample's outputs, the mean over samples
  kl,       ///< Kullback-Leibler divergence (nats) between softmax of the last axis, the mean over rows: for logits
};
/// "relative", "cosine" or "kl".
std::optional<ErrorMetric> parseErrorMetric(llvm::StringRef text);

/// The f32 outputs of one run.
struct Outputs {
  struct Output {
    std::vector<float> values;
    size_t lastAxis = 1; // its size
  };
  std::vector<Output> outputs;
};

/// Runs a program on each sample, and keeps those outputs that `isFloat` says are f32.
llvm::Expected<std::vector<Outputs>> runAll(RunnableProgram &program, llvm::ArrayRef<reference::Tensors> samples,
                                            const std::vector<bool> &isFloat);

/// Of the worst output; 0: equal. Infinite where sizes differ or a number is not finite in one of both only.
double outputError(ErrorMetric metric, llvm::ArrayRef<Outputs> expected, llvm::ArrayRef<Outputs> actual);

} // namespace lathe
