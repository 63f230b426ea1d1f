#include "dialects/support/Symbols.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;

namespace lathe {

namespace {
constexpr llvm::StringLiteral kSymbols = "nn.symbols", kConstraints = "nn.constraints";

unsigned symbolsUsed(ArrayRef<AffineExpr> exprs) {
  unsigned count = 0;
  for (AffineExpr expr : exprs)
    expr.walk([&](AffineExpr e) {
      if (auto symbol = dyn_cast<AffineSymbolExpr>(e))
        count = std::max(count, symbol.getPosition() + 1);
    });
  return count;
}
} // namespace

DimExprs dimExprs(RankedTensorType type) {
  DimExprs dims;
  auto map = dyn_cast_or_null<AffineMapAttr>(type.getEncoding());
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    dims.push_back(type.isDynamicDim(axis) && map ? map.getValue().getResult(axis)
                                                  : getAffineConstantExpr(type.getDimSize(axis), type.getContext()));
  return dims;
}

bool hasSymbolicDims(RankedTensorType type) {
  if (type.hasStaticShape())
    return true;
  auto map = dyn_cast_or_null<AffineMapAttr>(type.getEncoding());
  return map && map.getValue().getNumDims() == 0 && map.getValue().getNumResults() == unsigned(type.getRank());
}

AffineExpr simplifyDim(AffineExpr expr) { return simplifyAffineExpr(expr, 0, symbolsUsed(expr)); }

std::optional<int64_t> constantDim(AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  return std::nullopt;
}

AffineExpr dimConstant(MLIRContext *context, int64_t value) { return getAffineConstantExpr(value, context); }

AffineExpr dimProduct(ArrayRef<AffineExpr> dims, MLIRContext *context) {
  AffineExpr product = getAffineConstantExpr(1, context);
  for (AffineExpr dim : dims)
    product = product * dim;
  return simplifyDim(product);
}

AffineMap symbolMap(ArrayRef<AffineExpr> results, MLIRContext *context) {
  SmallVector<AffineExpr> simplified;
  for (AffineExpr expr : results)
    simplified.push_back(simplifyDim(expr));
  return AffineMap::get(0, symbolsUsed(simplified), simplified, context);
}

RankedTensorType makeTensorType(ArrayRef<AffineExpr> dims, Type elementType) {
  SmallVector<int64_t> shape;
  SmallVector<AffineExpr> exprs;
  bool isDynamic = false;
  for (AffineExpr dim : dims) {
    exprs.push_back(simplifyDim(dim));
    auto constant = constantDim(exprs.back());
    shape.push_back(constant.value_or(ShapedType::kDynamic));
    isDynamic |= !constant;
  }
  Attribute encoding = isDynamic ? AffineMapAttr::get(symbolMap(exprs, elementType.getContext())) : Attribute();
  return RankedTensorType::get(shape, elementType, encoding);
}

RankedTensorType withElementType(RankedTensorType type, Type elementType) {
  return RankedTensorType::get(type.getShape(), elementType, type.getEncoding());
}

std::optional<int64_t> evaluateDim(AffineExpr expr, ArrayRef<int64_t> symbols) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbol.getPosition() < symbols.size() ? std::optional(symbols[symbol.getPosition()]) : std::nullopt;
  auto binary = cast<AffineBinaryOpExpr>(expr);
  auto lhs = evaluateDim(binary.getLHS(), symbols), rhs = evaluateDim(binary.getRHS(), symbols);
  if (!lhs || !rhs)
    return std::nullopt;
  int64_t result;
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return llvm::AddOverflow(*lhs, *rhs, result) ? std::nullopt : std::optional(result);
  case AffineExprKind::Mul:
    return llvm::MulOverflow(*lhs, *rhs, result) ? std::nullopt : std::optional(result);
  case AffineExprKind::Mod:
    return *rhs <= 0 ? std::nullopt : std::optional(((*lhs % *rhs) + *rhs) % *rhs);
  case AffineExprKind::FloorDiv:
    return *rhs == 0 ? std::nullopt : std::optional(llvm::divideFloorSigned(*lhs, *rhs));
  case AffineExprKind::CeilDiv:
    return *rhs == 0 ? std::nullopt : std::optional(llvm::divideCeilSigned(*lhs, *rhs));
  default:
    return std::nullopt;
  }
}

int64_t elementSizeBytes(Type type) {
  if (type.isIntOrFloat())
    return type.getIntOrFloatBitWidth() == 1  ? 1
           : type.getIntOrFloatBitWidth() % 8 ? 0
                                              : type.getIntOrFloatBitWidth() / 8;
  return 0;
}

std::optional<int64_t> evaluateDerived(const Symbol &symbol, ArrayRef<int64_t> symbols) {
  SmallVector<int64_t, 3> values;
  for (AffineExpr operand : symbol.operands) {
    auto value = evaluateDim(operand, symbols);
    if (!value)
      return std::nullopt;
    values.push_back(*value);
  }
  bool isSelect = symbol.derived == DerivedKind::selectNonNegative || symbol.derived == DerivedKind::selectZero;
  size_t expected = isSelect ? 3 : symbol.derived == DerivedKind::floorScaled ? 1 : 2;
  if (values.size() != expected)
    return std::nullopt;
  switch (symbol.derived) {
  case DerivedKind::minimum:
    return std::min(values[0], values[1]);
  case DerivedKind::maximum:
    return std::max(values[0], values[1]);
  case DerivedKind::selectNonNegative:
    return values[0] >= 0 ? values[1] : values[2];
  case DerivedKind::selectZero:
    return values[0] == 0 ? values[1] : values[2];
  case DerivedKind::floorScaled: {
    double scaled = std::floor(double(values[0]) * symbol.scale);
    return std::abs(scaled) < 9e18 ? std::optional(int64_t(scaled)) : std::nullopt;
  }
  }
  return std::nullopt;
}

