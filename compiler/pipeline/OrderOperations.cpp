#include "compiler/pipeline/OrderOperations.h"
#include "compiler/pipeline/Storage.h"
#include "passes/memory/PlanArena.h"
#include "passes/memory/StepOrder.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include <numeric>

using namespace mlir;

namespace lathe {

namespace {

/// The operations of a function as steps. Constants are none: they take no memory of the arena.
class FunctionSteps {
public:
  explicit FunctionSteps(func::FuncOp function)
      : function(function), storage(function), symbols(Symbols::of(function)), guess(guessSymbols(symbols)) {
    for (Operation &op : function.front().without_terminator())
      if (!isa<nn::ConstantOp>(op))
        add(&op);
  }

  void improve() {
    std::vector<unsigned> given(steps.size());
    std::iota(given.begin(), given.end(), 0u);
    std::vector<unsigned> order = orderSteps(steps, sizes);
    int64_t before = peakOf(steps, sizes, given), after = peakOf(steps, sizes, order);
    if (after >= before - before / 50)
      return;
    recordDecision(&function.front().front(), "order", true,
                   "operations are computed in another order: " + Twine(after) + " instead of " + Twine(before) +
                       " bytes are live at once");
    Operation *end = function.front().getTerminator();
    for (Operation *constant : constants())
      constant->moveBefore(end);
    for (unsigned index : order)
      ops[index]->moveBefore(end);
  }

private:
  void add(Operation *op) {
    Step step;
    llvm::SetVector<unsigned> after, values;
    auto touch = [&](Value value) {
      if (auto number = numberOf(value))
        values.insert(*number);
    };
    for (Value operand : op->getOperands()) {
      if (auto it = indices.find(operand.getDefiningOp()); it != indices.end())
        after.insert(it->second);
      touch(operand);
    }
    llvm::for_each(op->getResults(), touch);
    step.after.assign(after.begin(), after.end());
    step.values.assign(values.begin(), values.end());
    indices[op] = ops.size();
    ops.push_back(op);
    steps.push_back(step);
  }

  /// Of the memory that a value lies in; none if that isn't the arena.
  std::optional<unsigned> numberOf(Value value) {
    Place place = storage.placeOf(value);
    if (place.output >= 0 || isa<BlockArgument>(place.root) || place.root.getDefiningOp<nn::ConstantOp>())
      return std::nullopt;
    auto [it, isNew] = numbers.try_emplace(place.root, sizes.size());
    if (isNew)
      sizes.push_back(std::max<int64_t>(
          evaluateDim(sizeBytes(cast<RankedTensorType>(place.root.getType())), guess).value_or(0), 0));
    return it->second;
  }

  SmallVector<Operation *> constants() {
    SmallVector<Operation *> found;
    for (auto constant : function.front().getOps<nn::ConstantOp>())
      found.push_back(constant);
    return found;
  }

  func::FuncOp function;
  Storage storage;
  Symbols symbols;
  SmallVector<int64_t> guess;
  std::vector<Step> steps;
  std::vector<Operation *> ops; // of the steps
  llvm::DenseMap<Operation *, unsigned> indices;
  llvm::DenseMap<Value, unsigned> numbers;
  std::vector<int64_t> sizes; // by number
};
} // namespace

void orderOperations(func::FuncOp function) {
  // Sizes that are computed bind their symbol at a place in the order, for all that follow.
  if (function.front().getOps<nn::LateSymbolOp>().empty())
    FunctionSteps(function).improve();
}

} // namespace lathe
