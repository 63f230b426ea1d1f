#include "dialects/nn/NNCheck.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace lathe::nn {

bool mayBeEqual(AffineExpr lhs, AffineExpr rhs) {
  auto a = constantDim(lhs), b = constantDim(rhs);
  return !a || !b || *a == *b;
}

bool mayBeEqual(ArrayRef<AffineExpr> lhs, ArrayRef<AffineExpr> rhs) {
  return lhs.size() == rhs.size() &&
         llvm::all_of(llvm::zip(lhs, rhs), [](auto pair) { return mayBeEqual(std::get<0>(pair), std::get<1>(pair)); });
}

AffineExpr joinDims(AffineExpr lhs, AffineExpr rhs) { return constantDim(lhs) || !constantDim(rhs) ? lhs : rhs; }

SmallVector<int64_t> staticSizes(ArrayRef<AffineExpr> dims) {
  SmallVector<int64_t> sizes;
  for (AffineExpr dim : dims)
    sizes.push_back(constantDim(dim).value_or(ShapedType::kDynamic));
  return sizes;
}

bool areCompatibleTypes(TypeRange lhs, TypeRange rhs) {
  if (lhs.size() != rhs.size())
    return false;
  for (auto [a, b] : llvm::zip(lhs, rhs)) {
    auto left = dyn_cast<RankedTensorType>(a), right = dyn_cast<RankedTensorType>(b);
    if (!left || !right || left.getElementType() != right.getElementType() ||
        failed(verifyCompatibleShape(left, right)))
      return false;
  }
  return true;
}

FailureOr<AffineExpr> broadcastDim(AffineExpr lhs, AffineExpr rhs) {
  auto a = constantDim(lhs), b = constantDim(rhs);
  if (lhs == rhs || b == 1)
    return lhs;
  if (a == 1)
    return rhs;
  if (a && b)
    return failure();
  return joinDims(lhs, rhs);
}

FailureOr<DimExprs> broadcastDims(ArrayRef<AffineExpr> lhs, ArrayRef<AffineExpr> rhs) {
  if (lhs.size() < rhs.size()) {
    std::swap(lhs, rhs); // broadcastDim prefers its left argument, but a longer shape decides the rank
    DimExprs result(lhs.begin(), lhs.end());
    for (size_t i = 0; i < rhs.size(); ++i) {
      size_t axis = lhs.size() - rhs.size() + i;
      auto dim = broadcastDim(rhs[i], lhs[axis]);
      if (failed(dim))
        return failure();
      result[axis] = *dim;
    }
    return result;
  }
  DimExprs result(lhs.begin(), lhs.end());
  for (size_t i = 0; i < rhs.size(); ++i) {
    size_t axis = lhs.size() - rhs.size() + i;
    auto dim = broadcastDim(lhs[axis], rhs[i]);
    if (failed(dim))
      return failure();
    result[axis] = *dim;
  }
  return result;
}

AffineExpr windowDim(AffineExpr in, int64_t kernel, int64_t stride, int64_t padBegin, int64_t padEnd,
                     int64_t dilation) {
  return simplifyDim((in + (padBegin + padEnd - dilation * (kernel - 1) - 1)).floorDiv(stride) + 1);
}

LogicalResult checkAxis(Loc loc, StringRef label, int64_t axis, int64_t rank) {
  if (axis >= 0 && axis < rank)
    return success();
  return refuse(loc, label, ": expects axis to be in [0, ", rank, "), got ", axis);
}

LogicalResult checkFloat(Loc loc, StringRef label, Type type) {
  return isFloat(type) ? success() : refuse(loc, label, ": expects a floating-point element type, got ", type);
}

LogicalResult checkSameElementType(Loc loc, StringRef label, Value lhs, Value rhs) {
  if (elementType(lhs) == elementType(rhs))
    return success();
  return refuse(loc, label, ": expects equal element types, got ", elementType(lhs), " and ", elementType(rhs));
}

LogicalResult checkFactors(Loc loc, StringRef label, Value lhs, Value rhs) {
  return isByte(elementType(lhs)) && isByte(elementType(rhs)) ? success() : checkSameElementType(loc, label, lhs, rhs);
}

LogicalResult checkIndices(Loc loc, StringRef label, Type type) {
  return isIndexInteger(type) ? success() : refuse(loc, label, ": expects indices to be i32 or i64, got ", type);
}

LogicalResult checkSymbolic(Loc loc, ValueRange values) {
  for (Value value : values)
    if (value && !hasSymbolicDims(tensorType(value)))
      return refuse(loc, "expects every dynamic axis to have a symbolic size, got ", value.getType());
  return success();
}

LogicalResult checkWindowLengths(Loc loc, StringRef label, const WindowAttrs &window, size_t spatial) {
  auto check = [&](StringRef name, size_t expected, size_t found) -> LogicalResult {
    if (expected == found)
      return success();
    return refuse(loc, label, ": expects ", name, " to have ", expected, " entries, got ", found);
  };
  return success(succeeded(check("kernel", spatial, window.kernel.size())) &&
                 succeeded(check("strides", spatial, window.strides.size())) &&
                 succeeded(check("dilations", spatial, window.dilations.size())) &&
                 succeeded(check("pads", 2 * spatial, window.pads.size())));
}

LogicalResult checkWindowPositive(Loc loc, StringRef label, const WindowAttrs &window) {
  auto positive = [](ArrayRef<int64_t> values) { return llvm::all_of(values, [](int64_t v) { return v > 0; }); };
  if (!positive(window.strides) || !positive(window.dilations))
    return refuse(loc, label, ": expects strides and dilations to be positive");
  auto known = llvm::make_filter_range(window.kernel, [](int64_t v) { return !ShapedType::isDynamic(v); });
  if (!llvm::all_of(known, [](int64_t v) { return v > 0; }))
    return refuse(loc, label, ": expects kernel sizes to be positive");
  return success();
}

} // namespace lathe::nn
