// The nn dialect: operations and enums generated from NNOps.td and NNShapeOps.td.
#pragma once

#include "dialects/support/Symbols.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/nn/NNDialect.h.inc"
#include "dialects/nn/NNEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/nn/NNAttrs.h.inc"

namespace lathe::nn {
/// True if tensors of these types may be the same values: element types and ranks equal, no two different
/// static sizes.
bool areCompatibleTypes(mlir::TypeRange lhs, mlir::TypeRange rhs);
} // namespace lathe::nn

#define GET_OP_CLASSES
#include "dialects/nn/NNOps.h.inc"

namespace lathe::nn {

/// Size of one axis when tensors with these sizes meet under NumPy broadcasting: the other one where one is
/// 1, else the static one, else the left one (the importer records the equality it relies on). Failure: two
/// unequal constants.
mlir::FailureOr<mlir::AffineExpr> broadcastDim(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
/// The same for whole shapes, aligned at the last axis.
mlir::FailureOr<DimExprs> broadcastDims(llvm::ArrayRef<mlir::AffineExpr> lhs, llvm::ArrayRef<mlir::AffineExpr> rhs);
/// Output size of a strided window along one axis: floor((in + pads - dilation * (kernel - 1) - 1) / stride)
/// + 1.
mlir::AffineExpr windowDim(mlir::AffineExpr in, int64_t kernel, int64_t stride, int64_t padBegin, int64_t padEnd,
                           int64_t dilation);

/// True for operations whose result at an index depends on nothing but their operands at that index (broadcast): unary,
/// binary, select, cast, and (de)quantization without blocks.
bool isElementwise(mlir::Operation *op);

/// True for a gather that looks up bytes in a table of 256 bytes: a function of an 8-bit integer.
bool isByteLookup(mlir::Operation *op);

/// Creates a type-inferring operation (`name` as "nn.conv"); refused operands or attributes give a diagnostic
/// at `loc` that names the broken constraint, where OpBuilder::create would end the process. `attributes`
/// includes operandSegmentSizes for operations that have them.
mlir::FailureOr<mlir::Operation *> createChecked(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef name,
                                                 mlir::ValueRange operands,
                                                 llvm::ArrayRef<mlir::NamedAttribute> attributes = {});

} // namespace lathe::nn
