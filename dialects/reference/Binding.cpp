#include "dialects/reference/Binding.h"
#include "dialects/reference/Kernels.h"

using namespace mlir;

namespace lathe::reference {

namespace {

/// Static sizes, rank and element type of an input against its argument.
llvm::Error checkInput(const Tensor &input, RankedTensorType expected, size_t number) {
  bool fits = input.elementType() == expected.getElementType() && input.rank() == expected.getRank() &&
              succeeded(verifyCompatibleShape(input.shape(), expected.getShape()));
  return fits ? llvm::Error::success() : error("expects input ", number, " to be ", expected, ", got ", input.type());
}

llvm::Error checkInputs(func::FuncOp function, ArrayRef<Tensor> inputs) {
  if (inputs.size() != function.getNumArguments())
    return error("expects ", function.getNumArguments(), " inputs, got ", inputs.size());
  for (auto [number, input, type] : llvm::enumerate(inputs, function.getArgumentTypes()))
    if (auto failure = checkInput(input, cast<RankedTensorType>(type), number))
      return failure;
  return llvm::Error::success();
}

/// Value of a symbol that stands for a part of an input.
llvm::Expected<int64_t> readInput(const Symbol &symbol, ArrayRef<Tensor> inputs) {
  if (symbol.input < 0 || size_t(symbol.input) >= inputs.size())
    return error("expects symbol ", symbol.name, " to name one of ", inputs.size(), " inputs, got ", symbol.input);
  const Tensor &input = inputs[size_t(symbol.input)];
  bool isDim = symbol.kind == SymbolKind::inputDim;
  if (symbol.index < 0 || symbol.index >= (isDim ? input.rank() : input.size()))
    return error("expects symbol ", symbol.name, " to lie inside input ", symbol.input, ", got ", symbol.index);
  return isDim ? input.dim(symbol.index) : input.integers()[size_t(symbol.index)];
}

} // namespace

bool Binding::isBound(AffineExpr expr) const {
  bool result = true;
  expr.walk([&](AffineExpr e) {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(e))
      result &= symbol.getPosition() < bound.size() && bound[symbol.getPosition()];
  });
  return result;
}

llvm::Error Binding::assign(size_t number, int64_t value) {
  const Symbol &symbol = symbols.symbols[number];
  if (value < symbol.min || value > symbol.max)
    if (symbol.kind != SymbolKind::derived)
      return error("expects ", symbol.name, " to be in [", symbol.min, ", ", symbol.max, "], got ", value);
  symbolValues[number] = value;
  bound[number] = true;
  return llvm::Error::success();
}

llvm::Error Binding::bindDerived() {
  for (auto [number, symbol] : llvm::enumerate(symbols.symbols)) {
    bool isReady = symbol.kind == SymbolKind::derived && !bound[number] &&
                   llvm::all_of(symbol.operands, [&](AffineExpr operand) { return isBound(operand); });
    if (!isReady)
      continue;
    auto value = evaluateDerived(symbol, symbolValues);
    if (!value)
      return error("expects symbol ", symbol.name, " to have a value, got overflow or division by zero");
    if (auto failure = assign(number, *value))
      return failure;
  }
  return llvm::Error::success();
}

llvm::Error Binding::checkConstraints() const {
  for (const Constraint &constraint : symbols.constraints) {
    if (!isBound(constraint.lhs) || !isBound(constraint.rhs))
      continue;
    auto lhs = evaluateDim(constraint.lhs, symbolValues), rhs = evaluateDim(constraint.rhs, symbolValues);
    if (!lhs || lhs != rhs)
      return error(constraint.reason, ": expects equal sizes, got ", lhs.value_or(-1), " and ", rhs.value_or(-1));
  }
  return llvm::Error::success();
}

llvm::Expected<Binding> Binding::bind(func::FuncOp function, ArrayRef<Tensor> inputs) {
  if (auto failure = checkInputs(function, inputs))
    return failure;
  Binding binding;
  binding.symbols = Symbols::of(function);
  binding.symbolValues.assign(binding.symbols.symbols.size(), 0);
  binding.bound.assign(binding.symbols.symbols.size(), false);
  for (auto [number, symbol] : llvm::enumerate(binding.symbols.symbols)) {
    if (symbol.kind != SymbolKind::inputDim && symbol.kind != SymbolKind::inputValue)
      continue;
    auto value = readInput(symbol, inputs);
    if (!value)
      return value.takeError();
    if (auto failure = binding.assign(number, *value))
      return failure;
  }
  if (auto failure = binding.bindDerived())
    return failure;
  if (auto failure = binding.checkConstraints())
    return failure;
  return binding;
}

llvm::Error Binding::bindLate(size_t number, int64_t value) {
  if (number >= symbols.symbols.size())
    return error("expects a symbol below ", symbols.symbols.size(), ", got ", number);
  if (auto failure = assign(number, value))
    return failure;
  if (auto failure = bindDerived())
    return failure;
  return checkConstraints();
}

} // namespace lathe::reference
