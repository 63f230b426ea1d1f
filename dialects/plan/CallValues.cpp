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

/// Where a value inside of a fused operation comes from, and where one that it gives is computed.
Value lookThrough(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto fused = dyn_cast<nn::FusedOp>(argument.getOwner()->getParentOp());
    return fused ? lookThrough(fused->getOperand(argument.getArgNumber())) : value;
  }
  if (auto fused = value.getDefiningOp<nn::FusedOp>()) {
    unsigned number = cast<OpResult>(value).getResultNumber();
    return lookThrough(fused.getBody().front().getTerminator()->getOperand(number));
  }
  return value;
}

/// Of the operation that defines it; a transpose of a value that is known is that value in another order.
std::optional<Origin> originOfValue(Value given) {
  Operation *definition = lookThrough(given).getDefiningOp();
  auto origin = originOf(definition);
  auto transpose = dyn_cast_or_null<nn::TransposeOp>(definition);
  if (origin || !transpose)
    return origin;
  origin = originOfValue(transpose.getInput());
  return origin ? permuted(*origin, transpose.getPermutation()) : std::nullopt;
}

/// Of a result, or of what a reshape makes of it: the same bytes.
std::optional<Origin> originOfResult(OpResult result) {
  Type elementType = cast<RankedTensorType>(result.getType()).getElementType();
  if (auto origin = originOfValue(result); origin && isSound(*origin, elementType))
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
