// 4-bit weights that are chosen with data: products of precision int4 (passes/quantize/Precision.h) whose method is not rtn, which
// needs none and is left to --lathe-insert-quantization.
#pragma once

#include "compiler/calibrate/Taps.h"

namespace lathe {

struct Int4Progress {
  /// Told how many products are done, of how many.
  std::function<void(size_t done, size_t count)> products;
};

/// Are there such products? Those whose matrix belongs to products of several inputs don't count: nearest numbers serve all of them.
bool needsMoments(mlir::func::FuncOp function);

/// Replaces the weights of these products by dequantized integers, as the samples' inputs of each product ask for. Memory: what second
/// moments take (depth * depth floats) of as many inputs as fit 1 GiB, or of one; the samples are run once for each such part.
/// Inputs whose squares are not finite tell nothing: nearest numbers are left. Error: a sample can't be loaded or run; names the
/// reason.
llvm::Error quantizeWithMoments(mlir::func::FuncOp function, SampleSource &samples, Backend &backend,
                                const TapOptions &taps, const Int4Progress &progress);

} // namespace lathe
