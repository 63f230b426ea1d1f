// Products of 8-bit integers that have no kernel are computed in f32, which has one, with the same integers as results:
//
//   matmul(a, b) {zeros za, zb}  ->  cast_i32(matmul(f32(a) - za, f32(b) - zb))          where sums stay below 2^24
//   otherwise                    ->  cast_i32(matmul(a[:, 0:k], b[0:k])) + cast_i32(matmul(a[:, k:2k], b[k:2k])) + ...
//
// Kernels of integers pack a constant right operand and take one zero point off the left one; attention's products have two computed
// operands, and loops over scalars took 9 times as long as f32. f32 has all integers up to 2^24 and sums of them are exact whatever
// their order, so depth is cut into pieces whose sums can't exceed that. A depth that is not known is not cut: then results that are
// only dequantized may be rounded to f32 a little earlier; others stay as they are.
#include "passes/Passes.h"
#include "passes/quantize/Uniform.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_EXPANDINTEGERPRODUCTS
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

/// Largest magnitude of value - zero.
int64_t magnitude(Value value, Value zero) {
  bool isUnsigned = tensorType(value).getElementType().isUnsignedInteger();
  return zero || isUnsigned ? 255 : 128;
}

/// Products of two such integers whose sum stays exact in f32.
int64_t exactDepth(Value lhs, Value lhsZero, Value rhs, Value rhsZero) {
  return (int64_t(1) << 24) / (magnitude(lhs, lhsZero) * magnitude(rhs, rhsZero));
}

Value castTo(OpBuilder &b, Value value, Type element) {
  return b.create<CastOp>(value.getLoc(), makeTensorType(dimExprs(tensorType(value)), element), value);
}

/// value - zero (may be null), in f32.
Value centered(OpBuilder &b, Value value, Value zero) {
  Value number = castTo(b, value, b.getF32Type());
  if (!zero)
    return number;
  return b.create<BinaryOp>(value.getLoc(), number.getType(), BinaryKind::sub, number, castTo(b, zero, b.getF32Type()));
}

/// Indices [first, first + count) along an axis.
Value piece(OpBuilder &b, Value value, int64_t axis, int64_t first, int64_t count) {
  RankedTensorType type = tensorType(value);
  DimExprs dims = dimExprs(type);
  dims[axis] = dimConstant(b.getContext(), count);
  SmallVector<AffineExpr> starts(size_t(type.getRank()), b.getAffineConstantExpr(0));
  starts[size_t(axis)] = b.getAffineConstantExpr(first);
  return b.create<SliceOp>(value.getLoc(), makeTensorType(dims, type.getElementType()), value,
                           AffineMap::get(0, 0, starts, b.getContext()),
                           SmallVector<int64_t>(size_t(type.getRank()), 1));
}

bool isOnlyDequantized(Operation *op) {
  return llvm::all_of(op->getUsers(), [](Operation *user) { return isa<DequantizeOp>(user); });
}

/// Sums of products over pieces of the depth (of `size` along `lhsAxis` and `rhsAxis`, at most `most` in a piece), as `type`.
Value sumOfPieces(OpBuilder &b, Value lhs, int64_t lhsAxis, Value rhs, int64_t rhsAxis, int64_t size, int64_t most,
                  RankedTensorType type, llvm::function_ref<Value(Value, Value)> multiply) {
  Value sum;
  for (int64_t first = 0; first < size; first += most) {
    int64_t count = std::min(most, size - first);
    bool isWhole = count == size;
    Value part = castTo(b,
                        multiply(isWhole ? lhs : piece(b, lhs, lhsAxis, first, count),
                                 isWhole ? rhs : piece(b, rhs, rhsAxis, first, count)),
                        type.getElementType());
    sum = sum ? b.create<BinaryOp>(lhs.getLoc(), type, BinaryKind::add, sum, part).getResult() : part;
  }
  return sum;
}

