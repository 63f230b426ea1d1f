#include "passes/quantize/ValueNote.h"

using namespace mlir;

namespace lathe::nn {

void noteNumbers(Value value, StringRef name, ArrayRef<double> numbers) {
  Attribute attribute = DenseF64ArrayAttr::get(value.getContext(), numbers);
  if (auto argument = dyn_cast<BlockArgument>(value))
    cast<func::FuncOp>(argument.getOwner()->getParentOp()).setArgAttr(argument.getArgNumber(), name, attribute);
  else
    value.getDefiningOp()->setAttr(name, attribute);
}

ArrayRef<double> numbersOf(Value value, StringRef name) {
  Attribute attribute;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()))
      attribute = function.getArgAttr(argument.getArgNumber(), name);
  } else {
    attribute = value.getDefiningOp()->getAttr(name);
  }
  auto numbers = dyn_cast_or_null<DenseF64ArrayAttr>(attribute);
  return numbers ? numbers.asArrayRef() : ArrayRef<double>();
}

void removeNumbers(func::FuncOp function, StringRef name) {
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    function.removeArgAttr(i, StringAttr::get(function.getContext(), name));
  function.walk([&](Operation *op) { op->removeAttr(name); });
}

} // namespace lathe::nn
