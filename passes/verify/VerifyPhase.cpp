// Reports what a phase should have removed. The constraints V1..V5 are described in Verify.td.
#include "passes/Passes.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace lathe {

#define GEN_PASS_DEF_VERIFYPHASE
#include "passes/Passes.h.inc"

namespace {

unsigned symbolsNeeded(ArrayRef<AffineExpr> exprs, MLIRContext *context) {
  return symbolMap(exprs, context).getNumSymbols();
}

/// V1, V2 for one value.
LogicalResult verifySizes(Location loc, Type type, size_t numSymbols) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return success();
  if (!hasSymbolicDims(tensor))
    return emitError(loc, "V1: expects every dynamic axis to have a symbolic size, got ") << type;
  if (symbolsNeeded(dimExprs(tensor), type.getContext()) > numSymbols)
    return emitError(loc, "V2: expects symbols below ") << numSymbols << ", got " << type;
  return success();
}

/// V2 for attributes such as starts of a slice.
LogicalResult verifyMaps(Operation *op, size_t numSymbols) {
  for (NamedAttribute attr : op->getAttrs())
    if (auto map = dyn_cast<AffineMapAttr>(attr.getValue()))
      if (symbolsNeeded(map.getValue().getResults(), op->getContext()) > numSymbols)
        return op->emitOpError("V2: expects symbols below ")
               << numSymbols << ", got " << attr.getName() << " = " << map;
  return success();
}

/// V5.
LogicalResult verifySymbols(func::FuncOp function, const Symbols &symbols) {
  for (auto [number, symbol] : llvm::enumerate(symbols.symbols))
    if (symbolsNeeded(symbol.operands, function.getContext()) > number)
      return function.emitOpError("V5: expects symbol ") << symbol.name << " to use earlier symbols only";
  return success();
}

LogicalResult verifyFunction(func::FuncOp function) {
  Symbols symbols = Symbols::of(function);
  size_t count = symbols.symbols.size();
  bool isFine = succeeded(verifySymbols(function, symbols));
  for (BlockArgument argument : function.getArguments())
    isFine &= succeeded(verifySizes(argument.getLoc(), argument.getType(), count));
  function.walk([&](Operation *op) {
    if (op == function)
      return;
    isFine &= succeeded(verifyMaps(op, count));
    for (Type type : op->getResultTypes())
      isFine &= succeeded(verifySizes(op->getLoc(), type, count));
  });
  return success(isFine);
}

struct VerifyPhasePass : impl::VerifyPhaseBase<VerifyPhasePass> {
  using VerifyPhaseBase::VerifyPhaseBase;

  /// V3, V4.
  LogicalResult verifyAlive(Operation *op) {
    StringRef name = op->getName().getStringRef(), dialect = op->getName().getDialectNamespace();
    if (!dialects.empty() && dialect != "builtin" && !llvm::is_contained(dialects, dialect))
      return op->emitOpError("V3: expects no operation of dialect ") << dialect << " after this phase";
    if (llvm::is_contained(removed, name))
      return op->emitOpError("V4: expects no ") << name << " after this phase";
    return success();
  }

  void runOnOperation() override {
    bool isFine = true;
    getOperation().walk([&](Operation *op) { isFine &= succeeded(verifyAlive(op)); });
    for (auto function : getOperation().getOps<func::FuncOp>())
      isFine &= succeeded(verifyFunction(function));
    markAllAnalysesPreserved();
    if (!isFine)
      signalPassFailure();
  }
};

} // namespace
} // namespace lathe
