#include "passes/support/QuantizedOrigin.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace lathe::nn {

std::optional<Origin> originOf(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument)
    return lathe::originOf(value.getDefiningOp());
  auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  auto name = function ? function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "nn.name") : StringAttr();
  return name ? std::optional(Origin{name.str(), 0, 0, {}}) : std::nullopt;
}

void setQuantizedOrigin(Operation *integers, const std::optional<Origin> &value, Value scale, Value zero) {
  auto scaleNumber = scalarConstant(scale), zeroNumber = zero ? scalarConstant(zero) : std::optional(0.0);
  // What is in other units already is not followed.
  bool isByte = tensorType(integers->getResult(0)).getElementType().isInteger(8);
  if (!value || value->scale != 0 || !isByte || !scaleNumber || !zeroNumber || !(*scaleNumber > 0))
    return removeOrigin(integers);
  Origin origin = *value;
  origin.scale = *scaleNumber;
  origin.zero = int64_t(*zeroNumber);
  setOrigin(integers, origin);
}

} // namespace lathe::nn
