// recurrent_steps: each step is a round of tasks, each task a block of hidden units (of one direction, for the whole batch).
//
//   round (step, phase), task (direction, block):
//     for rows of the batch:  sums[row][gate] = state[row] * panel           (StepProduct.h), into scratch
//     for row:                gates = activations(sums + projected input + biases) -> states[t, direction, row, block]
//                             (sums of integers are scaled here)
//   last round, task (direction, block):  last_h = state of each sequence's last step
//
// The state of the step before is read where it was written, in `states`; the cell's state is kept in last_c. The panels of a
// slice of tasks stay in the cache of the core that has it, step after step: odd steps go through their tasks backwards, so
// that of a slice larger than the cache the part read last is met first.
//
// A GRU whose reset gate acts before the product has two phases per step. The first leaves the update gate in `states`, where
// the same task finds it in the second, and the reset state of all units in last_h.
#include "backends/x86/RecurrentSteps.h"
#include "backends/x86/Body.h"
#include "backends/x86/CellMath.h"
#include "backends/x86/StepPlan.h"
#include "backends/x86/StepProduct.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr StringLiteral kKind = "recurrent_steps";

class StepsEmitter {
public:
  StepsEmitter(EmitContext &context, nn::RecurrentOp op)
      : c(context), op(op), plan(StepPlan::of(context.kernel.getConfig())), phases(plan.phases()),
        steps(c.dimOf(op.getInput(), 0)), batch(c.dimOf(op.getInput(), 1)) {}

  /// The range of tasks, round by round.
  void run() {
    Value tasks = c.index(plan.directions * plan.blocks());
    Value stepRounds = c.mul(steps, c.index(phases.size()));
    c.loop(c.divU(c.taskBegin, tasks), c.ceilDiv(c.taskEnd, tasks), [&](Value round) {
      Value start = c.mul(round, tasks);
      Value first = c.maxS(c.sub(c.taskBegin, start), c.index(0)), end = c.minS(c.sub(c.taskEnd, start), tasks);
      Value isLast = c.eqI(round, stepRounds);
      c.when(isLast, [&] { c.loop(first, end, [&](Value task) { finish(task); }); });
      c.when(c.notB(isLast), [&] { emitRound(round, first, end); });
    });
  }

private:
  void emitRound(Value round, Value first, Value end) {
    Value count = c.index(phases.size());
    step = c.divU(round, count);
    isFirst = c.eqI(step, c.index(0));
    Value isOdd = c.neI(c.andI(step, c.index(1)), c.index(0)), number = c.remU(round, count);
    for (auto [i, phase] : llvm::enumerate(phases))
      c.when(c.eqI(number, c.index(i)), [&, phase = phase, i = i] {
        c.loop(first, end, [&](Value task) {
          Value back = c.sub(c.sub(end, c.index(1)), c.sub(task, first));
          setTask(c.select(isOdd, back, task));
          emitProducts(phase, /*isReset=*/i > 0);
          c.loop(c.index(0), batch, [&](Value row) { emitRow(row, phase); });
        });
      });
  }

  void setTask(Value task) {
    Value blocks = c.index(plan.blocks());
    direction = c.divU(task, blocks);
    block = c.remU(task, blocks);
    unit = c.mul(block, c.index(plan.lanes));
    lanes.emplace(c, plan.lanes, plan.hasTail() ? c.sub(c.index(plan.hidden), unit) : Value());
    isBackward = op.getDirection() == nn::Direction::bidirectional
                     ? c.eqI(direction, c.index(1))
                     : c.boolean(op.getDirection() == nn::Direction::backward);
  }

  //===- places -===//

  Value input(Value tensor) { return c.inputs[cast<BlockArgument>(tensor).getArgNumber()]; }
  Value floats(Value base, Value offset) { return c.address(base, c.f32(), offset); }
  Value weightsAt(Value base, Value offset) { return c.address(base, plan.isInteger ? c.i8() : c.f32(), offset); }

