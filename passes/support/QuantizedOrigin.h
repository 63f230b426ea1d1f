// Origins (dialects/support/Origin.h) of quantized values.
#pragma once

#include "dialects/support/Origin.h"
#include "passes/support/Match.h"

namespace lathe::nn {

/// The origin of a value: of the operation that defines it, or an argument of the function by its name.
std::optional<Origin> originOf(mlir::Value value);
/// Notes that `integers` are `value` (f32), quantized, if its origin, scale and zero point (may be null) are known and it has one of
/// each; else forgets what was noted.
void setQuantizedOrigin(mlir::Operation *integers, const std::optional<Origin> &value, mlir::Value scale,
                        mlir::Value zero);

} // namespace lathe::nn
