// Fixes or bounds symbols (`batch=1`, `seq=1..512`) and infers all types again.
//
// What follows from a fixed symbol is fixed too: derived symbols of constants, and single symbols that a
// constraint equates with a constant. A constraint that can't hold any more is an error that names the ONNX
// node it came from.
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "passes/Passes.h"

using namespace mlir;

namespace lathe {

#define GEN_PASS_DEF_REFINESHAPES
#include "passes/Passes.h.inc"

namespace {

/// The known values of symbols, and sizes rewritten with them.
struct Refinement {
  func::FuncOp function;
  Symbols symbols;
  SmallVector<AffineExpr> values; // constant where known, else the symbol itself

  explicit Refinement(func::FuncOp function) : function(function), symbols(Symbols::of(function)) {
    for (size_t k = 0; k < symbols.symbols.size(); ++k)
      values.push_back(getAffineSymbolExpr(k, function.getContext()));
  }

  AffineExpr rewrite(AffineExpr expr) const { return simplifyDim(expr.replaceSymbols(values)); }
  bool isKnown(size_t symbol) const { return constantDim(values[symbol]).has_value(); }

  LogicalResult fix(size_t number, int64_t value) {
    Symbol &symbol = symbols.symbols[number];
    if (value < symbol.min || value > symbol.max)
      return function.emitError("expects ")
             << symbol.name << " to be in [" << symbol.min << ", " << symbol.max << "], got " << value;
    values[number] = dimConstant(function.getContext(), value);
    symbol.min = symbol.max = value;
    return success();
  }

  LogicalResult bound(size_t number, int64_t low, int64_t high) {
    Symbol &symbol = symbols.symbols[number];
    symbol.min = std::max(symbol.min, low);
    symbol.max = std::min(symbol.max, high);
    if (symbol.min > symbol.max)
      return function.emitError("expects bounds of ") << symbol.name << " to meet, got " << low << ".." << high;
    return symbol.min == symbol.max ? fix(number, symbol.min) : success();
  }

  /// One `name=constant` or `name=low..high`.
  LogicalResult parse(StringRef text) {
    auto [name, range] = text.split('=');
    auto [lowText, highText] = range.split("..");
    int64_t low, high;
    if (lowText.getAsInteger(10, low) || low < 0 ||
        (range.contains("..") ? highText.getAsInteger(10, high) : (high = low, false)))
      return function.emitError("expects name=constant or name=low..high, got ") << text;
    bool isFound = false;
    for (auto [number, symbol] : llvm::enumerate(symbols.symbols))
      if (symbol.name == name) {
        isFound = true;
        if (failed(bound(number, low, high)))
          return failure();
      }
    return isFound ? success() : function.emitError("expects the name of a dynamic size, got ") << name;
  }

  /// Derived symbols whose operands are constants; true if any became known.
  FailureOr<bool> fixDerived() {
    bool isChanged = false;
    for (auto [number, symbol] : llvm::enumerate(symbols.symbols)) {
      if (symbol.kind != SymbolKind::derived || isKnown(number))
        continue;
      for (AffineExpr &operand : symbol.operands)
        operand = rewrite(operand);
      auto value = evaluateDerived(symbol, {});
      if (value && failed(fix(number, *value)))
        return failure();
      isChanged |= value.has_value();
    }
    return isChanged;
  }

  /// Constraints `symbol == constant` fix the symbol; contradictions fail.
  FailureOr<bool> fixConstrained() {
    bool isChanged = false;
    for (Constraint &constraint : symbols.constraints) {
      constraint.lhs = rewrite(constraint.lhs);
      constraint.rhs = rewrite(constraint.rhs);
      auto lhs = constantDim(constraint.lhs), rhs = constantDim(constraint.rhs);
      if (lhs && rhs && *lhs != *rhs)
        return function.emitError(constraint.reason) << ": expects equal sizes, got " << *lhs << " and " << *rhs;
      auto symbol = dyn_cast<AffineSymbolExpr>(lhs ? constraint.rhs : constraint.lhs);
      if (!symbol || bool(lhs) == bool(rhs))
        continue;
      if (failed(fix(symbol.getPosition(), lhs ? *lhs : *rhs)))
        return failure();
      isChanged = true;
    }
    llvm::erase_if(symbols.constraints, [](const Constraint &c) { return c.lhs == c.rhs; });
    return isChanged;
  }

  LogicalResult propagate() {
    for (bool isChanged = true; isChanged;) {
      auto derived = fixDerived(), constrained = fixConstrained();
      if (failed(derived) || failed(constrained))
        return failure();
      isChanged = *derived || *constrained;
    }
    return success();
  }

  /// Puts the constants into every type and affine map of the function.
  void substitute() {
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](RankedTensorType type) -> std::optional<std::pair<Type, WalkResult>> {
      if (type.hasStaticShape() || !hasSymbolicDims(type))
        return std::pair<Type, WalkResult>(type, WalkResult::skip());
      DimExprs dims;
      for (AffineExpr dim : dimExprs(type))
        dims.push_back(rewrite(dim));
      return std::pair<Type, WalkResult>(makeTensorType(dims, type.getElementType()), WalkResult::skip());
    });
    replacer.addReplacement([&](AffineMapAttr attr) -> Attribute {
      if (attr.getValue().getNumDims())
        return attr;
      SmallVector<AffineExpr> results;
      for (AffineExpr expr : attr.getValue().getResults())
        results.push_back(rewrite(expr));
      return AffineMapAttr::get(symbolMap(results, attr.getContext()));
    });
    symbols.store(function);
    replacer.recursivelyReplaceElementsIn(function, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                          /*replaceTypes=*/true);
  }
};

/// Result types that inference now knows more exactly.
LogicalResult inferAgain(Operation *op) {
  if (auto fused = dyn_cast<nn::FusedOp>(op))
    for (auto [value, result] : llvm::zip(fused.getBody().front().getTerminator()->getOperands(), op->getResults()))
      result.setType(value.getType());
  auto interface = dyn_cast<InferTypeOpInterface>(op);
  if (!interface)
    return success();
  SmallVector<Type> types;
  if (failed(interface.inferReturnTypes(op->getContext(), op->getLoc(), op->getOperands(),
                                        op->getDiscardableAttrDictionary(), op->getPropertiesStorage(),
                                        op->getRegions(), types)))
    return failure();
  for (auto [result, type] : llvm::zip(op->getResults(), types))
    if (auto known = dyn_cast<RankedTensorType>(result.getType());
        known && cast<RankedTensorType>(type).getNumDynamicDims() <= known.getNumDynamicDims())
      result.setType(type);
  return success();
}

/// Types of values that pass through the function's terminator.
void updateResultTypes(func::FuncOp function) {
  if (function.isDeclaration())
    return;
  auto results = function.getBody().back().getTerminator()->getOperandTypes();
  function.setType(FunctionType::get(function.getContext(), function.getArgumentTypes(), results));
}

struct RefineShapesPass : impl::RefineShapesBase<RefineShapesPass> {
  using RefineShapesBase::RefineShapesBase;

  void runOnOperation() override {
    Refinement refinement(getOperation());
    for (const std::string &text : dims)
      if (failed(refinement.parse(text)))
        return signalPassFailure();
    if (failed(refinement.propagate()))
      return signalPassFailure();
    refinement.substitute();
    auto walk = getOperation().walk(
        [](Operation *op) { return failed(inferAgain(op)) ? WalkResult::interrupt() : WalkResult::advance(); });
    if (walk.wasInterrupted())
      return signalPassFailure();
    updateResultTypes(getOperation());
  }
};

} // namespace
} // namespace lathe
