#include "dialects/plan/CallValues.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace lathe::plan {

namespace {
constexpr llvm::StringLiteral kValues = "lathe.values";

/// Are elements what the origin says: numbers, or integers with a scale?
bool isSound(const Origin &origin, Type elementType) {
  return elementType.isF32() || (elementType.isInteger(8) && origin.scale > 0);
}

/// Of a result, or of what a reshape makes of it: the same bytes.
std::optional<Origin> originOfResult(OpResult result) {
  Operation *definition = result.getOwner();
  if (auto fused = dyn_cast<nn::FusedOp>(definition))
    definition = fused.getBody().front().getTerminator()->getOperand(result.getResultNumber()).getDefiningOp();
  Type elementType = cast<RankedTensorType>(result.getType()).getElementType();
  if (auto origin = originOf(definition); origin && isSound(*origin, elementType))
    return origin;
  for (Operation *user : result.getUsers())
    if (auto origin = isa<nn::ReshapeOp>(user) ? originOf(user) : std::nullopt)
      if (isSound(*origin, elementType) && origin->order.empty())
        return origin;
  return std::nullopt;
}
} // namespace

void recordValues(CallOp call, Operation *op) {
  Builder b(op->getContext());
  SmallVector<Attribute> values;
  for (OpResult result : op->getResults())
    if (auto origin = originOfResult(result))
      values.push_back(b.getDictionaryAttr(
          {b.getNamedAttr("output", b.getI64IntegerAttr(result.getResultNumber())),
           b.getNamedAttr("origin", toAttribute(*origin, op->getContext())),
           b.getNamedAttr("type", TypeAttr::get(cast<RankedTensorType>(result.getType()).getElementType()))}));
  if (!values.empty())
    call->setAttr(kValues, b.getArrayAttr(values));
}

std::vector<CallValue> valuesOf(CallOp call) {
  std::vector<CallValue> values;
  auto entries = call->getAttrOfType<ArrayAttr>(kValues);
  if (!entries)
    return values;
  for (auto entry : entries.getAsRange<DictionaryAttr>()) {
    auto origin = toOrigin(entry.getAs<DictionaryAttr>("origin"));
    auto output = entry.getAs<IntegerAttr>("output");
    auto type = entry.getAs<TypeAttr>("type");
    if (origin && output && type)
      values.push_back({unsigned(output.getInt()), *origin, type.getValue()});
  }
  return values;
}

} // namespace lathe::plan
