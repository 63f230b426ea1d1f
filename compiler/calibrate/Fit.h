// Whether data fit an input, and their conversion to it.
#pragma once

#include "compiler/calibrate/Samples.h"

namespace lathe::samples {

/// No sample of one input is larger: what a header asks for is allocated only up to here.
inline constexpr int64_t kMaxSampleBytes = int64_t(4) << 30;

/// "f32", "i64", "u8", "bool".
std::string typeText(mlir::Type elementType);
/// "[1, 3, ?]".
std::string shapeText(llvm::ArrayRef<int64_t> shape);
/// "'a', 'b'"; the first ones of many.
std::string namesText(llvm::ArrayRef<std::string> names);

/// "0.5", "1e+300", "NaN", "-infinity".
std::string numberText(double value);

/// Puts "where: " in front of an error's message.
llvm::Error at(const llvm::Twine &where, llvm::Error error);

/// Error: elements of this type are never converted to the input's.
llvm::Error checkType(mlir::Type from, const InputSpec &input);
/// Error: a sample of this shape doesn't fit the input, or is empty or too large.
llvm::Error checkShape(llvm::ArrayRef<int64_t> shape, const InputSpec &input);
/// Error: axes of one symbol differ. Takes one shape per input.
llvm::Error checkSymbols(llvm::ArrayRef<llvm::SmallVector<int64_t>> shapes, llvm::ArrayRef<InputSpec> inputs);

/// The values as the input's element type. Error: NaN, infinity or a value that the type can't hold.
llvm::Expected<reference::Tensor> fitValues(reference::Tensor values, const InputSpec &input);

} // namespace lathe::samples
