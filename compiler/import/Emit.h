// Creates nn operations at one ONNX node's location.
//
// Every function takes null operands and then gives null, so that converters read as expressions: the first refusal emits a
// diagnostic at the node and the rest of the expression falls through.
#pragma once

#include "compiler/import/DimMath.h"
#include "dialects/nn/NN.h"
#include "mlir/IR/Builders.h"

namespace lathe::importer {

using Values = llvm::SmallVector<mlir::Value, 2>;
using Ints = llvm::SmallVector<int64_t, 6>;

class Emit {
public:
  Emit(mlir::OpBuilder &builder, mlir::Location loc, std::string nodeName, Symbols &symbols)
      : builder(builder), loc(loc), nodeName(std::move(nodeName)), symbols(symbols) {}

  mlir::MLIRContext *context() const { return builder.getContext(); }
  /// Emits an error at the node; always null.
  mlir::Value refuse(const llvm::Twine &reason);
  /// Records that two sizes are equal, as the node relies on it. False, with an error, for unequal constants.
  bool require(mlir::AffineExpr lhs, mlir::AffineExpr rhs);

  //===- types -===//
  mlir::Type f32() const { return mlir::Float32Type::get(context()); }
  mlir::Type f64() const { return mlir::Float64Type::get(context()); }
  mlir::Type i64() const { return mlir::IntegerType::get(context(), 64); }
  mlir::Type i32() const { return mlir::IntegerType::get(context(), 32); }
  mlir::Type i1() const { return mlir::IntegerType::get(context(), 1); }
  mlir::AffineExpr dim(int64_t value) const { return dimConstant(context(), value); }

  //===- constants -===//
  mlir::Value constant(mlir::ElementsAttr value);
  /// Rank 0, of this element type; integers are exact up to 2^53.
  mlir::Value scalar(double value, mlir::Type elementType);
  mlir::Value integers(llvm::ArrayRef<int64_t> values);
  mlir::Value floats(llvm::ArrayRef<double> values, mlir::Type elementType);
  /// Sizes as an i64 tensor of rank 1 (rank 0 with `isScalar`): a constant where all are.
  mlir::Value dimValues(llvm::ArrayRef<mlir::AffineExpr> values, bool isScalar = false);

  //===- element-wise -===//
  mlir::Value unary(nn::UnaryKind kind, mlir::Value input, double alpha = 0, double beta = 0);
  mlir::Value binary(nn::BinaryKind kind, mlir::Value lhs, mlir::Value rhs);
  mlir::Value add(mlir::Value lhs, mlir::Value rhs) { return binary(nn::BinaryKind::add, lhs, rhs); }
  mlir::Value sub(mlir::Value lhs, mlir::Value rhs) { return binary(nn::BinaryKind::sub, lhs, rhs); }
  mlir::Value mul(mlir::Value lhs, mlir::Value rhs) { return binary(nn::BinaryKind::mul, lhs, rhs); }
  mlir::Value div(mlir::Value lhs, mlir::Value rhs) { return binary(nn::BinaryKind::div, lhs, rhs); }
  /// With a scalar of the operand's element type.
  mlir::Value binary(nn::BinaryKind kind, mlir::Value lhs, double rhs);
  mlir::Value select(mlir::Value condition, mlir::Value lhs, mlir::Value rhs);
  mlir::Value cast(mlir::Value input, mlir::Type elementType);

  //===- reductions, contractions -===//
  /// `axes` in any order, negative ones allowed; no axes reduces nothing.
  mlir::Value reduce(nn::ReduceKind kind, mlir::Value input, llvm::ArrayRef<int64_t> axes, bool keepdims);
  mlir::Value softmax(mlir::Value input, int64_t axis, bool log = false);
  mlir::Value matmul(mlir::Value lhs, mlir::Value rhs, bool transLhs = false, bool transRhs = false,
                     mlir::Value lhsZero = {}, mlir::Value rhsZero = {});

