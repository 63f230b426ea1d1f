#include "dialects/support/Origin.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace lathe {

namespace {
constexpr llvm::StringLiteral kOrigin = "lathe.origin", kNode = "node", kScale = "scale", kZero = "zero",
                              kOrder = "order", kFactors = "factors", kAxis = "axis";
} // namespace

std::optional<Origin> toOrigin(DictionaryAttr entry) {
  auto node = entry ? entry.getAs<StringAttr>(kNode) : StringAttr();
  if (!node)
    return std::nullopt;
  Origin origin;
  origin.node = node.str();
  if (auto scale = entry.getAs<FloatAttr>(kScale))
    origin.scale = scale.getValueAsDouble();
  if (auto zero = entry.getAs<IntegerAttr>(kZero))
    origin.zero = zero.getInt();
  if (auto order = entry.getAs<DenseI64ArrayAttr>(kOrder))
    origin.order.assign(order.asArrayRef().begin(), order.asArrayRef().end());
  if (auto factors = entry.getAs<DenseF64ArrayAttr>(kFactors))
    origin.factors.assign(factors.asArrayRef().begin(), factors.asArrayRef().end());
  if (auto axis = entry.getAs<IntegerAttr>(kAxis))
    origin.axis = axis.getInt();
  return origin;
}

DictionaryAttr toAttribute(const Origin &origin, MLIRContext *context) {
  Builder b(context);
  NamedAttrList entries;
  entries.append(kNode, b.getStringAttr(origin.node));
  if (origin.scale != 0)
    entries.append(kScale, b.getF64FloatAttr(origin.scale));
  if (origin.zero != 0)
    entries.append(kZero, b.getI64IntegerAttr(origin.zero));
  if (!origin.order.empty())
    entries.append(kOrder, b.getDenseI64ArrayAttr(origin.order));
  if (!origin.factors.empty()) {
    entries.append(kFactors, b.getDenseF64ArrayAttr(origin.factors));
    entries.append(kAxis, b.getI64IntegerAttr(origin.axis));
  }
  return entries.getDictionary(context);
}

std::optional<Origin> originOf(Operation *op) {
  return toOrigin(op ? op->getAttrOfType<DictionaryAttr>(kOrigin) : DictionaryAttr());
}

void setOrigin(Operation *op, const Origin &origin) { op->setAttr(kOrigin, toAttribute(origin, op->getContext())); }

void removeOrigin(Operation *op) { op->removeAttr(kOrigin); }

void moveOrigin(Operation *from, Operation *to) {
  if (auto origin = originOf(from))
    setOrigin(to, *origin);
  else
    removeOrigin(to);
}

std::optional<Origin> permuted(Origin origin, ArrayRef<int64_t> order) {
  SmallVector<int64_t> before = std::move(origin.order);
  if (!before.empty() && before.size() != order.size())
    return std::nullopt;
  origin.order.clear();
  for (int64_t axis : order)
    origin.order.push_back(before.empty() ? axis : before[size_t(axis)]);
  if (llvm::is_sorted(origin.order))
    origin.order.clear();
  return origin;
}

void permuteOrigin(Operation *op, ArrayRef<int64_t> order) {
  auto before = originOf(op);
  if (auto origin = before ? permuted(*before, order) : std::nullopt)
    setOrigin(op, *origin);
  else
    removeOrigin(op);
}

void scaleOrigin(Operation *op, double factor) {
  auto origin = originOf(op);
  if (!origin)
    return;
  origin->scale = (origin->scale == 0 ? 1 : origin->scale) / factor;
  setOrigin(op, *origin);
}

void scaleOrigin(Operation *op, int64_t axis, ArrayRef<float> factors) {
  auto origin = originOf(op);
  if (!origin)
    return;
  // What has factors along another axis already, or axes in another order, is not followed.
  if (!origin->order.empty() || (!origin->factors.empty() && origin->axis != axis))
    return removeOrigin(op);
  origin->axis = axis;
  origin->factors.resize(factors.size(), 1);
  for (auto [own, factor] : llvm::zip_equal(origin->factors, factors))
    own /= factor;
  setOrigin(op, *origin);
}

} // namespace lathe