  /// Row of a tensor [directions, batch, hidden].
  Value stateOf(Value base, Value row) {
    return floats(base, c.mul(c.add(c.mul(direction, batch), row), c.index(plan.hidden)));
  }
  /// Row of states[t, direction].
  Value statesAt(Value t, Value row) {
    Value line = c.add(c.mul(c.add(c.mul(t, c.index(plan.directions)), direction), batch), row);
    return floats(c.outputs[0], c.mul(line, c.index(plan.hidden)));
  }

  Value lengthOf(Value row) {
    if (!op.getSequenceLens())
      return steps;
    Value own = c.resizeS(c.loadRaw(input(op.getSequenceLens()), c.i32(), row), c.i64());
    return c.clampS(own, c.index(0), steps);
  }

  /// Where a row stands in this step.
  struct Place {
    Value isActive; // the sequence has not ended
    Value t;        // the time that is computed; the step itself for ended sequences
    Value previous; // address of the state before; not to be read in a first step without initial state
  };
  Place placeOf(Value row) {
    Value length = lengthOf(row), one = c.index(1);
    Place place;
    place.isActive = op.getSequenceLens() ? c.ltS(step, length) : c.boolean(true);
    Value isReversed = c.andI(isBackward, place.isActive);
    place.t = c.select(isReversed, c.sub(c.sub(length, one), step), step);
    Value before = c.select(isReversed, c.add(place.t, one), c.sub(step, one));
    // A valid address even where there is no state before.
    place.previous = statesAt(c.select(isFirst, place.t, before), row);
    if (op.getInitialH())
      place.previous = c.select(isFirst, stateOf(input(op.getInitialH()), row), place.previous);
    return place;
  }

  //===- products -===//

  void emitProducts(StepPhase phase, bool isReset) {
    Value panel = c.add(c.mul(direction, c.index(plan.blocks())), block);
    Value weights = weightsAt(input(op.getRecurrence()),
                              c.add(c.mul(panel, c.index(plan.panelElements())), c.index(plan.phaseStart(phase))));
    Value group = c.index(plan.rows), whole = c.mul(c.divU(batch, group), group);
    c.loop(c.index(0), whole, group, [&](Value row) { emitGroup(phase, isReset, weights, row, plan.rows); });
    Value rest = c.sub(batch, whole);
    for (int64_t rows = 1; rows < plan.rows; ++rows)
      c.when(c.eqI(rest, c.index(rows)), [&] { emitGroup(phase, isReset, weights, whole, rows); });
  }

  /// Sums of `rows` rows from `first` on, into scratch [batch][gates of the phase][lanes].
  void emitGroup(StepPhase phase, bool isReset, Value weights, Value first, int64_t rows) {
    SmallVector<Value> states;
    for (int64_t r = 0; r < rows; ++r) {
      Value row = c.add(first, c.index(r));
      states.push_back(isReset ? stateOf(c.outputs[1], row) : placeOf(row).previous);
    }
    Value isZero = op.getInitialH() ? c.boolean(false) : isFirst;
    int64_t gates = plan.tileGates(rows, phase);
    for (int64_t gate = 0; gate < phase.gates; gate += gates) {
      Values sums = stepProduct(c, {gates, plan.lanes, plan.hidden, phase.gates, bool(plan.isInteger)}, states,
                                weightsAt(weights, c.index(gate * plan.lanes)), isZero);
      for (auto [i, sum] : llvm::enumerate(sums)) {
        Value vector = c.index(i / gates * phase.gates + gate + i % gates);
        c.storeRaw(sum, c.scratch, c.add(c.mul(first, c.index(phase.gates)), vector), LATHE_BUFFER_ALIGNMENT / 2);
      }
    }
  }

  //===- gates -===//

  Value zero() { return lanes->constant(0); }
  Value load(Value base, Value offset) { return lanes->load(floats(base, offset)); }
  /// The block of units in a row of hidden states.
  Value loadUnits(Value row) { return load(row, unit); }
  void storeUnits(Value value, Value row) { lanes->store(value, floats(row, unit)); }

  void emitRow(Value row, StepPhase phase) {
    Place place = placeOf(row);
    c.when(place.isActive, [&] { emitActiveRow(row, place, phase); });
    c.when(c.notB(place.isActive), [&] { storeUnits(zero(), statesAt(step, row)); });
  }

