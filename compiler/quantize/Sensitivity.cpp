#include "compiler/quantize/Sensitivity.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/support/Match.h"
#include <cmath>

using namespace mlir;

namespace lathe {

namespace {
/// Errors of nodes differ by orders of magnitude, those of samples by little.
constexpr size_t kMostSamples = 8;

/// Number of a node, and of one of its choices.
using Place = std::pair<size_t, size_t>;

/// Adds a copy of `op` in `precision`, and an input of the function that chooses it.
void addAlternative(func::FuncOp function, Operation *op, nn::Precision precision) {
  OpBuilder b(op->getContext());
  b.setInsertionPointAfter(op);
  Operation *copy = b.clone(*op);
  auto wanted = nn::precisionOf(op).value_or(nn::NodePrecision());
  wanted.precision = precision;
  nn::setPrecision(copy, wanted);
  auto flag = RankedTensorType::get({}, b.getI1Type());
  unsigned number = function.getNumArguments();
  auto name = b.getStringAttr("choose" + std::to_string(number));
  function.insertArgument(number, flag, b.getDictionaryAttr(b.getNamedAttr("nn.name", name)), op->getLoc());
  Value result = op->getResult(0);
  auto chosen =
      b.create<nn::SelectOp>(op->getLoc(), result.getType(), function.getArgument(number), copy->getResult(0), result);
  result.replaceAllUsesExcept(chosen, chosen);
}

SmallVector<Place> addAlternatives(func::FuncOp function, const QuantizationStudy &study) {
  SmallVector<Place> places;
  for (auto [index, node] : llvm::enumerate(nn::quantizableNodes(function))) {
    const auto &choices = study.nodes[index].choices;
    for (size_t choice = 0; choice < choices.size(); ++choice) {
      addAlternative(function, node.op, choices[choice].precision);
      places.push_back({index, choice});
    }
    if (!choices.empty())
      nn::setPrecision(node.op, {nn::Precision::f32, "measured beside integers"});
  }
  return places;
}

/// Each sample with nothing chosen, and with each choice alone, until time is over.
class ChosenSamples : public SampleSource {
public:
  ChosenSamples(SampleSource &samples, size_t choices, std::chrono::steady_clock::time_point deadline)
      : samples(samples), choices(choices), deadline(deadline) {}

  size_t count() const override {
    bool isOver = loaded > 0 && std::chrono::steady_clock::now() > deadline;
    return (isOver ? loaded : std::min(samples.count(), kMostSamples)) * (choices + 1);
  }

  llvm::Expected<reference::Tensors> load(size_t index) override {
    size_t sample = index / (choices + 1), chosen = index % (choices + 1);
    if (sample >= loaded) {
      auto inputs = samples.load(sample);
      if (!inputs)
        return inputs.takeError();
      current = std::move(*inputs);
      loaded = sample + 1;
    }
    reference::Tensors result = current;
    auto *context = current.empty() ? nullptr : current.front().elementType().getContext();
    for (size_t i = 1; context && i <= choices; ++i) {
      auto flag = reference::Tensor::allocate(RankedTensorType::get({}, IntegerType::get(context, 1)));
      *flag.mutableData<char>() = i == chosen;
      result.push_back(std::move(flag));
    }
    return result;
  }

private:
  SampleSource &samples;
  size_t choices, loaded = 0;
  std::chrono::steady_clock::time_point deadline;
  reference::Tensors current;
};

/// Sums of squares over all samples, of each output.
class OutputErrors {
public:
  OutputErrors(size_t choices, size_t outputs)
      : choices(choices), references(outputs), sums(choices, std::vector<double>(outputs)), squares(sums) {}

  void add(const TapValue &value) {
    const auto *data = static_cast<const float *>(value.data);
    auto size = size_t(computeProduct(value.shape));
    std::vector<float> &reference = references[value.point];
    size_t run = value.sample % (choices + 1);
    if (run == 0)
      return reference.assign(data, data + size);
    for (size_t i = 0; i < std::min(size, reference.size()); ++i) {
      double want = reference[i], off = data[i] - want;
      if (std::isfinite(want))
        sums[run - 1][value.point] += off * off, squares[run - 1][value.point] += want * want;
    }
  }

  double error(size_t choice) const {
    double worst = 0;
    for (auto [sum, square] : llvm::zip_equal(sums[choice], squares[choice]))
      worst = std::max(worst, sum > 0 ? std::sqrt(sum / std::max(square, 1e-30)) : 0);
    return worst;
  }

private:
  size_t choices;
  std::vector<std::vector<float>> references;
  std::vector<std::vector<double>> sums, squares; // [choice][output]
};
} // namespace

llvm::Error measureSensitivities(func::FuncOp function, SampleSource &samples, Backend &backend, const TapOptions &taps,
                                 std::chrono::steady_clock::time_point deadline, QuantizationStudy &study) {
  IRMapping mapping;
  OwningOpRef<ModuleOp> module = cast<ModuleOp>(function->getParentOfType<ModuleOp>()->clone(mapping));
  auto copy = *module->getOps<func::FuncOp>().begin();
  SmallVector<Place> places = addAlternatives(copy, study);
  PassManager passes(function.getContext());
  InsertQuantizationOptions insertion;
  insertion.isolated = true;
  passes.addNestedPass<func::FuncOp>(createInsertQuantization(insertion));
  if (failed(passes.run(*module)))
    return llvm::createStringError("can't quantize the model");
  SmallVector<Value> outputs;
  Operation *end = copy.getBody().front().getTerminator();
  for (auto [isCounted, output] : llvm::zip(study.isFloatOutput, end->getOperands()))
    if (isCounted)
      outputs.push_back(output);
  if (outputs.empty() || places.empty())
    return llvm::Error::success();
  OutputErrors errors(places.size(), outputs.size());
  ChosenSamples chosen(samples, places.size(), deadline);
  if (llvm::Error error = runTaps(copy, outputs, chosen, backend, taps, [&](const TapValue &v) { errors.add(v); }))
    return error;
  for (auto [index, place] : llvm::enumerate(places))
    study.nodes[place.first].choices[place.second].error = errors.error(index);
  return llvm::Error::success();
}

} // namespace lathe
