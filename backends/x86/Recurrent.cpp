// recurrent: one task per sequence and direction.
//
//   for each time step:
//     from_input = W x + b;  from_state = R h + b'        (a vectorized dot product per row)
//     gates -> new h (and c), kept in scratch; h is stored as state of the step
//
// Scratch of a task: from_input, from_state [gates * H], h, c, gated [H], in the computed type.
#include "backends/x86/Body.h"
#include "backends/x86/CellMath.h"
#include "backends/x86/Sequential.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
/// Sizes of a cell, as expressions.
struct CellDims {
  AffineExpr directions, rows, hidden, inputs, steps, batch;

  explicit CellDims(nn::RecurrentOp op) {
    auto input = dimExprs(tensorType(op.getInput())), recurrence = dimExprs(tensorType(op.getRecurrence()));
    directions = recurrence[0];
    rows = recurrence[1];
    hidden = recurrence[2];
    steps = input[0];
    batch = input[1];
    inputs = input[2];
  }
};

class RecurrentEmitter {
public:
  RecurrentEmitter(EmitContext &c, nn::RecurrentOp op) : c(c), op(op), element(elementType(op.getInput())) {
    type = computedType(element);
    CellDims dims(op);
    rows = c.dim(dims.rows);
    hidden = c.dim(dims.hidden);
    inputs = c.dim(dims.inputs);
    steps = c.dim(dims.steps);
    batch = c.dim(dims.batch);
    fromInput = c.scratch;
    fromState = c.address(fromInput, type, rows);
    h = c.address(fromState, type, rows);
    cell = c.address(h, type, hidden);
    gated = c.address(cell, type, hidden);
  }

  void run() {
    c.loop(c.taskBegin, c.taskEnd, [&](Value task) {
      direction = c.divU(task, batch);
      sequence = c.remU(task, batch);
      line = c.add(c.mul(direction, batch), sequence);
      emitSequence();
    });
  }

private:
  Value zero() { return c.real(0, type); }
  Value one() { return c.real(1, type); }
  Value inputOf(Value tensor, Value offset) { return c.load(addressOf(tensor), element, offset); }
  Value get(Value base, Value i) { return c.loadRaw(base, type, i); }
  void put(Value value, Value base, Value i) { c.storeRaw(value, base, i); }
  void forHidden(llvm::function_ref<void(Value)> body) { c.loop(c.index(0), hidden, body); }

  /// Address of an operand: operands are block arguments, one per kernel input, in order.
  Value addressOf(Value tensor) { return c.inputs[cast<BlockArgument>(tensor).getArgNumber()]; }

  void emitSequence() {
    Value length = steps;
    if (Value lens = op.getSequenceLens()) {
      Value own = c.resizeS(c.loadRaw(addressOf(lens), c.i32(), sequence), c.i64());
      length = c.clampS(own, c.index(0), steps);
    }
    initState(op.getInitialH(), h);
    initState(op.getInitialC(), cell);
    c.loop(length, steps, [&](Value t) { // after the end of the sequence
      forHidden([&](Value k) { c.store(zero(), c.outputs[0], element, c.add(stateRow(t), k)); });
    });
    c.loop(c.index(0), length, [&](Value s) {
      Value t = c.select(isBackward(), c.sub(c.sub(length, c.index(1)), s), s);
      emitStep(t);
      forHidden([&](Value k) { c.store(get(h, k), c.outputs[0], element, c.add(stateRow(t), k)); });
    });
    Value last = c.mul(line, hidden);
    forHidden([&](Value k) { c.store(get(h, k), c.outputs[1], element, c.add(last, k)); });
    if (c.outputs.size() > 2)
      forHidden([&](Value k) { c.store(get(cell, k), c.outputs[2], element, c.add(last, k)); });
  }

  void initState(Value initial, Value state) {
    forHidden([&](Value k) { put(initial ? inputOf(initial, c.add(c.mul(line, hidden), k)) : zero(), state, k); });
  }

  Value isBackward() {
    if (op.getDirection() == nn::Direction::bidirectional)
      return c.eqI(direction, c.index(1));
    return c.boolean(op.getDirection() == nn::Direction::backward);
  }

  /// First element of states[t, direction, sequence].
  Value stateRow(Value t) {
    Value directions = c.dimOf(op.getRecurrence(), 0);
    Value row = c.add(c.mul(c.add(c.mul(t, directions), direction), batch), sequence);
    return c.mul(row, hidden);
  }

  void emitStep(Value t) {
    Value x = c.mul(c.add(c.mul(t, batch), sequence), inputs);
    auto biasAt = [&](Value row, Value part) {
      if (!op.getBias())
        return zero();
      return inputOf(op.getBias(), c.add(c.mul(c.add(c.mul(direction, c.index(2)), part), rows), row));
    };
    auto inputBias = [&](Value row) { return biasAt(row, c.index(0)); };
    if (op.getWeights())
      c.loop(c.index(0), rows, [&](Value row) {
        Value sum = dot(op.getWeights(), row, inputs, [&](Value i) { return inputOf(op.getInput(), c.add(x, i)); });
        put(c.add(sum, inputBias(row)), fromInput, row);
      });
    else
      takeProjected(c.add(x, c.mul(direction, rows)), inputBias);
    c.loop(c.index(0), rows,
           [&](Value row) { put(c.add(stateProduct(row, h), biasAt(row, c.index(1))), fromState, row); });
    switch (op.getCell()) {
    case nn::CellKind::rnn:
      return forHidden([&](Value k) { put(activate(0, gate(0, k)), h, k); });
    case nn::CellKind::gru:
      return stepGru(biasAt);
    case nn::CellKind::lstm:
      return stepLstm();
    }
  }