struct ExpandMatmul : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &b) const override {
    if (!isByte(op.getLhs()) || !isByte(op.getRhs()))
      return b.notifyMatchFailure(op, "no product of 8-bit integers");
    bool hasRowZeros = op.getLhsZero() && !hasOneElement(op.getLhsZero());
    if (isConstantExpression(op.getRhs()) && !hasRowZeros)
      return b.notifyMatchFailure(op, "there is a kernel for it");
    int64_t lhsAxis = tensorType(op.getLhs()).getRank() - (op.getTransLhs() ? 2 : 1);
    int64_t rhsAxis = tensorType(op.getRhs()).getRank() - (op.getTransRhs() ? 1 : 2);
    int64_t depth = tensorType(op.getLhs()).getDimSize(lhsAxis);
    bool isKnown = !ShapedType::isDynamic(depth);
    if (depth == 0 || (!isKnown && !isOnlyDequantized(op)))
      return b.notifyMatchFailure(op, "the depth is 0 or not known");
    Value lhs = centered(b, op.getLhs(), op.getLhsZero()), rhs = centered(b, op.getRhs(), op.getRhsZero());
    RankedTensorType type = tensorType(op), floats = makeTensorType(dimExprs(type), b.getF32Type());
    int64_t most = exactDepth(op.getLhs(), op.getLhsZero(), op.getRhs(), op.getRhsZero());
    auto multiply = [&](Value left, Value right) -> Value {
      return b.create<MatmulOp>(op.getLoc(), floats, left, right, Value(), Value(), op.getTransLhs(), op.getTransRhs());
    };
    b.replaceOp(op, isKnown ? sumOfPieces(b, lhs, lhsAxis, rhs, rhsAxis, depth, most, type, multiply)
                            : castTo(b, multiply(lhs, rhs), type.getElementType()));
    return success();
  }
};

/// A vector along axis `axis` of `rank`; null and scalars stay.
Value alongAxis(OpBuilder &b, Value vector, int64_t axis, int64_t rank) {
  if (!vector || tensorType(vector).getRank() == 0)
    return vector;
  DimExprs dims(size_t(rank), dimConstant(b.getContext(), 1));
  dims[axis] = dimExprs(tensorType(vector))[0];
  return createReshape(b, vector.getLoc(), vector, dims);
}

struct ExpandConv : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ConvOp op, PatternRewriter &b) const override {
    if (!isByte(op.getInput()) || isConstantExpression(op.getFilter()) || op.getChannelsLast())
      return b.notifyMatchFailure(op, "there is a kernel for it");
    RankedTensorType filterType = tensorType(op.getFilter());
    if (!filterType.hasStaticShape() || filterType.getNumElements() == 0)
      return b.notifyMatchFailure(op, "the depth is 0 or not known");
    int64_t rank = filterType.getRank(), channels = filterType.getDimSize(1);
    int64_t taps = filterType.getNumElements() / (filterType.getDimSize(0) * channels);
    int64_t most = exactDepth(op.getInput(), op.getInputZero(), op.getFilter(), op.getFilterZero()) / taps;
    if (most == 0 || (most < channels && op.getGroup() != 1))
      return b.notifyMatchFailure(op, "sums may exceed what f32 has");
    Value input = centered(b, op.getInput(), alongAxis(b, op.getInputZero(), 1, rank));
    Value filter = centered(b, op.getFilter(), alongAxis(b, op.getFilterZero(), 0, rank));
    RankedTensorType type = tensorType(op), floats = makeTensorType(dimExprs(type), b.getF32Type());
    Value sums = sumOfPieces(b, input, 1, filter, 1, channels, most, type, [&](Value x, Value w) -> Value {
      return b.create<ConvOp>(op.getLoc(), floats, x, w, Value(), Value(), Value(), op.getStrides(), op.getPads(),
                              op.getDilations(), op.getGroup(), false);
    });
    // With groups the input has more channels than the filter: then there is one piece, of all of them.
    if (Value bias = op.getBias())
      sums = b.create<BinaryOp>(op.getLoc(), type, BinaryKind::add, sums, alongAxis(b, bias, 1, rank));
    b.replaceOp(op, sums);
    return success();
  }
};

struct ExpandIntegerProducts : impl::ExpandIntegerProductsBase<ExpandIntegerProducts> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandMatmul, ExpandConv>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace lathe
