#include "compiler/tune/OperationText.h"
#include "dialects/nn/NN.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace lathe {

namespace {
template <class T> std::string printed(T value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}

std::string withoutSpaces(std::string text) {
  llvm::erase_if(text, [](char c) { return c == ' ' || c == '|' || c == '\n'; });
  return text;
}

std::string typeText(Type type) {
  std::string text = withoutSpaces(printed(type));
  StringRef inner = text;
  return inner.consume_front("tensor<") ? inner.drop_back().str() : text;
}

/// Numbers without types; of an enumeration the case: "#nn<unary_kind relu>" is relu.
std::string attributeText(Attribute value) {
  std::string text = printed(value);
  if (isa<UnitAttr>(value))
    return "";
  if (auto number = dyn_cast<FloatAttr>(value))
    return llvm::formatv("{0}", number.getValueAsDouble());
  if (auto number = dyn_cast<IntegerAttr>(value); number && !isa<BoolAttr>(value))
    return std::to_string(number.getInt());
  if (isa<DenseI64ArrayAttr>(value))
    return withoutSpaces(StringRef(text).substr(text.find(':') + 1).drop_back().str());
  if (StringRef(text).starts_with("#nn"))
    return StringRef(text).substr(text.find_last_of(" <") + 1).drop_back().str();
  return withoutSpaces(text);
}

/// Sizes of operand groups, where the operands that are there aren't just the first ones.
bool isNeedless(NamedAttribute attribute) {
  auto sizes = dyn_cast<DenseI32ArrayAttr>(attribute.getValue());
  return attribute.getName() == "operandSegmentSizes" && sizes &&
         llvm::is_sorted(sizes.asArrayRef(), std::greater<>()) && sizes[0] == 1;
}

std::string attributesText(Operation *op) {
  SmallVector<std::string> texts;
  for (NamedAttribute attribute : op->getAttrDictionary()) {
    if (isa<nn::ConstantOp>(op) || attribute.getName().strref().contains('.') || isNeedless(attribute))
      continue; // contents, and what others have noted
    std::string value = attributeText(attribute.getValue());
    texts.push_back(attribute.getName().str() + (value.empty() ? "" : "=" + value));
  }
  return texts.empty() ? "" : "{" + llvm::join(texts, ",") + "}";
}

/// Numbers values and collects what is computed.
class Text {
public:
  Text(Operation *op, ArrayRef<bool> isConstant) {
    for (auto [operand, known] : llvm::zip_equal(op->getOperands(), isConstant))
      text += (known ? "=" : "") + typeText(operand.getType()) + " ";
    text += "->";
    auto fused = dyn_cast<nn::FusedOp>(op);
    if (!fused) {
      count = op->getNumOperands();
      add(op, llvm::to_vector(llvm::seq(count)));
      return;
    }
    for (BlockArgument argument : fused.getBody().front().getArguments())
      numbers[argument] = count++;
    for (Operation &inner : fused.getBody().front().without_terminator())
      add(&inner, numbersOf(&inner));
    text += " -> " + list(numbersOf(fused.getBody().front().getTerminator()));
  }
  std::string text;

private:
  SmallVector<unsigned> numbersOf(Operation *op) {
    return llvm::map_to_vector(op->getOperands(), [&](Value value) { return numbers.lookup(value); });
  }

  static std::string list(ArrayRef<unsigned> values) {
    return llvm::join(llvm::map_range(values, [](unsigned number) { return std::to_string(number); }), ",");
  }

  void add(Operation *op, ArrayRef<unsigned> operands) {
    text += " " + op->getName().stripDialect().str() + "(" + list(operands) + ")" + attributesText(op);
    for (Value result : op->getResults()) {
      numbers[result] = count++;
      if (result.getType() != lastType)
        text += ":" + typeText(result.getType());
      lastType = result.getType();
    }
  }

  llvm::DenseMap<Value, unsigned> numbers;
  unsigned count = 0;
  Type lastType;
};
} // namespace

std::string operationText(Operation *op, ArrayRef<bool> isConstant) { return Text(op, isConstant).text; }

} // namespace lathe
