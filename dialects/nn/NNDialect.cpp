#include "dialects/nn/NN.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialects/nn/NNDialect.cpp.inc"
#include "dialects/nn/NNEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/nn/NNAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/nn/NNOps.cpp.inc"

namespace lathe::nn {

void NNDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/nn/NNAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/NNOps.cpp.inc"
      >();
}

Operation *NNDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getShapedType() != type)
    return nullptr;
  return builder.create<ConstantOp>(loc, type, elements);
}

bool isElementwise(Operation *op) {
  if (auto quantize = dyn_cast_or_null<QuantizeOp>(op))
    return quantize.getBlock() == 0;
  if (auto dequantize = dyn_cast_or_null<DequantizeOp>(op))
    return dequantize.getBlock() == 0;
  return isa_and_nonnull<UnaryOp, BinaryOp, SelectOp, CastOp>(op);
}

bool isByteLookup(Operation *op) {
  auto gather = dyn_cast_or_null<GatherOp>(op);
  if (!gather)
    return false;
  auto table = cast<RankedTensorType>(gather.getInput().getType());
  return table.getShape() == ArrayRef<int64_t>{256} && table.getElementTypeBitWidth() == 8 &&
         getElementTypeOrSelf(gather.getIndices()).isUnsignedInteger(8);
}

FailureOr<Operation *> createChecked(OpBuilder &builder, Location loc, StringRef name, ValueRange operands,
                                     ArrayRef<NamedAttribute> attributes) {
  OperationState state(loc, name);
  state.addOperands(operands);
  auto info = state.name.getRegisteredInfo();
  auto *interface = info ? info->getInterface<InferTypeOpInterface>() : nullptr;
  if (!interface)
    return emitError(loc, "expects an operation that infers its types, got ") << name;
  auto dictionary = builder.getDictionaryAttr(attributes);
  if (info->getOpPropertyByteSize() > 0)
    state.propertiesAttr = dictionary;
  SmallVector<int64_t, 32> storage(llvm::divideCeil(info->getOpPropertyByteSize(), 8) + 1);
  OpaqueProperties properties(storage.data());
  info->initOpProperties(properties, nullptr);
  auto release = llvm::make_scope_exit([&] { info->destroyOpProperties(properties); });
  auto emit = [&] { return emitError(loc) << "'" << name << "' "; };
  if (state.propertiesAttr && failed(info->setOpPropertiesFromAttribute(state.name, properties, dictionary, emit)))
    return failure();
  SmallVector<Type> types;
  if (failed(interface->inferReturnTypes(builder.getContext(), loc, operands, dictionary, properties, {}, types)))
    return failure();
  state.addTypes(types);
  return builder.create(state);
}

} // namespace lathe::nn
