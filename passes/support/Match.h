// Questions that patterns of several passes ask of values: which scalar is it, which product is it made of.
#pragma once

#include "dialects/nn/NN.h"
#include "mlir/IR/PatternMatch.h"
#include <optional>

namespace lathe::nn {

/// The tensor type of a value of the nn dialect.
mlir::RankedTensorType tensorType(mlir::Value value);
/// True if both tensors have the same sizes, axis by axis.
bool haveEqualDims(mlir::Value lhs, mlir::Value rhs);
/// True for a resize whose elements are sums of neighbors.
bool isInterpolation(mlir::Operation *op);

/// The number that every element of a constant is; nullopt for other values, and for large constants, which kernels don't inline.
std::optional<double> scalarConstant(mlir::Value value);
/// The same of constants of any size.
std::optional<double> uniformConstant(mlir::Value value);
/// True if the value is computed from constants only, so that constant folding will make it one.
bool isConstantExpression(mlir::Value value);
/// True if two constants of a formula are the same number within what f32 text and f16 exports keep of it.
bool isNear(double value, double expected);

/// The operation of this kind that defines the value, or null.
UnaryOp definedBy(mlir::Value value, UnaryKind kind);
BinaryOp definedBy(mlir::Value value, BinaryKind kind);

/// `input kind scalar`. Commutative kinds match in either order, the others with the scalar at the right.
struct WithScalar {
  mlir::Value input;
  double scalar = 0;
};
std::optional<WithScalar> matchWithScalar(mlir::Value value, BinaryKind kind);

/// coefficient * factors[0] * factors[1] * ...
struct Product {
  double coefficient = 1;
  llvm::SmallVector<mlir::Value> factors;

  /// Removes one factor; false if it is not there.
  bool take(mlir::Value factor);
};
/// Multiplications below `root` as one product: mul, div by a scalar, neg, pow by 2 and 3. Inner multiplications are
/// looked into only where nobody else uses them.
Product flattenProduct(mlir::Value root);

/// scale * input + shift.
struct Affine {
  mlir::Value input;
  double scale = 1, shift = 0;
};
/// The chain of additions and multiplications with scalars that gives `root`, down to `input`; without `input`, down to the
/// first value with several uses.
Affine flattenAffine(mlir::Value root, mlir::Value input = {});

/// min(max(input, low), high), in either nesting; a relu counts as low 0.
struct Clip {
  mlir::Value input;
  double low = 0, high = 0;
};
std::optional<Clip> matchClip(mlir::Value value);

/// How many neighboring axes of `fine` each axis of `coarse` is the product of; nullopt if these are not merged sizes.
std::optional<llvm::SmallVector<int64_t>> matchGroups(llvm::ArrayRef<mlir::AffineExpr> fine,
                                                      llvm::ArrayRef<mlir::AffineExpr> coarse);
/// The same for a reshape that merges neighboring axes, or splits them.
std::optional<llvm::SmallVector<int64_t>> matchGroups(ReshapeOp op);
/// `order` of groups as an order of the axes in them.
llvm::SmallVector<int64_t> expandGroups(llvm::ArrayRef<int64_t> order, llvm::ArrayRef<int64_t> groups);

/// A rank-0 constant.
mlir::Value createScalar(mlir::OpBuilder &b, mlir::Location location, mlir::Type elementType, double value);
/// `input` in another shape; `input` itself if it has that shape.
mlir::Value createReshape(mlir::OpBuilder &b, mlir::Location location, mlir::Value input,
                          llvm::ArrayRef<mlir::AffineExpr> dims);
/// `input` with its axes permuted; `input` itself for the identity.
mlir::Value createTranspose(mlir::OpBuilder &b, mlir::Location location, mlir::Value input,
                            llvm::ArrayRef<int64_t> permutation);
/// A unary operation of the input's type.
mlir::Value createUnary(mlir::OpBuilder &b, mlir::Location location, UnaryKind kind, mlir::Value input,
                        double alpha = 0, double beta = 0);
/// The location that names the nodes of all these operations.
mlir::Location fusedLocation(llvm::ArrayRef<mlir::Operation *> ops);
/// The location that names `root` and what it is computed from, down to `leaves` and constants.
mlir::Location locationBetween(mlir::Operation *root, llvm::ArrayRef<mlir::Value> leaves);

} // namespace lathe::nn
