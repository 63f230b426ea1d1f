#include "compiler/import/Node.h"
#include "compiler/import/Importer.h"
#include "compiler/import/Tensors.h"

using namespace mlir;

namespace lathe::importer {

const Entry *Node::entry(unsigned index) const {
  if (index >= numInputs() || proto.input(int(index)).empty())
    return nullptr;
  return scope.find(proto.input(int(index)));
}

bool Node::has(unsigned index) const {
  const Entry *found = entry(index);
  return found && !found->isAbsent();
}

int32_t Node::narrow(unsigned index) const {
  const Entry *found = entry(index);
  return found ? found->narrow : 0;
}

Value Node::optional(unsigned index) {
  const Entry *found = entry(index);
  return found ? found->value : Value();
}

Value Node::in(unsigned index) {
  const Entry *found = entry(index);
  if (found && found->isList)
    return refuse("expects input " + Twine(index) + " to be a tensor, got a sequence");
  if (!found || !found->value)
    return refuse("expects input " + Twine(index));
  return found->value;
}

//===- attributes -===//

const onnx::AttributeProto *Node::attribute(StringRef name) const {
  for (const auto &attribute : proto.attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

int64_t Node::integer(StringRef name, int64_t otherwise) const {
  auto *found = attribute(name);
  return found ? found->i() : otherwise;
}

double Node::real(StringRef name, double otherwise) const {
  auto *found = attribute(name);
  return found ? double(found->f()) : otherwise;
}

std::string Node::text(StringRef name, StringRef otherwise) const {
  auto *found = attribute(name);
  return found ? found->s() : otherwise.str();
}

Ints Node::integersOf(StringRef name) const {
  auto *found = attribute(name);
  return found ? Ints(found->ints().begin(), found->ints().end()) : Ints();
}

Ints Node::integersOr(StringRef name, size_t count, int64_t otherwise) const {
  return hasAttr(name) ? integersOf(name) : Ints(count, otherwise);
}

SmallVector<double> Node::realsOf(StringRef name) const {
  auto *found = attribute(name);
  return found ? SmallVector<double>(found->floats().begin(), found->floats().end()) : SmallVector<double>();
}

SmallVector<std::string> Node::textsOf(StringRef name) const {
  auto *found = attribute(name);
  return found ? SmallVector<std::string>(found->strings().begin(), found->strings().end())
               : SmallVector<std::string>();
}

//===- values known at compile time -===//

DimExprs Node::lateSizes(Value value) {
  DimExprs result;
  Value wide = cast(value, i64());
  for (int64_t i = 0; wide && i < typeOf(wide).getNumElements(); ++i) {
    Symbol symbol;
    symbol.name = nodeName + "[" + std::to_string(i) + "]";
    symbol.kind = SymbolKind::tensorValue;
    symbol.index = int64_t(symbols.symbols.size());
    symbol.min = INT64_MIN;
    result.push_back(symbols.add(std::move(symbol), context()));
    int64_t number = llvm::cast<AffineSymbolExpr>(result.back()).getPosition();
    sized("nn.late_symbol", wide, TypeRange(), {intAttr("symbol", number), intAttr("element", i)});
  }
  return result;
}

std::optional<DimExprs> Node::sizes(unsigned input) {
  Value value = in(input);
  if (!value)
    return std::nullopt;
  if (auto found = contents.integers(value, /*mayBind=*/true))
    return found;
  auto type = typeOf(value);
  if (isFloat(value) || !type.hasStaticShape() || type.getNumElements() > 64) {
    refuse("output shape depends on computed data of input " + Twine(input));
    return std::nullopt;
  }
  DimExprs late = lateSizes(value);
  contents.remember(value, late);
  return late;
}

std::optional<Ints> Node::knownIntegers(unsigned input) {
  Value value = in(input);
  if (!value)
    return std::nullopt;
  if (auto found = contents.integerNumbers(value))
    return Ints(found->begin(), found->end());
  refuse("expects input " + Twine(input) + " to be known at compile time");
  return std::nullopt;
}

std::optional<SmallVector<double>> Node::knownNumbers(unsigned input) {
  Value value = in(input);
  if (!value)
    return std::nullopt;
  if (auto found = contents.numbers(value))
    return found;
  refuse("expects input " + Twine(input) + " to be known at compile time");
  return std::nullopt;
}

std::optional<int64_t> Node::axis(int64_t axis, int64_t rank) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  refuse("expects axis to be in [" + Twine(-rank) + ", " + Twine(rank) + "), got " + Twine(axis));
  return std::nullopt;
}

std::optional<Ints> Node::axes(ArrayRef<int64_t> axes, int64_t rank) {
  Ints result;
  for (int64_t value : axes) {
    auto normal = axis(value, rank);
    if (!normal)
      return std::nullopt;
    if (llvm::is_contained(result, *normal)) {
      refuse("expects axes to be unique, got " + Twine(value) + " twice");
      return std::nullopt;
    }
    result.push_back(*normal);
  }
  return result;
}

Type Node::elementType(int64_t onnxType) {
  Type type = onnxType == int32_t(onnxType) ? convertElementType(int32_t(onnxType), context()) : Type();
  if (!type)
    refuse("element type " + typeName(int32_t(onnxType)) + " is not supported");
  return type;
}

Value Node::tensor(const onnx::TensorProto &tensor) {
  auto attribute = importer.convertTensor(tensor);
  narrowResult = narrowBits(tensor.data_type()) != 0 ? tensor.data_type() : 0;
  return attribute ? constant(*attribute) : refuse(llvm::toString(attribute.takeError()));
}

} // namespace lathe::importer
