// Products of one row with several constant matrices become one product, as of query, key and value when a language model makes
// one token:
//
//   %q = matmul %x, %wq          %m = matmul %x, concat(%wq, %wk, %wv)
//   %k = matmul %x, %wk    ->    %q = slice %m, [0, N]
//   %v = matmul %x, %wv          ...
//
// A bias that is added to each of them is merged as well. Such products take as long as reading their weights, and a call's start and
// end is left of each: small ones win. With one row the parts are ranges of the result's memory, so that slices cost nothing.
//
// Refused, measured: more rows (products of 128 rows are as fast apart, 90 GFLOP/s of 92, and parts of rows would have to be copied or
// be read with strides); products with an epilogue of their own, such as the gate and the other branch of a gated MLP (a merged one
// would leave their product to another pass over memory). Concatenations of the weights are folded by --lathe-fold-constants.
#include "dialects/support/Decisions.h"
#include "passes/Passes.h"
#include "passes/support/Match.h"
#include "llvm/ADT/MapVector.h"
#include <array>

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_MERGEPRODUCTS
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

/// A product, and the addition of a constant bias if that is all that is done with it.
struct BiasedProduct {
  MatmulOp product;
  BinaryOp sum; // null: no bias
  Value bias;

  Value result() { return sum ? sum.getOutput() : product.getOutput(); }
  int64_t columns() { return tensorType(product).getShape().back(); }
};

/// A constant of one number per column, as an addend of the product.
bool isBias(Value value, MatmulOp product) {
  auto type = tensorType(value);
  return value.getDefiningOp<ConstantOp>() && type.getRank() == 1 &&
         type.getDimSize(0) == tensorType(product).getShape().back();
}

BiasedProduct withBias(MatmulOp product) {
  BiasedProduct result{product, {}, {}};
  auto sum = product->hasOneUse() ? dyn_cast<BinaryOp>(*product->user_begin()) : BinaryOp();
  if (!sum || sum.getKind() != BinaryKind::add)
    return result;
  Value other = sum.getLhs() == product.getOutput() ? sum.getRhs() : sum.getLhs();
  if (isBias(other, product))
    result = {product, sum, other};
  return result;
}

/// True if an element-wise operation on the result could be computed with the product.
bool hasEpilogue(BiasedProduct product) {
  return llvm::any_of(product.result().getUsers(), [&](Operation *user) {
    return isElementwise(user) && haveEqualDims(user->getResult(0), product.result());
  });
}

/// [.., K] x a constant [K, N] (or [N, K], transposed), f32.
bool isTimesConstant(MatmulOp op) {
  auto matrix = tensorType(op.getRhs());
  return !op.getTransLhs() && matrix.getRank() == 2 && matrix.hasStaticShape() &&
         op.getRhs().getDefiningOp<ConstantOp>() && matrix.getElementType().isF32();
}

bool isOneRow(MatmulOp op) {
  DimExprs rows = dimExprs(tensorType(op.getLhs()));
  rows.pop_back();
  return llvm::all_of(rows, [](AffineExpr dim) { return constantDim(dim) == 1; });
}

/// Concatenation of constants.
Value join(OpBuilder &b, Location location, ArrayRef<Value> parts, int64_t axis) {
  DimExprs dims = dimExprs(tensorType(parts.front()));
  int64_t size = 0;
  for (Value part : parts)
    size += tensorType(part).getDimSize(axis);
  dims[axis] = dimConstant(b.getContext(), size);
  return b.create<ConcatOp>(location, makeTensorType(dims, b.getF32Type()), parts, axis);
}

/// Columns [first, first + count) of one row.
Value columnsOf(OpBuilder &b, Location location, Value row, int64_t first, RankedTensorType type) {
  int64_t rank = type.getRank();
  SmallVector<AffineExpr> starts(rank, b.getAffineConstantExpr(0));
  starts.back() = b.getAffineConstantExpr(first);
  return b.create<SliceOp>(location, type, row, AffineMap::get(0, 0, starts, b.getContext()),
                           SmallVector<int64_t>(rank, 1));
}

void merge(ArrayRef<BiasedProduct> products) {
  MatmulOp first = products.front().product;
  SmallVector<Operation *> ops;
  SmallVector<Value> matrices, biases;
  int64_t columns = 0;
  for (BiasedProduct each : products) {
    recordDecision(each.product, "merge", true, "one product with others of the same row");
    ops.push_back(each.product);
    matrices.push_back(each.product.getRhs());
    if (each.sum) {
      ops.push_back(each.sum);
      biases.push_back(each.bias);
    }
    columns += each.columns();
  }
  // Weights stand before their products; the last of them may stand behind the first product.
  OpBuilder b(first);
  Location location = fusedLocation(ops);
  for (ArrayRef<Value> constants : {ArrayRef(matrices), ArrayRef(biases)})
    for (Value constant : constants)
      if (Operation *def = constant.getDefiningOp(); first->isBeforeInBlock(def))
        def->moveBefore(first);
  DimExprs dims = dimExprs(tensorType(first));
  dims.back() = dimConstant(b.getContext(), columns);
  RankedTensorType type = makeTensorType(dims, b.getF32Type());
  Value matrix = join(b, location, matrices, first.getTransRhs() ? 0 : 1);
  Value merged =
      b.create<MatmulOp>(location, type, first.getLhs(), matrix, Value(), Value(), false, first.getTransRhs());
  if (!biases.empty())
    merged = b.create<BinaryOp>(location, type, BinaryKind::add, merged, join(b, location, biases, 0));
  int64_t at = 0;
  for (BiasedProduct each : products) {
    Value part = columnsOf(b, location, merged, at, tensorType(each.result()));
    at += each.columns();
    each.result().replaceAllUsesWith(part);
  }
  for (Operation *op : llvm::reverse(ops)) // a sum behind its product
    op->erase();
}

struct MergeProducts : impl::MergeProductsBase<MergeProducts> {
  void runOnOperation() override {
    llvm::MapVector<Value, SmallVector<BiasedProduct>> byRows;
    for (MatmulOp product : getOperation().getBody().front().getOps<MatmulOp>())
      if (isTimesConstant(product))
        byRows[product.getLhs()].push_back(withBias(product));
    for (auto &[rows, products] : byRows)
      if (products.size() > 1)
        mergeWhatPays(products);
  }

  void mergeWhatPays(ArrayRef<BiasedProduct> products) {
    // With and without a bias apart, weights by rows and by columns apart.
    std::array<SmallVector<BiasedProduct>, 4> alike;
    for (BiasedProduct each : products) {
      if (std::string reason = reasonAgainst(each); !reason.empty())
        recordDecision(each.product, "merge", false, "stays apart from products of the same " + reason);
      else
        alike[(each.sum ? 1 : 0) + (each.product.getTransRhs() ? 2 : 0)].push_back(each);
    }
    for (ArrayRef<BiasedProduct> group : alike)
      if (group.size() > 1)
        merge(group);
  }

  static std::string reasonAgainst(BiasedProduct product) {
    if (!isOneRow(product.product))
      return "rows: parts of more than one row would be copied, and nothing is gained";
    return hasEpilogue(product) ? "row: what follows is computed with it" : "";
  }
};

} // namespace
} // namespace lathe
