// --quantize auto: the fastest artifact, or model in ONNX, whose outputs stay near those of f32.
#pragma once

#include "compiler/driver/Driver.h"

namespace lathe {

/// compileModel, or with --quantize auto a search. It compiles in 8-bit integers, measuring on the way what each node loses alone,
/// with 4-bit weights and in f32; then with the nodes that are predicted to be the best for maxError, correcting the prediction
/// by what was measured, as long as that and searchSeconds allow. At any time after f32's compilation the output path has the
/// fastest artifact within maxError so far, and the list of all that were tried stands beside it (paretoPath). Messages say
/// why f32 is all there is, if so. Status and messages as of compileModel.
CompileStatus compileWithSearch(const CompileOptions &options);
/// quantizeModel, or with --quantize auto the same search: each model that it writes is compiled from its file, and that artifact is
/// what is measured.
CompileStatus quantizeWithSearch(const CompileOptions &options);

} // namespace lathe
