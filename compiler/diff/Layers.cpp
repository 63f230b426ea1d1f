#include "compiler/diff/Layers.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include <cmath>

using namespace llvm;

namespace lathe::diff {

void ValueHistogram::add(ArrayRef<float> values) {
  if (counts.empty()) {
    counts.resize(parts);
    low = high = values.empty() || !std::isfinite(values[0]) ? 0 : values[0];
    for (float value : values)
      if (std::isfinite(value)) {
        low = std::min(low, double(value));
        high = std::max(high, double(value));
      }
  }
  double width = (high - low) / parts;
  for (float value : values)
    if (std::isfinite(value))
      ++counts[width > 0 ? size_t(std::clamp((value - low) / width, 0.0, double(parts - 1))) : 0];
}

namespace {

constexpr uint64_t mostTapBytes = uint64_t(2) << 30; // the model's values of one sample, in memory at once
constexpr double plentySqnr = 60;                    // dB; what loses less does no harm

void ignoreOutput(size_t, const OutputView &) {}

/// Of one sample: the model's outputs and values, by position in the reference program.
struct Expected32 {
  SmallVector<int64_t> shape;
  std::vector<float> numbers;
};

class Measuring {
public:
  Measuring(Reference &reference, ObservedProgram &artifact, SampleSource &samples, const MeasureOptions &options)
      : reference(reference), artifact(artifact), samples(samples), options(options) {}

  llvm::Expected<Measured> run();

private:
  using Inputs = std::vector<reference::Tensor>;

  Error matchBorders();
  bool addLayer(size_t call, size_t number, const ObservedValue &arg);
  Error findLayers(const Inputs &inputs);
  Error measureSample(size_t number);
  Error measureHarm(const Inputs &inputs);
  Error runReference(const Inputs &inputs);
  void takeLayer(Layer &layer, const ObservedValue &value, bool isLocal);
  llvm::Expected<Inputs> load(size_t number);
  Inputs inOrderOfArtifact(const Inputs &inputs) const;
  void step() {
    if (options.progress)
      options.progress(std::min(++stepsDone, steps), steps);
  }