  void emitActiveRow(Value row, const Place &place, StepPhase phase) {
    Value width = c.index(plan.directions * plan.gates * plan.hidden);
    Value x = c.add(c.mul(c.add(c.mul(place.t, batch), row), width),
                    c.add(c.mul(direction, c.index(plan.gates * plan.hidden)), unit));
    auto biasOf = [&](int64_t gate, int64_t part) {
      Value line = c.add(c.mul(direction, c.index(2)), c.index(part));
      Value start = c.add(c.mul(line, c.index(plan.gates * plan.hidden)), c.index(gate * plan.hidden));
      return op.getBias() ? load(input(op.getBias()), c.add(start, unit)) : zero();
    };
    fromInput = [=, this](int64_t gate) {
      return c.add(load(input(op.getInput()), c.add(x, c.index(gate * plan.hidden))), biasOf(gate, 0));
    };
    fromState = [=, this](int64_t gate) {
      Value number = c.add(c.mul(row, c.index(phase.gates)), c.index(gate - phase.firstGate));
      Value sum = c.loadRaw(c.scratch, lanes->type(), number, LATHE_BUFFER_ALIGNMENT / 2);
      if (op.getRecurrenceScale()) {
        Value first = c.mul(c.add(c.mul(direction, c.index(plan.gates)), c.index(gate)), c.index(plan.hidden));
        sum = c.mul(sum, load(input(op.getRecurrenceScale()), c.add(first, unit)));
      }
      return c.add(sum, biasOf(gate, 1));
    };
    Value out = statesAt(place.t, row);
    switch (op.getCell()) {
    case nn::CellKind::rnn:
      return storeUnits(activate(0, gate(0)), out);
    case nn::CellKind::gru:
      return op.getLinearBeforeReset() ? storeUnits(linearGru(place), out)
             : phase.firstGate == 0    ? gruGates(row, place, out)
                                       : storeUnits(gru(loadUnits(out), fromState(2), place), out);
    case nn::CellKind::lstm:
      return storeUnits(lstm(row), out);
    }
  }

  Value gate(int64_t number) { return c.add(fromInput(number), fromState(number)); }
  Value activate(size_t which, Value x, bool isClipped = true) {
    return lanes->activate(op, which, x, isClipped, direction);
  }

  /// The units' state before this step.
  Value previousUnits(const Place &place) {
    Value units = loadUnits(place.previous);
    return op.getInitialH() ? units : c.select(isFirst, zero(), units);
  }

  /// (1 - z) * g(...) + z * h
  Value gru(Value update, Value state, const Place &place) {
    Value candidate = activate(1, c.add(fromInput(2), state));
    return c.add(c.mul(c.sub(lanes->constant(1), update), candidate), c.mul(update, previousUnits(place)));
  }
  Value linearGru(const Place &place) {
    Value update = activate(0, gate(0)), reset = activate(0, gate(1));
    return gru(update, c.mul(reset, fromState(2)), place);
  }
  void gruGates(Value row, const Place &place, Value out) {
    Value reset = activate(0, gate(1));
    storeUnits(c.mul(reset, previousUnits(place)), stateOf(c.outputs[1], row));
    storeUnits(activate(0, gate(0)), out);
  }

  /// Gates i, o, f, c with peepholes i, o, f.
  Value lstm(Value row) {
    Value place = stateOf(c.outputs[2], row), old = loadUnits(place);
    if (op.getInitialC())
      old = loadUnits(c.select(isFirst, stateOf(input(op.getInitialC()), row), place));
    else
      old = c.select(isFirst, zero(), old);
    auto peek = [&](int64_t number, Value sum, Value state) {
      if (!op.getPeepholes())
        return sum;
      Value start = c.mul(c.add(c.mul(direction, c.index(3)), c.index(number)), c.index(plan.hidden));
      return c.add(sum, c.mul(load(input(op.getPeepholes()), c.add(start, unit)), state));
    };
    Value in = activate(0, peek(0, gate(0), old));
    Value forget = op.getInputForget() ? c.sub(lanes->constant(1), in) : activate(0, peek(2, gate(2), old));
    Value next = c.add(c.mul(forget, old), c.mul(in, activate(1, gate(3))));
    Value out = activate(0, peek(1, gate(1), next));
    storeUnits(next, place);
    return c.mul(out, activate(2, next, /*isClipped=*/false));
  }

