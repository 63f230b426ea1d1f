// Matrix products.
#include "compiler/import/Node.h"
#include "compiler/import/Products.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

/// Vectors count as one row (left) or one column (right), whose axis the result loses.
Value matmulAnyRank(Node &n, Value a, Value b, Value zeroA, Value zeroB) {
  if (!a || !b)
    return {};
  if (rankOf(a) == 0 || rankOf(b) == 0)
    return n.refuse("expects inputs of rank 1 or more");
  bool isRow = rankOf(a) == 1, isColumn = rankOf(b) == 1;
  Value lhs = isRow ? n.unsqueeze(a, {0}) : a, rhs = isColumn ? n.unsqueeze(b, {1}) : b;
  Value product = n.matmul(lhs, rhs, false, false, zeroA, zeroB);
  if (!product || (!isRow && !isColumn))
    return product;
  DimExprs dims = dimsOf(product);
  if (isColumn)
    dims.pop_back();
  if (isRow)
    dims.erase(dims.end() - (isColumn ? 1 : 2));
  return n.reshape(product, dims);
}

namespace {

Values matmul(Node &n) { return {matmulAnyRank(n, n.in(0), n.in(1))}; }

Value scaled(Node &n, Value value, double factor) {
  return factor == 1.0 ? value : n.binary(BinaryKind::mul, value, factor);
}

/// alpha * A' * B' + beta * C
Values gemm(Node &n) {
  Value a = n.in(0), b = n.in(1);
  if (a && b && (rankOf(a) != 2 || rankOf(b) != 2))
    return {n.refuse("expects matrices of rank 2")};
  Value product = n.matmul(a, b, n.integer("transA", 0) != 0, n.integer("transB", 0) != 0);
  product = scaled(n, product, n.real("alpha", 1.0));
  double beta = n.real("beta", 1.0);
  if (!n.has(2) || beta == 0.0 || !product)
    return {product};
  Value sum = n.add(product, scaled(n, n.in(2), beta));
  if (sum && rankOf(sum) != 2)
    return {n.refuse("expects C to broadcast to the product")};
  return {sum};
}

/// com.microsoft: alpha * A' * B', the transposes being of the last two axes.
Values fusedMatMul(Node &n) {
  if (n.integer("transBatchA", 0) != 0 || n.integer("transBatchB", 0) != 0)
    return {n.refuse("transBatchA and transBatchB are not supported")};
  Value product = n.matmul(n.in(0), n.in(1), n.integer("transA", 0) != 0, n.integer("transB", 0) != 0);
  return {scaled(n, product, n.real("alpha", 1.0))};
}

constexpr ConverterEntry kTable[] = {
    {"MatMul", 1, kNewest, matmul},
    {"Gemm", 7, kNewest, gemm},
    {"FusedMatMul", 1, kNewest, fusedMatMul, "com.microsoft"},
    {"TransposeMatMul", 1, kNewest, fusedMatMul, "com.microsoft"},
};

} // namespace

llvm::ArrayRef<ConverterEntry> contractionConverters() { return kTable; }

} // namespace lathe::importer
