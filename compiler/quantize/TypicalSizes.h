// Sizes that a model will be used with, for costs of what has open ones.
#pragma once

#include "compiler/calibrate/Samples.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace lathe {

/// One per symbol of a function (dialects/support/Symbols.h).
using SymbolValues = llvm::SmallVector<int64_t>;

/// What is taken where nothing is known: one element of a batch (the first axis of an input of several), else as guessSymbols; within
/// the bounds of --dim.
SymbolValues nominalSizes(mlir::func::FuncOp function);

/// The sizes of the first samples, without those that nothing but computed tensors tell (nominal ones stand for them), each of them
/// once per sample. Error: a sample can't be loaded.
llvm::Expected<std::vector<SymbolValues>> sizesOfSamples(mlir::func::FuncOp function, SampleSource &samples);

} // namespace lathe
