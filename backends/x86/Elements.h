// The value of one element of each nn operation's result, as scalar code: what EmitContext::elementAt is made of. One
// function per operation; operands are asked for with elementAt, so any chain of operations fuses.
#pragma once

#include "backends/x86/KernelEmitter.h"

namespace lathe::x86 {

using IndexList = llvm::ArrayRef<mlir::Value>;

// Functions of computed scalars, also used by other emitters.
mlir::Value emitUnary(EmitContext &c, nn::UnaryKind kind, mlir::Value x, mlir::Type elementType, double alpha,
                      double beta);
mlir::Value emitBinary(EmitContext &c, nn::BinaryKind kind, mlir::Value x, mlir::Value y, mlir::Type xType,
                       mlir::Type yType);
/// Conversion between element types, on computed values.
mlir::Value emitCast(EmitContext &c, mlir::Value x, mlir::Type from, mlir::Type to);
mlir::Value emitExp(EmitContext &c, mlir::Value x);
/// Of x <= 0; results below the normal range may be 0.
mlir::Value emitExpNegative(EmitContext &c, mlir::Value x);
mlir::Value emitLog(EmitContext &c, mlir::Value x);
/// The larger / smaller of two numbers of any type; NaN wins.
mlir::Value emitMax(EmitContext &c, mlir::Value x, mlir::Value y, mlir::Type elementType);
mlir::Value emitMin(EmitContext &c, mlir::Value x, mlir::Value y, mlir::Type elementType);
/// Smallest (largest) value of a type: -inf (inf) or the integer's.
mlir::Value lowestOf(EmitContext &c, mlir::Type elementType);
mlir::Value highestOf(EmitContext &c, mlir::Type elementType);

/// Element of a value that broadcasts to the tensor which `indices` belong to.
mlir::Value broadcastElement(EmitContext &c, mlir::Value operand, IndexList indices);

// Elementwise.cpp
mlir::Value element(EmitContext &c, nn::ConstantOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::UnaryOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::BinaryOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::SelectOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::CastOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::BitcastOp op, IndexList indices);
// Quantization.cpp
mlir::Value element(EmitContext &c, nn::QuantizeOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::DequantizeOp op, IndexList indices);
/// Integers `elementType` of f32: saturate(round(x / scale) + zero), zero being null or a computed integer. Also of vectors.
mlir::Value emitQuantize(EmitContext &c, mlir::Value x, mlir::Value scale, mlir::Value zero, mlir::Type elementType);
/// How many vectors' numbers emitQuantize makes bytes of at once, at most.
int64_t vectorsOfBytes(const Target &target);
/// Numbers with the new scale that the integers of emitQuantize stand for, without making integers of them.
mlir::Value emitRequantized(EmitContext &c, mlir::Value x, mlir::Value scale, mlir::Value zero, mlir::Type elementType,
                            mlir::Value newScale);
/// The quantization in the same kernel whose integers `op` makes numbers of: emitRequantized can do both. Null if there is none.
nn::QuantizeOp quantizedInKernel(nn::DequantizeOp op);
/// f32 of integers `elementType`: (x - zero) * scale.
mlir::Value emitDequantize(EmitContext &c, mlir::Value x, mlir::Value scale, mlir::Value zero, mlir::Type elementType);
/// An 8-bit integer minus its zero point (may be null), as i32.
mlir::Value emitCentered(EmitContext &c, mlir::Value x, mlir::Value zero, mlir::Type elementType);
// Movement.cpp
mlir::Value element(EmitContext &c, nn::ReshapeOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::TransposeOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::BroadcastOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::TileOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::SliceOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::ConcatOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::PadOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::IotaOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::ShapeOfOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::DimValuesOp op, IndexList indices);
// Gather.cpp
mlir::Value element(EmitContext &c, nn::GatherOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::GatherElementsOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::GatherNdOp op, IndexList indices);
/// An index into an axis of `size`, counted from the end if negative; outside: run-time error and an index inside.
mlir::Value checkedIndex(EmitContext &c, mlir::Value index, mlir::Value size);
// Resize.cpp
mlir::Value element(EmitContext &c, nn::ResizeOp op, IndexList indices);
// Reductions.cpp
mlir::Value element(EmitContext &c, nn::ReduceOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::ArgReduceOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::SoftmaxOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::LayerNormOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::LrnOp op, IndexList indices);
// Contractions.cpp
mlir::Value element(EmitContext &c, nn::MatmulOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::ConvOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::ConvTransposeOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::AttentionOp op, IndexList indices);
// Pools.cpp
mlir::Value element(EmitContext &c, nn::PoolOp op, IndexList indices);
mlir::Value element(EmitContext &c, nn::MaxPoolIndicesOp op, IndexList indices);

/// True for operations that have a function above.
bool isElemental(mlir::Operation *op);

} // namespace lathe::x86
