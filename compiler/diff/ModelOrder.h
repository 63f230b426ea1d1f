// Values as an artifact holds them (other units, other orders of axes) and as the model has them: row-major f32.
#pragma once

#include "compiler/diff/ObservedProgram.h"

namespace lathe::diff {

/// Can `value` hold a tensor of the model of this shape?
bool fits(const ObservedValue &value, llvm::ArrayRef<int64_t> shape);
/// Reads a value that fits.
void readValue(const ObservedValue &value, llvm::ArrayRef<int64_t> shape, std::vector<float> &numbers);
/// Overwrites a value that fits; integers are rounded and saturated.
void writeValue(const ObservedValue &value, llvm::ArrayRef<int64_t> shape, const std::vector<float> &numbers);
/// Numbers of the model as the value's scale counts them.
std::vector<float> withoutFactors(const ObservedValue &value, llvm::ArrayRef<int64_t> shape,
                                  std::vector<float> numbers);
/// Elements of a tensor of any type but strings; of complex and unknown types none.
std::vector<float> toFloats(const OutputView &output);

} // namespace lathe::diff
