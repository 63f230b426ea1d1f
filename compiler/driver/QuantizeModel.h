// `lathe quantize`: a model in ONNX with the nodes quantized that `lathe compile` would quantize, with the same integers.
#pragma once

#include "compiler/driver/Driver.h"

namespace lathe {

/// Writes options.outputPath (.onnx), and beside it OUTPUT.data if the model would exceed protobuf's 2 GiB. Of the options those
/// of quantization count; without `quantize` it is int8 with samples, else int8-dynamic. Never prints, never exits; on failure
/// nothing is written. May be called from several threads at once.
CompileStatus quantizeModel(const CompileOptions &options);

} // namespace lathe