  //===- shapes -===//
  mlir::Value reshape(mlir::Value input, llvm::ArrayRef<mlir::AffineExpr> dims);
  mlir::Value transpose(mlir::Value input, llvm::ArrayRef<int64_t> permutation);
  mlir::Value broadcast(mlir::Value input, llvm::ArrayRef<mlir::AffineExpr> dims);
  mlir::Value slice(mlir::Value input, llvm::ArrayRef<mlir::AffineExpr> starts, llvm::ArrayRef<mlir::AffineExpr> sizes,
                    llvm::ArrayRef<int64_t> steps);
  /// One axis only.
  mlir::Value sliceAxis(mlir::Value input, int64_t axis, mlir::AffineExpr start, mlir::AffineExpr size,
                        int64_t step = 1);
  mlir::Value concat(mlir::ValueRange inputs, int64_t axis);
  mlir::Value gather(mlir::Value input, mlir::Value indices, int64_t axis);
  mlir::Value iota(llvm::ArrayRef<mlir::AffineExpr> dims, int64_t axis, mlir::Type elementType);
  mlir::Value pad(mlir::Value input, mlir::Value value, llvm::ArrayRef<mlir::AffineExpr> low,
                  llvm::ArrayRef<mlir::AffineExpr> dims, nn::PadMode mode);
  /// Inserts axes of size 1 at these (sorted, non-negative) positions of the result.
  mlir::Value unsqueeze(mlir::Value input, llvm::ArrayRef<int64_t> axes);

  //===- any operation -===//
  /// One whose types are inferred; null or failed gives no operation.
  mlir::Operation *inferred(llvm::StringRef name, mlir::ValueRange operands,
                            llvm::ArrayRef<mlir::NamedAttribute> attributes = {});
  /// First result of `inferred`.
  mlir::Value infer(llvm::StringRef name, mlir::ValueRange operands,
                    llvm::ArrayRef<mlir::NamedAttribute> attributes = {});
  /// One whose result types are given; verified at once.
  mlir::Operation *sized(llvm::StringRef name, mlir::ValueRange operands, mlir::TypeRange types,
                         llvm::ArrayRef<mlir::NamedAttribute> attributes = {});
  mlir::Value size(llvm::StringRef name, mlir::ValueRange operands, mlir::Type type,
                   llvm::ArrayRef<mlir::NamedAttribute> attributes = {});

  template <typename AttrT, typename KindT> mlir::NamedAttribute kindAttr(KindT kind, llvm::StringRef name = "kind") {
    return builder.getNamedAttr(name, AttrT::get(context(), kind));
  }
  mlir::NamedAttribute intAttr(llvm::StringRef name, int64_t value) {
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
  }
  mlir::NamedAttribute intsAttr(llvm::StringRef name, llvm::ArrayRef<int64_t> values) {
    return builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(values));
  }
  mlir::NamedAttribute floatAttr(llvm::StringRef name, double value) {
    return builder.getNamedAttr(name, builder.getF64FloatAttr(value));
  }
  mlir::NamedAttribute floatsAttr(llvm::StringRef name, llvm::ArrayRef<double> values) {
    return builder.getNamedAttr(name, builder.getDenseF64ArrayAttr(values));
  }
  mlir::NamedAttribute boolAttr(llvm::StringRef name, bool value) {
    return builder.getNamedAttr(name, builder.getBoolAttr(value));
  }
  mlir::NamedAttribute unitAttr(llvm::StringRef name) { return builder.getNamedAttr(name, builder.getUnitAttr()); }
  mlir::NamedAttribute mapAttr(llvm::StringRef name, llvm::ArrayRef<mlir::AffineExpr> exprs) {
    return builder.getNamedAttr(name, mlir::AffineMapAttr::get(symbolMap(exprs, context())));
  }
  mlir::NamedAttribute segmentsAttr(llvm::ArrayRef<int32_t> sizes) {
    return builder.getNamedAttr("operandSegmentSizes", builder.getDenseI32ArrayAttr(sizes));
  }

  mlir::OpBuilder &builder;
  mlir::Location loc;
  std::string nodeName;
  Symbols &symbols;
};

inline mlir::RankedTensorType typeOf(mlir::Value v) { return mlir::cast<mlir::RankedTensorType>(v.getType()); }
inline mlir::Type elementOf(mlir::Value v) { return typeOf(v).getElementType(); }
inline int64_t rankOf(mlir::Value v) { return typeOf(v).getRank(); }
inline DimExprs dimsOf(mlir::Value v) { return dimExprs(typeOf(v)); }
inline bool isFloat(mlir::Value v) { return mlir::isa<mlir::FloatType>(elementOf(v)); }
inline bool isBool(mlir::Type type) { return type.isSignlessInteger(1); }
inline bool isUnsigned(mlir::Type type) { return type.isUnsignedInteger(); }

} // namespace lathe::importer