  Reference &reference;
  ObservedProgram &artifact;
  SampleSource &samples;
  const MeasureOptions &options;
  Measured result;
  std::unique_ptr<ObservedProgram> program; // of the reference
  SmallVector<size_t> inputOrder, outputOrder;
  std::vector<std::string> tapNames;
  StringMap<size_t> tapOf;
  std::map<std::pair<size_t, size_t>, size_t> layerOf; // by call and argument
  std::vector<Expected32> outputs, taps;
  std::vector<std::vector<float>> localErrors; // of layers, in the present sample
  uint64_t tapBytes = 0;
  size_t harmSamples = 0, stepsDone = 0, steps = 0;
};

//===- Names -===//

/// Positions in `have` of the names `want`.
llvm::Expected<SmallVector<size_t>> positions(ArrayRef<std::string> want, ArrayRef<std::string> have, StringRef what) {
  SmallVector<size_t> result;
  for (const std::string &name : want) {
    const auto *it = llvm::find(have, name);
    if (it == have.end() || want.size() != have.size())
      return createStringError("the artifact was compiled from another model: it has the " + what + " " +
                               join(want, ", ") + ", the model has " + join(have, ", "));
    result.push_back(size_t(it - have.begin()));
  }
  return result;
}

Error Measuring::matchBorders() {
  std::vector<std::string> names;
  for (const InputSpec &input : reference.inputs())
    names.push_back(input.name);
  auto in = positions(artifact.inputNames(), names, "inputs");
  if (!in)
    return in.takeError();
  auto out = positions(artifact.outputNames(), reference.outputNames(), "outputs");
  if (!out)
    return out.takeError();
  inputOrder = *in;
  outputOrder = *out;
  for (const std::string &name : artifact.outputNames())
    result.outputs.push_back({name, {}});
  return Error::success();
}

llvm::Expected<Measuring::Inputs> Measuring::load(size_t number) {
  llvm::Expected<reference::Tensors> inputs = samples.load(number);
  if (!inputs)
    return inputs.takeError();
  return Inputs(inputs->begin(), inputs->end());
}

Measuring::Inputs Measuring::inOrderOfArtifact(const Inputs &inputs) const {
  Inputs ordered;
  for (size_t position : inputOrder)
    ordered.push_back(inputs[position]);
  return ordered;
}

/// A layer for the argument, if the model has its value and there is room for it.
bool Measuring::addLayer(size_t call, size_t number, const ObservedValue &arg) {
  const ReferenceValue *value = reference.find(arg.node);
  result.unmatched += !value;
  if (!value)
    return false;
  size_t bytes = arg.sizeBytes * (arg.type == "f32" ? 1 : sizeof(float));
  if (!tapOf.contains(arg.node) && (tapBytes += bytes) > mostTapBytes) {
    ++result.tooLarge;
    return false;
  }
  Layer layer;
  layer.node = arg.node.str();
  layer.call = call;
  layer.arg = number;
  layer.type = arg.type.str();
  layer.product = value->product;
  layer.scale = arg.scale;
  layer.zero = arg.zero;
  if (layer.isInteger())
    layer.representation.emplace(arg.scale, arg.zero, arg.type == "i8");
  layerOf[{call, number}] = result.layers.size();
  if (tapOf.try_emplace(arg.node, tapNames.size()).second)
    tapNames.push_back(layer.node);
  result.layers.push_back(std::move(layer));
  return true;
}

/// A run tells which values the artifact knows.
Error Measuring::findLayers(const Inputs &inputs) {
  std::map<const void *, size_t> written; // where layers lie
  auto observe = [&](size_t call, ArrayRef<ObservedValue> args) {
    bool isKnown = false;
    std::vector<size_t> read;
    for (const ObservedValue &arg : args)
      if (auto it = written.find(arg.data); arg.node.empty() && it != written.end())
        read.push_back(it->second);
    for (auto [number, arg] : llvm::enumerate(args)) {
      if (arg.node.empty() || !options.layers || !addLayer(call, number, arg))
        continue;
      isKnown = true;
      result.layers.back().inputs = read;
      written[arg.data] = result.layers.size() - 1;
    }
    result.calls = std::max(result.calls, call + 1);
    result.knownCalls += isKnown;
  };
  Inputs given = inOrderOfArtifact(inputs);
  if (Error error = artifact.observe(given, observe, ignoreOutput))
    return error;
  if (result.unmatched > 0 && result.layers.size() <= inputs.size())
    return createStringError("the artifact was compiled from another model: none of its " + Twine(result.unmatched) +
                             " layers is a node of this one");
  auto memory = artifact.memoryBytes(given);
  if (!memory)
    return memory.takeError();
  result.memoryBytes = *memory;
  return Error::success();
}

//===- Runs -===//

Error Measuring::runReference(const Inputs &inputs) {
  outputs.assign(outputOrder.size(), {});
  taps.assign(tapNames.size(), {});
  return program->run(inputs, [&](size_t number, const OutputView &output) {
    bool isTap = number >= outputs.size();
    Expected32 &expected = isTap ? taps[number - outputs.size()] : outputs[number];
    expected.shape.assign(output.shape.begin(), output.shape.end());
    expected.numbers = toFloats(output);
  });
}

/// What integers should be: where the model clips the value right after, or reads it as integers itself, saturation is what is meant.
void clipAsRead(std::vector<float> &numbers, const Layer &layer, const ReferenceValue &value) {
  double low = value.isOnlyQuantized ? layer.representation->low() : value.low;
  double high = value.isOnlyQuantized ? layer.representation->high() : value.high;
  if (std::isfinite(low) || std::isfinite(high))
    for (float &number : numbers)
      number = float(std::clamp(double(number), low, high));
}

void Measuring::takeLayer(Layer &layer, const ObservedValue &value, bool isLocal) {
  Expected32 expected = taps[tapOf.lookup(layer.node)];
  if (!fits(value, expected.shape))
    return;
  if (layer.isInteger())
    clipAsRead(expected.numbers, layer, *reference.find(layer.node));
  std::vector<float> got;
  readValue(value, expected.shape, got);
  if (!isLocal) {
    layer.accumulated.add(expected.numbers, got);
    layer.values.add(expected.numbers);
    if (layer.representation)
      layer.representation->add(withoutFactors(value, expected.shape, expected.numbers));
    if (layer.shape.empty())
      layer.shape.assign(expected.shape.begin(), expected.shape.end());
    return;
  }
  layer.local.add(expected.numbers, got);
  ArrayRef<int64_t> shape = expected.shape;
  size_t axis = size_t(reference.find(layer.node)->channelAxis);
  if (axis < shape.size())
    layer.channels.add(expected.numbers, got, mlir::computeProduct(shape.take_front(axis)), shape[axis],
                       mlir::computeProduct(shape.drop_front(axis + 1)));
  writeValue(value, expected.shape, expected.numbers);
  for (auto [g, e] : llvm::zip_equal(got, expected.numbers))
    g -= e;
  localErrors[size_t(&layer - result.layers.data())] = std::move(got);
}

/// Relative energy of the outputs' errors.
double relativeEnergy(ArrayRef<ErrorSums> errors) {
  double sum = 0;
  for (const ErrorSums &error : errors)
    if (double relative = error.relative(); std::isfinite(relative))
      sum += relative * relative;
  return sum;
}

Error Measuring::measureSample(size_t number) {
  auto inputs = load(number);
  if (!inputs)
    return inputs.takeError();
  if (Error error = runReference(*inputs))
    return error;
  step();
  Inputs given = inOrderOfArtifact(*inputs);
  std::string problem;
  std::vector<ErrorSums> errors(outputs.size()); // of this sample
  for (bool isLocal : ArrayRef({false, true}).take_front(options.layers ? 2 : 1)) {
    localErrors.assign(result.layers.size(), {});
    auto observe = [&](size_t call, ArrayRef<ObservedValue> args) {
      for (auto [i, arg] : llvm::enumerate(args))
        if (auto it = layerOf.find({call, i}); it != layerOf.end())
          takeLayer(result.layers[it->second], arg, isLocal);
    };
    auto compare = [&](size_t i, const OutputView &output) {
      const Expected32 &expected = outputs[outputOrder[i]];
      if (isLocal)
        return;
      if (ArrayRef<int64_t>(expected.shape) == output.shape) {
        std::vector<float> got = toFloats(output);
        result.outputs[i].errors.add(expected.numbers, got);
        errors[i].add(expected.numbers, got);
      } else
        problem = "output '" + result.outputs[i].name + "' has other sizes in the model";
    };
    if (Error error = artifact.observe(given, observe, compare))
      return error;
    step();
  }
  if (!problem.empty())
    return createStringError(problem);
  if (number >= harmSamples)
    return Error::success();
  result.harmOfAll += relativeEnergy(errors) / double(harmSamples);
  return measureHarm(*inputs);
}

Error Measuring::measureHarm(const Inputs &inputs) {
  StringSet<> keptAsNumbers; // what reads their integers counts the integers' error in its own
  for (const Layer &layer : result.layers)
    if (!layer.isInteger())
      keptAsNumbers.insert(layer.node);
  for (Layer &layer : result.layers) {
    const std::vector<float> &added = localErrors[size_t(&layer - result.layers.data())];
    step();
    if (added.empty() || layer.local.sqnr() > plentySqnr || (layer.isInteger() && keptAsNumbers.contains(layer.node)))
      continue;
    const Expected32 &expected = taps[tapOf.lookup(layer.node)];
    bool isFound = false;
    auto inject = [&](size_t, ArrayRef<ObservedValue> args) {
      for (const ObservedValue &arg : args)
        if (arg.node == layer.node && arg.type == "f32" && fits(arg, expected.shape)) {
          std::vector<float> numbers;
          readValue(arg, expected.shape, numbers);
          for (auto [number, error] : llvm::zip_equal(numbers, added))
            number += error;
          writeValue(arg, expected.shape, numbers);
          isFound = true;
        }
    };
    std::vector<ErrorSums> errors(outputs.size());
    auto compare = [&](size_t number, const OutputView &output) {
      if (number < errors.size() && ArrayRef<int64_t>(outputs[number].shape) == output.shape)
        errors[number].add(outputs[number].numbers, toFloats(output));
    };
    if (Error error = program->observe(inputs, inject, compare))
      return error;
    if (isFound)
      layer.harm = layer.harm.value_or(0) + relativeEnergy(errors) / double(harmSamples);
  }
  return Error::success();
}

llvm::Expected<Measured> Measuring::run() {
  if (Error error = matchBorders())
    return std::move(error);
  auto first = load(0);
  if (!first)
    return first.takeError();
  if (Error error = findLayers(*first))
    return std::move(error);
  result.samples = std::min(options.samples, samples.count());
  // A run of the model for each layer: few samples where there are many.
  constexpr size_t enoughRuns = 200, fewest = 2, most = 8;
  harmSamples =
      std::min(std::clamp(enoughRuns / std::max<size_t>(result.layers.size(), 1), fewest, most), result.samples);
  steps = 3 * result.samples + harmSamples * result.layers.size();
  auto compiled = reference.compile(tapNames, options.open);
  if (!compiled)
    return compiled.takeError();
  program = std::move(*compiled);
  for (size_t i = 0; i < result.samples; ++i)
    if (Error error = measureSample(i))
      return createStringError("sample " + Twine(i) + ": " + toString(std::move(error)));
  return std::move(result);
}

} // namespace

llvm::Expected<Measured> measure(Reference &reference, ObservedProgram &artifact, SampleSource &samples,
                                 const MeasureOptions &options) {
  return Measuring(reference, artifact, samples, options).run();
}

} // namespace lathe::diff