  /// The sum of matrix[direction, row, i] * x(i)
  Value dot(Value matrix, Value row, Value width, llvm::function_ref<Value(Value)> x) {
    Value start = c.mul(lineOf(row), width);
    return c.loop(c.index(0), width, {zero()}, [&](Value i, ValueRange carried) {
      Value entry = c.load(addressOf(matrix), elementType(matrix), c.add(start, i));
      Value number = isa<IntegerType>(entry.getType()) ? c.toFloatS(entry, type) : entry;
      return Values{c.accumulate(carried[0], c.mul(number, x(i)))};
    })[0];
  }
  Value stateProduct(Value row, Value state) {
    Value sum = dot(op.getRecurrence(), row, hidden, [&](Value i) { return get(state, i); });
    return op.getRecurrenceScale() ? c.mul(sum, inputOf(op.getRecurrenceScale(), lineOf(row))) : sum;
  }
  /// Of all directions' rows.
  Value lineOf(Value row) { return c.add(c.mul(direction, rows), row); }

  /// from_input out of an input that is the product with the weights already.
  void takeProjected(Value first, llvm::function_ref<Value(Value)> bias) {
    c.loop(c.index(0), rows,
           [&](Value row) { put(c.add(inputOf(op.getInput(), c.add(first, row)), bias(row)), fromInput, row); });
  }

  Value rowOf(int64_t gateNumber, Value k) { return c.add(c.mul(c.index(gateNumber), hidden), k); }
  Value gate(int64_t number, Value k) {
    return c.add(get(fromInput, rowOf(number, k)), get(fromState, rowOf(number, k)));
  }

  /// Activation `which` of the direction, after clipping.
  Value activate(size_t which, Value x, bool isClipped = true) {
    if (isClipped)
      x = emitClip(c, op, x);
    size_t directions = op.getDirectionCount();
    size_t perDirection = op.getActivations().size() / directions;
    Value first = emitActivation(c, op, which, x);
    if (directions == 1)
      return first;
    return c.select(c.eqI(direction, c.index(1)), emitActivation(c, op, perDirection + which, x), first);
  }

  /// Gates z, r, h: h = (1 - z) * g(...) + z * h
  void stepGru(llvm::function_ref<Value(Value, Value)> biasAt) {
    forHidden([&](Value k) {
      put(activate(0, gate(0, k)), fromInput, rowOf(0, k)); // z
      Value reset = activate(0, gate(1, k));
      put(reset, fromInput, rowOf(1, k));
      put(c.mul(reset, get(h, k)), gated, k);
    });
    if (!op.getLinearBeforeReset())
      affineTail(biasAt);
    forHidden([&](Value k) {
      Value state = get(fromState, rowOf(2, k)), z = get(fromInput, rowOf(0, k));
      if (op.getLinearBeforeReset())
        state = c.mul(get(fromInput, rowOf(1, k)), state);
      Value candidate = activate(1, c.add(get(fromInput, rowOf(2, k)), state));
      put(c.add(c.mul(c.sub(one(), z), candidate), c.mul(z, get(h, k))), h, k);
    });
  }

  /// The last gate's rows of from_state again, from the gated state.
  void affineTail(llvm::function_ref<Value(Value, Value)> biasAt) {
    forHidden([&](Value k) {
      Value row = rowOf(2, k);
      put(c.add(stateProduct(row, gated), biasAt(row, c.index(1))), fromState, row);
    });
  }

  /// Gates i, o, f, c with peepholes i, o, f.
  void stepLstm() {
    auto peephole = [&](int64_t number, Value k, Value state) {
      if (!op.getPeepholes())
        return zero();
      Value start = c.mul(c.mul(direction, c.index(3)), hidden);
      return c.mul(inputOf(op.getPeepholes(), c.add(start, rowOf(number, k))), state);
    };
    forHidden([&](Value k) {
      Value old = get(cell, k);
      Value in = activate(0, c.add(gate(0, k), peephole(0, k, old)));
      Value forget = op.getInputForget() ? c.sub(one(), in) : activate(0, c.add(gate(2, k), peephole(2, k, old)));
      Value next = c.add(c.mul(forget, old), c.mul(in, activate(1, gate(3, k))));
      Value out = activate(0, c.add(gate(1, k), peephole(1, k, next)));
      put(next, cell, k);
      put(c.mul(out, activate(2, next, /*isClipped=*/false)), h, k);
    });
  }

  EmitContext &c;
  nn::RecurrentOp op;
  Type element, type;
  Value rows, hidden, inputs, steps, batch;
  Value fromInput, fromState, h, cell, gated; // addresses
  Value direction, sequence, line;            // of the task; line: direction * batch + sequence
};
} // namespace

std::optional<KernelPlan> planRecurrent(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto recurrent = dyn_cast<nn::RecurrentOp>(op);
  if (!recurrent || !hasKnownTypes(op))
    return std::nullopt;
  KernelPlan plan = makePlan(op, "recurrent");
  CellDims dims(recurrent);
  int64_t size = computedType(elementType(recurrent.getInput())).getIntOrFloatBitWidth() / 8;
  plan.tasks = simplifyDim(dims.directions * dims.batch);
  plan.scratchBytes = simplifyDim((dims.rows * 2 + dims.hidden * 3) * size);
  return plan;
}

LogicalResult emitRecurrent(EmitContext &c) {
  RecurrentEmitter(c, cast<nn::RecurrentOp>(c.region().front())).run();
  return success();
}

} // namespace lathe::x86