  //===- the last round -===//

  void finish(Value task) {
    setTask(task);
    c.loop(c.index(0), batch, [&](Value row) {
      Value length = lengthOf(row), last = c.select(isBackward, c.index(0), c.sub(length, c.index(1)));
      Value hasSteps = c.ltS(c.index(0), length);
      c.when(hasSteps, [&] { storeUnits(loadUnits(statesAt(last, row)), stateOf(c.outputs[1], row)); });
      c.when(c.notB(hasSteps), [&] {
        storeInitial(op.getInitialH(), c.outputs[1], row);
        if (c.outputs.size() > 2)
          storeInitial(op.getInitialC(), c.outputs[2], row);
      });
    });
  }

  void storeInitial(Value initial, Value output, Value row) {
    storeUnits(initial ? loadUnits(stateOf(input(initial), row)) : zero(), stateOf(output, row));
  }

  EmitContext &c;
  nn::RecurrentOp op;
  StepPlan plan;
  SmallVector<StepPhase, 2> phases;
  Value steps, batch;
  Value step, isFirst;                      // of the round; whether it is the first step
  Value direction, block, unit, isBackward; // of the task; unit: the block's first
  std::optional<LaneMath> lanes;
  std::function<Value(int64_t)> fromInput, fromState; // of the row, by gate
};

/// Number of the operand among the operation's.
unsigned operandNumber(Operation *op, Value value) {
  return std::distance(op->operand_begin(), llvm::find(op->getOperands(), value));
}
} // namespace

std::optional<KernelPlan> planRecurrentSteps(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto recurrent = dyn_cast<nn::RecurrentOp>(op);
  if (!recurrent || !hasKnownTypes(op) || recurrent.getWeights() || target.vectorBits() < 256 ||
      !elementType(recurrent.getInput()).isF32() || !LaneMath::canActivate(recurrent))
    return std::nullopt;
  unsigned recurrence = operandNumber(op, recurrent.getRecurrence());
  auto type = tensorType(recurrent.getRecurrence());
  if (!isConstant[recurrence] || !type.hasStaticShape() || type.getNumElements() == 0)
    return std::nullopt;
  MLIRContext *context = op->getContext();
  StepPlan steps = StepPlan::of(recurrent, target);
  DimExprs input = dimExprs(tensorType(recurrent.getInput()));
  KernelPlan plan = makePlan(op, kKind);
  plan.name = std::string(steps.isInteger ? "f32s8" : "f32") + "_recurrent_" +
              nn::stringifyCellKind(recurrent.getCell()).str() + "_" + std::to_string(steps.rows) + "x" +
              std::to_string(steps.mostGates() * steps.lanes);
  plan.config = steps.toAttribute(context);
  plan.packing[recurrence] = plan.config;
  plan.tasks = dimConstant(context, steps.directions * steps.blocks());
  plan.rounds = simplifyDim(input[0] * steps.phases().size() + 1);
  plan.scratchBytes = simplifyDim(input[1] * (steps.mostGates() * steps.lanes * 4));
  return plan;
}

LogicalResult emitRecurrentSteps(EmitContext &context) {
  StepsEmitter(context, cast<nn::RecurrentOp>(context.region().front())).run();
  return success();
}

int64_t packedStepBytes(RankedTensorType, DictionaryAttr packing) { return StepPlan::of(packing).sizeBytes(); }

void packSteps(const reference::Tensor &value, DictionaryAttr packing, char *out) {
  StepPlan plan = StepPlan::of(packing);
  if (plan.isInteger)
    plan.pack(value.data<int8_t>(), reinterpret_cast<int8_t *>(out));
  else
    plan.pack(value.data<float>(), reinterpret_cast<float *>(out));
}

} // namespace lathe::x86
