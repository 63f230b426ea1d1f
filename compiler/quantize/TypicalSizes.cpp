#include "compiler/quantize/TypicalSizes.h"
#include "dialects/reference/Binding.h"
#include "passes/memory/PlanArena.h"

using namespace mlir;

namespace lathe {

static bool isOfInput(const Symbol &symbol) {
  return symbol.kind == SymbolKind::inputDim || symbol.kind == SymbolKind::inputValue;
}

SymbolValues nominalSizes(func::FuncOp function) {
  Symbols symbols = Symbols::of(function);
  for (Symbol &symbol : symbols.symbols)
    if (symbol.kind == SymbolKind::inputDim && symbol.index == 0 &&
        cast<RankedTensorType>(function.getArgumentTypes()[symbol.input]).getRank() > 1)
      symbol.max = std::max<int64_t>(symbol.min, 1);
  return guessSymbols(symbols);
}

llvm::Expected<std::vector<SymbolValues>> sizesOfSamples(func::FuncOp function, SampleSource &samples) {
  constexpr size_t enough = 8;
  const Symbols symbols = Symbols::of(function);
  if (symbols.symbols.empty())
    return std::vector<SymbolValues>{{}};
  std::vector<SymbolValues> result;
  for (size_t i = 0; i < std::min(samples.count(), enough); ++i) {
    auto inputs = samples.load(i);
    if (!inputs)
      return inputs.takeError();
    auto binding = reference::Binding::bind(function, *inputs);
    if (!binding) { // told when it is run
      llvm::consumeError(binding.takeError());
      continue;
    }
    Symbols known = symbols;
    for (auto [symbol, value] : llvm::zip_equal(known.symbols, binding->values()))
      if (isOfInput(symbol))
        symbol.min = symbol.max = value;
    result.push_back(guessSymbols(known));
  }
  if (result.empty())
    result.push_back(nominalSizes(function));
  return result;
}

} // namespace lathe