//===- Symbols as attributes -===//

namespace {
constexpr std::array<llvm::StringLiteral, 4> kKinds = {"input_dim", "input_value", "derived", "tensor_value"};
constexpr std::array<llvm::StringLiteral, 5> kDerived = {"minimum", "maximum", "select_non_negative", "floor_scaled",
                                                         "select_zero"};

template <size_t N> int64_t indexOf(const std::array<llvm::StringLiteral, N> &names, StringRef name) {
  auto *it = llvm::find(names, name);
  return it == names.end() ? 0 : it - names.begin();
}

DictionaryAttr toAttribute(const Symbol &symbol, MLIRContext *context) {
  Builder b(context);
  NamedAttrList attrs;
  attrs.append("name", b.getStringAttr(symbol.name));
  attrs.append("kind", b.getStringAttr(kKinds[size_t(symbol.kind)]));
  if (symbol.kind == SymbolKind::derived) {
    attrs.append("derived", b.getStringAttr(kDerived[size_t(symbol.derived)]));
    attrs.append("operands", AffineMapAttr::get(symbolMap(symbol.operands, context)));
    attrs.append("scale", b.getF64FloatAttr(symbol.scale));
  } else {
    attrs.append("input", b.getI64IntegerAttr(symbol.input));
    attrs.append("index", b.getI64IntegerAttr(symbol.index));
  }
  attrs.append("min", b.getI64IntegerAttr(symbol.min));
  attrs.append("max", b.getI64IntegerAttr(symbol.max));
  return attrs.getDictionary(context);
}

int64_t integer(DictionaryAttr attrs, StringRef name, int64_t otherwise) {
  auto attr = attrs.getAs<IntegerAttr>(name);
  return attr ? attr.getInt() : otherwise;
}

StringRef text(DictionaryAttr attrs, StringRef name) {
  auto attr = attrs.getAs<StringAttr>(name);
  return attr ? attr.getValue() : StringRef();
}

Symbol fromAttribute(DictionaryAttr attrs) {
  Symbol symbol;
  symbol.name = text(attrs, "name").str();
  symbol.kind = SymbolKind(indexOf(kKinds, text(attrs, "kind")));
  symbol.derived = DerivedKind(indexOf(kDerived, text(attrs, "derived")));
  symbol.input = integer(attrs, "input", 0);
  symbol.index = integer(attrs, "index", 0);
  symbol.min = integer(attrs, "min", 0);
  symbol.max = integer(attrs, "max", INT64_MAX);
  if (auto map = attrs.getAs<AffineMapAttr>("operands"))
    symbol.operands.assign(map.getValue().getResults().begin(), map.getValue().getResults().end());
  if (auto scale = attrs.getAs<FloatAttr>("scale"))
    symbol.scale = scale.getValueAsDouble();
  return symbol;
}

bool isSameDerived(const Symbol &a, const Symbol &b) {
  return a.kind == SymbolKind::derived && b.kind == a.kind && a.derived == b.derived && a.operands == b.operands &&
         a.scale == b.scale;
}
} // namespace

Symbols Symbols::of(Operation *function) {
  Symbols result;
  if (auto entries = function->getAttrOfType<ArrayAttr>(kSymbols))
    for (auto entry : entries.getAsRange<DictionaryAttr>())
      result.symbols.push_back(fromAttribute(entry));
  if (auto entries = function->getAttrOfType<ArrayAttr>(kConstraints))
    for (auto entry : entries.getAsRange<DictionaryAttr>())
      if (auto map = entry.getAs<AffineMapAttr>("equal"); map && map.getValue().getNumResults() == 2)
        result.constraints.push_back(
            {map.getValue().getResult(0), map.getValue().getResult(1), text(entry, "reason").str()});
  return result;
}

void Symbols::store(Operation *function) const {
  MLIRContext *context = function->getContext();
  Builder b(context);
  SmallVector<Attribute> entries, conditions;
  for (const Symbol &symbol : symbols)
    entries.push_back(toAttribute(symbol, context));
  for (const Constraint &constraint : constraints)
    conditions.push_back(b.getDictionaryAttr(
        {b.getNamedAttr("equal", AffineMapAttr::get(symbolMap({constraint.lhs, constraint.rhs}, context))),
         b.getNamedAttr("reason", b.getStringAttr(constraint.reason))}));
  function->setAttr(kSymbols, b.getArrayAttr(entries));
  function->setAttr(kConstraints, b.getArrayAttr(conditions));
}

AffineExpr Symbols::add(Symbol symbol, MLIRContext *context) {
  for (auto [index, known] : llvm::enumerate(symbols))
    if (isSameDerived(known, symbol))
      return getAffineSymbolExpr(index, context);
  if (symbol.name.empty())
    symbol.name = "s" + std::to_string(symbols.size());
  symbols.push_back(std::move(symbol));
  return getAffineSymbolExpr(symbols.size() - 1, context);
}

void Symbols::require(AffineExpr lhs, AffineExpr rhs, StringRef reason) {
  lhs = simplifyDim(lhs);
  rhs = simplifyDim(rhs);
  if (lhs == rhs)
    return;
  for (const Constraint &known : constraints)
    if ((known.lhs == lhs && known.rhs == rhs) || (known.lhs == rhs && known.rhs == lhs))
      return;
  constraints.push_back({lhs, rhs, reason.str()});
}

} // namespace lathe
