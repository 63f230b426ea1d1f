// row: softmax, layer norms and reductions along the last axes, with what is element-wise before and after them.
//
//   for row in rows of the tasks:
//     for each operation of the region, in order:
//       reduction: one vectorizable loop over the row per pass; its input is written to scratch on the first pass if a later
//                  one (or another operation) needs it; its statistics are scalars
//       expensive value that is used more than once: a loop that writes it to scratch
//     one loop over the row that computes and stores the outputs
//
// Softmax keeps exp(x - max) in scratch. Layer norm takes two passes (mean, then squares of differences).
#include "backends/x86/RowKernel.h"
#include "backends/x86/Body.h"
#include "backends/x86/Collapse.h"
#include "backends/x86/Elements.h"
#include "backends/x86/Reductions.h"
#include "backends/x86/RowPlan.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
class RowEmitter {
public:
  RowEmitter(EmitContext &c, const RowPlan &plan) : c(c), plan(plan) {
    for (AffineExpr dim : plan.row)
      rowSizes.push_back(c.dim(dim));
    rowLength = c.dim(plan.rowLength);
    hideShortLength();
    AffineExpr offset = dimConstant(plan.rowLength.getContext(), 0);
    for (Value value : plan.buffered) {
      slots[value] = c.address(c.scratch, c.i8(), c.dim(offset));
      offset = offset + plan.slotBytes(value);
    }
  }

  void run() {
    loopRows(c, plan.space, c.taskBegin, c.taskEnd, [&](IndexList outer) {
      lead.assign(outer.begin(), outer.begin() + plan.lead.size());
      for (Operation &op : c.region().without_terminator())
        emitOperation(&op);
      emitOutputs();
      for (Operation &op : c.region().without_terminator())
        c.unbind(op.getResult(0));
    });
  }

private:
  /// LLVM unrolls loops of few trips before it would make vectors of them, and leaves one addition after the other.
  void hideShortLength() {
    constexpr int64_t longest = 128, vectors = 4;
    auto length = constantDim(plan.rowLength);
    int64_t step = vectors * c.target.vectorBits() / 32;
    summedSizes = rowSizes;
    if (length && rowSizes.size() == 1 && *length <= longest && *length % step == 0)
      summedSizes[0] = c.hidden(rowSizes[0]);
  }

  /// Loops over the row; gives the whole index and the number in the row.
  Values loopRow(Values inits, llvm::function_ref<Values(IndexList index, Value number, ValueRange carried)> body) {
    return loopNest(c, inits.empty() ? rowSizes : summedSizes, inits, [&](IndexList inner, ValueRange carried) {
      Indices index(lead);
      index.append(inner.begin(), inner.end());
      return body(index, c.linearize(inner, rowSizes), carried);
    });
  }

  Value numberInRow(IndexList index) { return c.linearize(index.take_back(rowSizes.size()), rowSizes); }

  Type slotType(Value value) {
    Type type = elementType(value);
    return type.isF16() || type.isBF16() ? c.f32() : type;
  }
  void storeSlot(Value tensor, Value number, Value element) {
    c.store(element, slots.lookup(tensor), slotType(tensor), number);
  }
  Value loadSlot(Value tensor, Value number) { return c.load(slots.lookup(tensor), slotType(tensor), number); }
  bool isPending(Value tensor) { return slots.contains(tensor) && !c.isBound(tensor); }

  void bindToSlot(Value tensor) {
    c.bind(tensor, [this, tensor](IndexList index) { return loadSlot(tensor, numberInRow(index)); });
  }

  /// One pass over a reduction's input, which lands in its slot if it has one and isn't there yet.
  Values pass(Value input, Values inits, llvm::function_ref<Values(Value x, Value number, ValueRange carried)> body) {
    bool isStored = isPending(input);
    Values results = loopRow(inits, [&](IndexList index, Value number, ValueRange carried) {
      Value x = c.elementAt(input, index);
      if (isStored) {
        storeSlot(input, number, x);
        storeIntegersOf(input, index);
      }
      return body(x, number, carried);
    });
    if (isStored)
      bindToSlot(input);
    return results;
  }

  /// Integers that leave the kernel, while what they are rounded from is at hand.
  void storeIntegersOf(Value numbers, IndexList index) {
    auto dequantize = numbers.getDefiningOp<nn::DequantizeOp>();
    auto quantize = dequantize ? quantizedInKernel(dequantize) : nn::QuantizeOp();
    for (auto [number, value] : llvm::enumerate(c.results()))
      if (quantize && value == quantize.getOutput() && isFull(value)) {
        storeOutput(c.elementAt(value, index), unsigned(number), index);
        stored.insert(unsigned(number));
      }
  }

  void storeOutput(Value element, unsigned number, IndexList index) {
    Value tensor = c.results()[number];
    c.store(element, c.outputs[number], elementType(tensor), c.linearize(index, c.dims(tensor)));
  }

  Value sumOver(Value input, llvm::function_ref<Value(Value x)> term) {
    Type type = computedType(elementType(input));
    return pass(input, {c.real(0, type)},
                [&](Value x, Value, ValueRange carried) { return Values{c.accumulate(carried[0], term(x))}; })[0];
  }

