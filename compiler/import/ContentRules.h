// How operations act on known contents; one function per kind of operation, all element by element.
#pragma once

#include "compiler/import/Contents.h"

namespace lathe::importer {

using MaybeContent = std::optional<Content>;

/// `type` is the result's element type: integers divide by truncation, floats keep fractions.
MaybeContent applyBinary(nn::BinaryKind kind, const Content &lhs, const Content &rhs, bool isFloat, Symbols &symbols);
MaybeContent applyUnary(nn::UnaryKind kind, const Content &input, Symbols &symbols);
MaybeContent applyCast(const Content &input, mlir::Type from, mlir::Type to, Symbols &symbols);
MaybeContent applyReduce(nn::ReduceKind kind, llvm::ArrayRef<Content> inputs, Symbols &symbols,
                         mlir::MLIRContext *context);

} // namespace lathe::importer
