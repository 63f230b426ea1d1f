// What the files of the interpreter share: one evaluate function per operation, chosen by overloading.
#pragma once

#include "dialects/reference/Evaluate.h"
#include "dialects/reference/Loops.h"

namespace lathe::reference {

using Result = llvm::Expected<Tensors>;

/// What an operation is run with.
struct Args {
  llvm::ArrayRef<Tensor> operands;
  llvm::ArrayRef<mlir::RankedTensorType> types; // static result types
  llvm::ArrayRef<int64_t> symbols;

  const Tensor &operator[](size_t i) const { return operands[i]; }
  /// Operand of an optional (ODS) argument, or null.
  template <typename Op> const Tensor *optional(Op op, unsigned argument) const {
    auto [first, count] = op.getODSOperandIndexAndLength(argument);
    return count ? &operands[first] : nullptr;
  }
  Tensor allocate(size_t i = 0) const { return Tensor::allocate(types[i]); }
};

inline Result one(Tensor tensor) { return Tensors{std::move(tensor)}; }
template <typename... Parts> llvm::Error error(Parts &&...parts) {
  std::string text;
  llvm::raw_string_ostream os(text);
  (os << ... << parts);
  return llvm::createStringError(text);
}

/// Values of a symbols-only map.
llvm::Expected<llvm::SmallVector<int64_t>> evaluateMap(mlir::AffineMap map, llvm::ArrayRef<int64_t> symbols);

/// The function of nn.unary on one number, for floats.
double unaryScalar(nn::UnaryKind kind, double x, double alpha, double beta);

/// A read-only window on a tensor: element (i..) is at offset + sum of i * strides. Copied out row-major.
Tensor copyStrided(const Tensor &input, mlir::RankedTensorType type, int64_t offset, llvm::ArrayRef<int64_t> strides);

/// 8-bit integers minus their zero point (may be null), as i32. `zeroStrides`: the zero point's, over the tensor's axes.
Tensor centered(const Tensor &tensor, const Tensor *zero, llvm::ArrayRef<int64_t> zeroStrides);

Result evaluate(nn::QuantizeOp op, const Args &args);
Result evaluate(nn::DequantizeOp op, const Args &args);
Result evaluate(nn::UnaryOp op, const Args &args);
Result evaluate(nn::BinaryOp op, const Args &args);
Result evaluate(nn::SelectOp op, const Args &args);
Result evaluate(nn::CastOp op, const Args &args);
Result evaluate(nn::BitcastOp op, const Args &args);
Result evaluate(nn::ReduceOp op, const Args &args);
Result evaluate(nn::ArgReduceOp op, const Args &args);
Result evaluate(nn::CumulativeOp op, const Args &args);
Result evaluate(nn::SoftmaxOp op, const Args &args);
Result evaluate(nn::LayerNormOp op, const Args &args);
Result evaluate(nn::LrnOp op, const Args &args);
Result evaluate(nn::MatmulOp op, const Args &args);
Result evaluate(nn::AttentionOp op, const Args &args);
Result evaluate(nn::ConvOp op, const Args &args);
Result evaluate(nn::ConvTransposeOp op, const Args &args);
Result evaluate(nn::PoolOp op, const Args &args);
Result evaluate(nn::MaxPoolIndicesOp op, const Args &args);
Result evaluate(nn::RecurrentOp op, const Args &args);
Result evaluate(nn::ReshapeOp op, const Args &args);
Result evaluate(nn::TransposeOp op, const Args &args);
Result evaluate(nn::BroadcastOp op, const Args &args);
Result evaluate(nn::TileOp op, const Args &args);
Result evaluate(nn::SliceOp op, const Args &args);
Result evaluate(nn::ConcatOp op, const Args &args);
Result evaluate(nn::PadOp op, const Args &args);
Result evaluate(nn::GatherOp op, const Args &args);
Result evaluate(nn::GatherElementsOp op, const Args &args);
Result evaluate(nn::GatherNdOp op, const Args &args);
Result evaluate(nn::ScatterElementsOp op, const Args &args);
Result evaluate(nn::ScatterNdOp op, const Args &args);
Result evaluate(nn::TopKOp op, const Args &args);
Result evaluate(nn::NonZeroOp op, const Args &args);
Result evaluate(nn::NonMaxSuppressionOp op, const Args &args);
Result evaluate(nn::IotaOp op, const Args &args);
Result evaluate(nn::ShapeOfOp op, const Args &args);
Result evaluate(nn::DimValuesOp op, const Args &args);
Result evaluate(nn::ResizeOp op, const Args &args);
Result evaluate(nn::FusedOp op, const Args &args);
Result evaluate(nn::ConstantOp op, const Args &args);

} // namespace lathe::reference
