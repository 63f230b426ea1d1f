// The plan dialect (see PlanOps.td).
#pragma once

#include "dialects/nn/NN.h"
#include "dialects/support/Symbols.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"

#include "dialects/plan/PlanDialect.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/plan/PlanTypes.h.inc"
#define GET_OP_CLASSES
#include "dialects/plan/PlanOps.h.inc"

namespace lathe::plan {

/// Buffers start at multiples of it (LATHE_BUFFER_ALIGNMENT of the artifact).
inline constexpr int64_t kBufferAlignment = 64;

/// The operation that owns the memory behind a buffer, views looked through: input, output, weights or alloc.
mlir::Operation *rootOf(mlir::Value buffer);
/// Bytes between the start of that memory and the start of the buffer.
mlir::AffineExpr offsetOf(mlir::Value buffer);
/// True unless the calls can run in any order: neither writes what the other one touches. Ranges of one buffer that can't be
/// compared count as one.
bool areDependent(CallOp first, CallOp second);
/// True if the expression depends on a symbol whose value is computed during the run, directly or by derivation.
bool isLate(mlir::AffineExpr expr, const Symbols &symbols);

} // namespace lathe::plan