  void emitOperation(Operation *op) {
    if (auto reduce = dyn_cast<nn::ReduceOp>(op))
      return emitReduce(reduce);
    if (auto softmax = dyn_cast<nn::SoftmaxOp>(op))
      return emitSoftmax(softmax);
    if (auto norm = dyn_cast<nn::LayerNormOp>(op))
      return emitLayerNorm(norm);
    Value result = op->getResult(0);
    bool isReductionInput = llvm::any_of(result.getUsers(), isRowReduction);
    if (isPending(result) && !isReductionInput)
      pass(result, {}, [](Value, Value, ValueRange) { return Values{}; });
  }

  void emitReduce(nn::ReduceOp op) {
    Accumulator accumulator(c, op.getKind(), elementType(op.getInput()), isOfMagnitudes(op));
    Value sum = pass(op.getInput(), {accumulator.init()},
                     [&](Value x, Value, ValueRange carried) { return Values{accumulator.combine(carried[0], x)}; })[0];
    Value result = accumulator.finish(sum, rowLength);
    c.bind(op.getOutput(), [result](IndexList) { return result; });
  }

  /// Is it the largest of some magnitudes?
  bool isOfMagnitudes(nn::ReduceOp op) const {
    auto input = op.getInput().getDefiningOp<nn::UnaryOp>();
    auto length = dyn_cast<AffineConstantExpr>(plan.rowLength);
    return op.getKind() == nn::ReduceKind::max && input && input.getKind() == nn::UnaryKind::abs &&
           elementType(op.getInput()).isF32() && length && length.getValue() > 0;
  }

  void emitSoftmax(nn::SoftmaxOp op) {
    Value input = op.getInput(), output = op.getOutput();
    Type type = computedType(elementType(input));
    Value largest = pass(input, {lowestOf(c, type)}, [&](Value x, Value, ValueRange carried) {
      return Values{c.accumulateMaximum(carried[0], x)};
    })[0];
    Value sum = pass(input, {c.real(0, type)}, [&](Value x, Value number, ValueRange carried) {
      Value shifted = c.sub(x, largest), e = emitExpNegative(c, shifted);
      storeSlot(output, number, op.getLog() ? shifted : e);
      return Values{c.accumulate(carried[0], e)};
    })[0];
    if (op.getLog()) {
      Value logarithm = emitLog(c, sum);
      return c.bind(output,
                    [=, this](IndexList index) { return c.sub(loadSlot(output, numberInRow(index)), logarithm); });
    }
    Value inverse = c.divF(c.real(1, type), sum);
    c.bind(output, [=, this](IndexList index) { return c.mul(loadSlot(output, numberInRow(index)), inverse); });
  }

  void emitLayerNorm(nn::LayerNormOp op) {
    Value input = op.getInput();
    Type type = computedType(elementType(input));
    Value count = c.toFloatS(rowLength, type), mean = c.real(0, type);
    bool isRms = op.getRms();
    if (!isRms)
      mean = c.divF(sumOver(input, [](Value x) { return x; }), count);
    auto centred = [=, this](Value x) { return isRms ? x : c.sub(x, mean); };
    Value squares = sumOver(input, [&](Value x) { return c.mul(centred(x), centred(x)); });
    Value variance = c.add(c.divF(squares, count), c.real(op.getEpsilon().convertToDouble(), type));
    Value inverse = c.divF(c.real(1, type), c.sqrt(variance));
    c.bind(op.getOutput(),
           [=, this](IndexList index) { return normalize(c, op, centred(c.elementAt(input, index)), inverse, index); });
  }

  void emitOutputs() {
    SmallVector<unsigned> full;
    for (auto [number, value] : llvm::enumerate(c.results())) {
      if (isFull(value)) {
        if (!stored.contains(unsigned(number)))
          full.push_back(unsigned(number));
        continue;
      }
      Indices index(lead);
      index.append(tensorType(value).getRank() - lead.size(), c.index(0));
      storeOutput(c.elementAt(value, index), unsigned(number), index);
    }
    if (full.empty())
      return;
    loopRow({}, [&](IndexList index, Value, ValueRange) {
      SmallVector<Value> elements;
      for (unsigned number : full)
        elements.push_back(c.elementAt(c.results()[number], index));
      for (auto [element, number] : llvm::zip_equal(elements, full))
        storeOutput(element, number, index);
      return Values{};
    });
  }

  bool isFull(Value value) {
    DimExprs dims = plan.lead;
    dims.append(plan.row.begin(), plan.row.end());
    return dimExprs(tensorType(value)) == dims;
  }

  EmitContext &c;
  const RowPlan &plan;
  Values rowSizes, summedSizes; // the latter for loops that carry sums
  Value rowLength;
  llvm::DenseMap<Value, Value> slots;
  llvm::DenseSet<unsigned> stored; // results that a pass has written
  Indices lead;
};
} // namespace

std::optional<KernelPlan> planRow(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  if (!hasKnownTypes(op) || !llvm::any_of(bodyOperations(op), isRowReduction))
    return std::nullopt;
  if (!llvm::all_of(bodyOperations(op), isElemental))
    return std::nullopt;
  OwningOpRef<plan::KernelOp> body = makeBody(op);
  collapseAxes(*body);
  auto rows = planRows(body->getBody().front());
  if (!rows)
    return std::nullopt;
  KernelPlan plan = makePlan(op, "row");
  plan.tasks = rows->space.tasks;
  plan.scratchBytes = rows->scratchBytes();
  return plan;
}

LogicalResult emitRow(EmitContext &context) {
  collapseAxes(context.kernel);
  auto rows = planRows(context.region());
  if (!rows)
    return context.kernel.emitError("internal: kernel is not made of rows");
  RowEmitter(context, *rows).run();
  return success();
}

} // namespace lathe::x86
