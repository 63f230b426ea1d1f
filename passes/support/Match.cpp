#include "passes/support/Match.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include <cmath>

using namespace mlir;

namespace lathe::nn {

RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

bool haveEqualDims(Value lhs, Value rhs) { return dimExprs(tensorType(lhs)) == dimExprs(tensorType(rhs)); }

bool isInterpolation(Operation *op) {
  auto resize = dyn_cast<ResizeOp>(op);
  return resize && resize.getMode() != ResizeMode::nearest;
}

//===- constants -===//

namespace {
double toDouble(const APFloat &value) {
  APFloat wide = value;
  bool losesInfo = false;
  wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  return wide.convertToDouble();
}

double toDouble(const APInt &bits, Type type) {
  if (auto floating = dyn_cast<FloatType>(type))
    return toDouble(APFloat(floating.getFloatSemantics(), bits));
  bool isUnsigned = type.isUnsignedInteger() || type.isInteger(1);
  return isUnsigned ? double(bits.getZExtValue()) : double(bits.getSExtValue());
}

/// The number that all elements are.
std::optional<double> uniformResource(DenseResourceElementsAttr attr) {
  AsmResourceBlob *blob = attr.getRawHandle().getBlob();
  Type type = attr.getElementType();
  size_t size = elementSizeBytes(type), all = size * size_t(attr.getType().getNumElements());
  if (!blob || all == 0 || blob->getData().size() < all)
    return std::nullopt;
  const char *bytes = blob->getData().data();
  if (std::memcmp(bytes, bytes + size, all - size) != 0)
    return std::nullopt;
  uint64_t bits = 0;
  std::memcpy(&bits, blob->getData().data(), size);
  unsigned width = type.getIntOrFloatBitWidth();
  return toDouble(APInt(64, bits).trunc(width), type);
}
} // namespace

std::optional<double> scalarConstant(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  if (!constant || !tensorType(value).getElementType().isIntOrFloat())
    return std::nullopt;
  ElementsAttr attr = constant.getValue();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    return attr.getNumElements() == 1 ? uniformResource(resource) : std::nullopt;
  auto dense = dyn_cast<DenseElementsAttr>(attr);
  if (!dense || !dense.isSplat())
    return std::nullopt;
  Type type = dense.getElementType();
  return isa<FloatType>(type) ? toDouble(dense.getSplatValue<APFloat>()) : toDouble(dense.getSplatValue<APInt>(), type);
}

std::optional<double> uniformConstant(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  auto resource = constant ? dyn_cast<DenseResourceElementsAttr>(constant.getValue()) : DenseResourceElementsAttr();
  return resource && resource.getElementType().isIntOrFloat() ? uniformResource(resource) : scalarConstant(value);
}

bool isConstantExpression(Value value) {
  SmallVector<Value> work = {value};
  for (int visited = 0; !work.empty(); ++visited) {
    Operation *op = work.pop_back_val().getDefiningOp();
    bool isLeaf = isa_and_nonnull<ConstantOp>(op);
    if (!op || visited > 16 || op->getNumRegions() != 0 || (!isLeaf && op->getNumOperands() == 0))
      return false;
    work.append(op->operand_begin(), op->operand_end());
  }
  return true;
}

bool isNear(double value, double expected) {
  return std::abs(value - expected) <= 5e-5 * std::max(1e-6, std::abs(expected));
}

//===- shapes of formulas -===//

UnaryOp definedBy(Value value, UnaryKind kind) {
  auto op = value.getDefiningOp<UnaryOp>();
  return op && op.getKind() == kind ? op : UnaryOp();
}

BinaryOp definedBy(Value value, BinaryKind kind) {
  auto op = value.getDefiningOp<BinaryOp>();
  return op && op.getKind() == kind ? op : BinaryOp();
}

namespace {
bool isCommutative(BinaryKind kind) {
  return kind == BinaryKind::add || kind == BinaryKind::mul || kind == BinaryKind::min || kind == BinaryKind::max;
}
} // namespace

std::optional<WithScalar> matchWithScalar(Value value, BinaryKind kind) {
  BinaryOp op = definedBy(value, kind);
  if (!op)
    return std::nullopt;
  if (auto scalar = scalarConstant(op.getRhs()))
    return WithScalar{op.getLhs(), *scalar};
  if (auto scalar = scalarConstant(op.getLhs()); scalar && isCommutative(kind))
    return WithScalar{op.getRhs(), *scalar};
  return std::nullopt;
}

bool Product::take(Value factor) {
  auto *it = llvm::find(factors, factor);
  if (it == factors.end())
    return false;
  factors.erase(it);
  return true;
}

namespace {
/// Replaces a value by what it multiplies; false if it is no multiplication.
bool expandFactor(Value value, Product &product, SmallVectorImpl<Value> &work) {
  if (auto div = matchWithScalar(value, BinaryKind::div); div && div->scalar != 0) {
    product.coefficient /= div->scalar;
    work.push_back(div->input);
    return true;
  }
  if (auto pow = matchWithScalar(value, BinaryKind::pow); pow && (pow->scalar == 2 || pow->scalar == 3)) {
    work.append(size_t(pow->scalar), pow->input);
    return true;
  }
  if (UnaryOp neg = definedBy(value, UnaryKind::neg)) {
    product.coefficient = -product.coefficient;
    work.push_back(neg.getInput());
    return true;
  }
  if (BinaryOp mul = definedBy(value, BinaryKind::mul)) {
    work.append({mul.getRhs(), mul.getLhs()});
    return true;
  }
  return false;
}

/// Uses by different operations: x * x uses x once.
bool hasOneUser(Value value) {
  return llvm::all_of(value.getUsers(), [&](Operation *user) { return user == *value.getUsers().begin(); });
}
} // namespace

Product flattenProduct(Value root) {
  Product product;
  SmallVector<Value> work = {root};
  while (!work.empty()) {
    Value value = work.pop_back_val();
    if (auto scalar = scalarConstant(value))
      product.coefficient *= *scalar;
    else if ((value != root && !hasOneUser(value)) || !expandFactor(value, product, work))
      product.factors.push_back(value);
  }
  return product;
}

Affine flattenAffine(Value root, Value input) {
  Affine result{root};
  while (result.input != input && (input || result.input == root || result.input.hasOneUse())) {
    Value value = result.input;
    if (auto add = matchWithScalar(value, BinaryKind::add)) {
      result = {add->input, result.scale, result.shift + result.scale * add->scalar};
    } else if (auto sub = matchWithScalar(value, BinaryKind::sub)) {
      result = {sub->input, result.scale, result.shift - result.scale * sub->scalar};
    } else if (auto mul = matchWithScalar(value, BinaryKind::mul)) {
      result = {mul->input, result.scale * mul->scalar, result.shift};
    } else if (auto div = matchWithScalar(value, BinaryKind::div); div && div->scalar != 0) {
      result = {div->input, result.scale / div->scalar, result.shift};
    } else {
      break;
    }
  }
  return result;
}

std::optional<Clip> matchClip(Value value) {
  auto lower = [](Value v) -> std::optional<WithScalar> {
    if (UnaryOp relu = definedBy(v, UnaryKind::relu))
      return WithScalar{relu.getInput(), 0.0};
    return matchWithScalar(v, BinaryKind::max);
  };
  if (auto high = matchWithScalar(value, BinaryKind::min))
    if (auto low = lower(high->input); low && low->scalar <= high->scalar)
      return Clip{low->input, low->scalar, high->scalar};
  if (auto low = lower(value))
    if (auto high = matchWithScalar(low->input, BinaryKind::min); high && low->scalar <= high->scalar)
      return Clip{high->input, low->scalar, high->scalar};
  return std::nullopt;
}

//===- building -===//

Value createScalar(OpBuilder &b, Location location, Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  Attribute element = isa<FloatType>(elementType) ? Attribute(b.getFloatAttr(elementType, value))
                                                  : Attribute(b.getIntegerAttr(elementType, int64_t(value)));
  return b.create<ConstantOp>(location, type, ElementsAttr(DenseElementsAttr::get(type, element)));
}

std::optional<SmallVector<int64_t>> matchGroups(ArrayRef<AffineExpr> fine, ArrayRef<AffineExpr> coarse) {
  SmallVector<int64_t> groups;
  size_t next = 0;
  for (AffineExpr size : coarse) {
    size_t first = next;
    AffineExpr product = dimConstant(size.getContext(), 1);
    while (next < fine.size() && (next == first || product != size))
      product = simplifyDim(product * fine[next++]);
    if (next == first || product != simplifyDim(size))
      return std::nullopt;
    groups.push_back(int64_t(next - first));
  }
  for (; next < fine.size() && !groups.empty() && constantDim(fine[next]) == 1; ++next)
    ++groups.back();
  return next == fine.size() && !groups.empty() ? std::optional(groups) : std::nullopt;
}

std::optional<SmallVector<int64_t>> matchGroups(ReshapeOp op) {
  DimExprs from = dimExprs(tensorType(op.getInput())), to = dimExprs(tensorType(op.getOutput()));
  return from.size() < to.size() ? matchGroups(to, from) : matchGroups(from, to);
}

SmallVector<int64_t> expandGroups(ArrayRef<int64_t> order, ArrayRef<int64_t> groups) {
  SmallVector<int64_t> first(groups.size(), 0), result;
  for (size_t i = 1; i < groups.size(); ++i)
    first[i] = first[i - 1] + groups[i - 1];
  for (int64_t group : order)
    for (int64_t i = 0; i < groups[group]; ++i)
      result.push_back(first[group] + i);
  return result;
}

Value createReshape(OpBuilder &b, Location location, Value input, ArrayRef<AffineExpr> dims) {
  RankedTensorType type = makeTensorType(dims, tensorType(input).getElementType());
  return type == input.getType() ? input : b.create<ReshapeOp>(location, type, input).getOutput();
}

Value createTranspose(OpBuilder &b, Location location, Value input, ArrayRef<int64_t> permutation) {
  DimExprs from = dimExprs(tensorType(input)), dims;
  bool isIdentity = true;
  for (auto [to, axis] : llvm::enumerate(permutation)) {
    dims.push_back(from[axis]);
    isIdentity &= axis == int64_t(to);
  }
  if (isIdentity)
    return input;
  return b.create<TransposeOp>(location, makeTensorType(dims, tensorType(input).getElementType()), input, permutation);
}

Value createUnary(OpBuilder &b, Location location, UnaryKind kind, Value input, double alpha, double beta) {
  return b.create<UnaryOp>(location, input.getType(), kind, input, APFloat(alpha), APFloat(beta));
}

Location fusedLocation(ArrayRef<Operation *> ops) {
  SmallVector<Location> locations;
  for (Operation *op : ops)
    if (!llvm::is_contained(locations, op->getLoc()))
      locations.push_back(op->getLoc());
  return FusedLoc::get(ops.front()->getContext(), locations);
}

Location locationBetween(Operation *root, ArrayRef<Value> leaves) {
  constexpr size_t kMost = 24; // formulas are smaller
  SetVector<Operation *> ops;
  ops.insert(root);
  for (size_t i = 0; i < ops.size() && ops.size() < kMost; ++i)
    for (Value operand : ops[i]->getOperands())
      if (Operation *op = operand.getDefiningOp(); op && !llvm::is_contained(leaves, operand) && !isa<ConstantOp>(op))
        ops.insert(op);
  SmallVector<Operation *> inOrder(llvm::reverse(ops));
  return fusedLocation(inOrder);
}

} // namespace lathe::nn
