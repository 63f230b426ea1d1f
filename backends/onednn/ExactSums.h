// Are sums of products of bytes exact in oneDNN?
#pragma once

#include "backends/x86/IntegerPlan.h"

namespace lathe::onednn {

/// Unsigned bytes times `root.weights`, constant signed ones without zero points, of the kernel to be `op`. oneDNN adds two products
/// in 16 bits that saturate (vpmaddubsw), unless the processor has AVX512_VNNI: then weights of 7 bits are exact. And it
/// may take sums through f32, before or after the zero point's part is added: all of them must be below 2^24.
bool hasExactSums(mlir::Operation *op, const x86::IntegerRoot &root, const Target &target);

} // namespace lathe::onednn
