#include "backends/Backend.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lathe {

namespace {
/// A parameter as one word: numbers are joined by commas, truth is 1 or 0.
std::string wordOf(Attribute value) {
  if (auto numbers = dyn_cast<DenseI64ArrayAttr>(value))
    return llvm::join(llvm::map_range(numbers.asArrayRef(), [](int64_t number) { return std::to_string(number); }),
                      ",");
  if (auto truth = dyn_cast<BoolAttr>(value))
    return truth.getValue() ? "1" : "0";
  if (auto number = dyn_cast<IntegerAttr>(value))
    return std::to_string(number.getInt());
  std::string text;
  llvm::raw_string_ostream(text) << value;
  llvm::erase(text, ' ');
  return text;
}
} // namespace

FailureOr<std::vector<KernelPlan>> Backend::kernelPlans(Operation *op, ArrayRef<bool> isConstant,
                                                        const Target &target) {
  FailureOr<KernelPlan> plan = planKernel(op, isConstant, target);
  if (failed(plan))
    return failure();
  return std::vector<KernelPlan>{*plan};
}

DenseElementsAttr inlineValue(ElementsAttr value) {
  if (!value)
    return {};
  if (auto dense = dyn_cast<DenseElementsAttr>(value))
    return dense.isSplat() || dense.getNumElements() == 1 ? dense : DenseElementsAttr();
  auto resource = dyn_cast<DenseResourceElementsAttr>(value);
  AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  if (!blob || resource.getType().getNumElements() != 1)
    return {};
  auto type = cast<ShapedType>(resource.getType());
  if (type.getElementType().isInteger(1))
    return DenseElementsAttr::get(type, bool(blob->getData()[0]));
  return DenseElementsAttr::getFromRawBuffer(type, blob->getData());
}

bool hasFixedSizes(Operation *op) {
  auto isFixed = [](Type type) { return cast<ShapedType>(type).hasStaticShape(); };
  return llvm::all_of(op->getOperandTypes(), isFixed) && llvm::all_of(op->getResultTypes(), isFixed);
}

std::string choiceText(const KernelPlan &plan) {
  std::string text = plan.kind;
  for (NamedAttribute parameter : plan.config)
    text += " " + parameter.getName().str() + "=" + wordOf(parameter.getValue());
  return text;
}

} // namespace lathe
