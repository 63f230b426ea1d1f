#include "backends/x86/StepPlan.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
/// Whether a tile's sums, one vector of weights or states and all of the other fit the registers.
bool fits(int64_t rows, int64_t gates, int64_t registers) {
  return rows * gates + std::min(rows, gates) + 1 <= registers;
}

/// Rows of the tile for batches of many rows: weights are read once per group of rows. Few enough that code for each smaller
/// number, which the last group of a batch needs, stays small. Of four gates in 16 registers three rows would fit, but six rows
/// and two gates at a time read half as many weights per FMA.
int64_t chooseRows(int64_t gates, int64_t registers, std::optional<int64_t> batch) {
  constexpr int64_t kMostRows = 6;
  int64_t tileGates = gates % 2 == 0 && !fits(4, gates, registers) ? gates / 2 : gates, rows = 1;
  while (rows < kMostRows && fits(rows + 1, tileGates, registers))
    ++rows;
  return batch ? std::clamp<int64_t>(*batch, 1, rows) : rows;
}
} // namespace

StepPlan StepPlan::of(nn::RecurrentOp op, const Target &target) {
  ArrayRef<int64_t> shape = tensorType(op.getRecurrence()).getShape();
  StepPlan plan;
  plan.directions = shape[0];
  plan.hidden = shape[2];
  plan.gates = shape[1] / plan.hidden;
  plan.lanes = target.vectorBits() / 32;
  bool isGated = op.getCell() == nn::CellKind::gru && !op.getLinearBeforeReset();
  plan.firstPhaseGates = isGated ? 2 : plan.gates;
  plan.registers = target.vectorRegisters();
  plan.isInteger = bool(op.getRecurrenceScale());
  plan.rows = chooseRows(plan.mostGates(), plan.registers, constantDim(dimExprs(tensorType(op.getInput()))[1]));
  return plan;
}

int64_t StepPlan::tileGates(int64_t tileRows, StepPhase phase) const {
  bool isWhole = phase.gates % 2 || fits(tileRows, phase.gates, registers);
  return isWhole ? phase.gates : phase.gates / 2;
}

SmallVector<StepPhase, 2> StepPlan::phases() const {
  SmallVector<StepPhase, 2> phases{{0, firstPhaseGates}};
  if (firstPhaseGates < gates)
    phases.push_back({firstPhaseGates, gates - firstPhaseGates});
  return phases;
}

template <typename Element> void StepPlan::pack(const Element *source, Element *out) const {
  for (int64_t direction = 0; direction < directions; ++direction)
    for (int64_t block = 0; block < blocks(); ++block)
      for (StepPhase phase : phases())
        for (int64_t k = 0; k < hidden; ++k)
          for (int64_t gate = phase.firstGate; gate < phase.firstGate + phase.gates; ++gate, out += lanes)
            for (int64_t lane = 0; lane < std::min(lanes, hidden - block * lanes); ++lane) {
              int64_t row = (direction * gates + gate) * hidden + block * lanes + lane;
              out[lane] = source[row * hidden + k];
            }
}

template void StepPlan::pack(const float *, float *) const;
template void StepPlan::pack(const int8_t *, int8_t *) const;

DictionaryAttr StepPlan::toAttribute(MLIRContext *context) const {
  Builder b(context);
  auto steps = b.getDenseI64ArrayAttr({directions, gates, hidden, lanes, firstPhaseGates, rows, registers, isInteger});
  return b.getDictionaryAttr(
      {b.getNamedAttr("kind", b.getStringAttr("recurrent_steps")), b.getNamedAttr("steps", steps)});
}

StepPlan StepPlan::of(DictionaryAttr attributes) {
  auto v = attributes.getAs<DenseI64ArrayAttr>("steps").asArrayRef();
  return {v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]};
}

} // namespace lathe::x86
