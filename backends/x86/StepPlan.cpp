#include "backends/x86/StepPlan.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
/// Rows whose accumulators, broadcast states and one vector of weights fit the registers; few enough that code for each
/// smaller number of rows, which the last group of a batch needs, stays small.
int64_t chooseRows(const Target &target, int64_t gates, std::optional<int64_t> batch) {
  constexpr int64_t kMostRows = 6;
  int64_t rows = std::clamp<int64_t>((target.vectorRegisters() - 1) / (gates + 1), 1, kMostRows);
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
  plan.rows = chooseRows(target, plan.mostGates(), constantDim(dimExprs(tensorType(op.getInput()))[1]));
  return plan;
}

SmallVector<StepPhase, 2> StepPlan::phases() const {
  SmallVector<StepPhase, 2> phases{{0, firstPhaseGates}};
  if (firstPhaseGates < gates)
    phases.push_back({firstPhaseGates, gates - firstPhaseGates});
  return phases;
}

void StepPlan::pack(const float *source, float *out) const {
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

DictionaryAttr StepPlan::toAttribute(MLIRContext *context) const {
  Builder b(context);
  auto steps = b.getDenseI64ArrayAttr({directions, gates, hidden, lanes, firstPhaseGates, rows});
  return b.getDictionaryAttr(
      {b.getNamedAttr("kind", b.getStringAttr("recurrent_steps")), b.getNamedAttr("steps", steps)});
}

StepPlan StepPlan::of(DictionaryAttr attributes) {
  auto v = attributes.getAs<DenseI64ArrayAttr>("steps").asArrayRef();
  return {v[0], v[1], v[2], v[3], v[4], v[5]};
}

} // namespace lathe::x86
