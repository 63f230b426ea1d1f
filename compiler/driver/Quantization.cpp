#include "compiler/driver/Quantization.h"
#include "compiler/calibrate/Calibration.h"
#include "compiler/quantize/ChannelImportance.h"
#include "compiler/quantize/Int4Weights.h"
#include "compiler/quantize/Int8Weights.h"
#include "compiler/quantize/Sensitivity.h"
#include "compiler/quantize/SmoothInputs.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/quantize/ValueRange.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Regex.h"

using namespace mlir;

namespace lathe {

static llvm::Error badOption(const llvm::Twine &message) {
  return llvm::createStringError(std::errc::invalid_argument, "%s", message.str().c_str());
}

/// Samples where they are needed, and nowhere else.
llvm::Error Quantization::checkSamples(nn::Precision precision) const {
  bool isGiven = !options.calibratePath.empty(), mayUse = !options.precisionsPath.empty();
  if (precision == nn::Precision::int8 && !isGiven)
    return badOption("expects --calibrate with --quantize int8; without data there is int8-dynamic");
  if (isGiven && !mayUse && precision != nn::Precision::int8 && precision != nn::Precision::int4)
    return badOption("expects --quantize int8 or int4 with --calibrate");
  if (!isGiven && !options.images.isEmpty())
    return badOption("expects --calibrate with --image-mean, --image-std and --image-size");
  if (isGiven && !options.openProgram)
    return badOption("expects a runtime to calibrate with");
  if (!parseRangeMethod(options.calibrateMethod))
    return badOption("expects --calibrate-method to be min-max, percentile, mse or entropy, got '" +
                     options.calibrateMethod + "'");
  return llvm::Error::success();
}

/// What is asked of nodes that become int4, by --quantize or a rule.
llvm::Error Quantization::prepareInt4(nn::NodePrecision &general) const {
  bool isGiven = !options.calibratePath.empty(), isInt4 = general.precision == nn::Precision::int4;
  const nn::NodePrecision usual;
  if (!isInt4 && options.precisionsPath.empty() &&
      (!options.int4Method.empty() || options.groupSize != usual.groupSize))
    return badOption("expects --quantize int4 with --group-size and --int4-method");
  if (std::string problem = nn::groupSizeProblem(options.groupSize); !problem.empty())
    return badOption("--group-size: " + problem);
  general.groupSize = options.groupSize;
  auto method = options.int4Method.empty() ? (isGiven ? nn::Int4Method::gptq : nn::Int4Method::rtn)
                                           : nn::parseInt4Method(options.int4Method);
  if (!method)
    return badOption("expects --int4-method to be rtn, gptq, awq or adaround, got '" + options.int4Method + "'");
  if (isInt4 && !isGiven && *method != nn::Int4Method::rtn)
    return badOption("expects --calibrate with --int4-method " + options.int4Method + "; without data there is rtn");
  if (isInt4 && isGiven && *method == nn::Int4Method::rtn && options.precisionsPath.empty())
    return badOption("expects --int4-method gptq, awq or adaround with --calibrate");
  general.int4Method = *method;
  return llvm::Error::success();
}

llvm::Error Quantization::prepare() {
  StringRef mode = options.quantize;
  std::string problem;
  auto precision = mode.empty() ? std::optional(nn::Precision::f32) : nn::parsePrecision(mode);
  if (!precision || mode == nn::precisionText(nn::Precision::f32))
    return badOption("expects --quantize to be int8, int8-dynamic, int4 or auto, got '" + mode + "'");
  choice.general = {*precision, mode.empty() ? "nothing else is asked for" : ""};
  if (llvm::Error error = llvm::joinErrors(checkSamples(*precision), prepareInt4(choice.general)))
    return error;
  if (!options.keep.empty() && !llvm::Regex(options.keep).isValid(problem))
    return badOption("expects --keep to be a regular expression, got '" + options.keep + "': " + problem);
  if (options.int4Activations != "int8" && options.int4Activations != "f32")
    return badOption("expects --int4-activations to be int8 or f32, got '" + options.int4Activations + "'");
  if (options.weightBits != 0 && options.weightBits != 7 && options.weightBits != 8)
    return badOption("expects --weight-bits to be 7 or 8, got " + llvm::Twine(options.weightBits));
  choice.keep = options.keep;
  choice.hasSamples = !options.calibratePath.empty();
  if (options.precisionsPath.empty())
    return llvm::Error::success();
  auto rules = readPrecisionRules(options.precisionsPath, choice.general);
  if (rules)
    choice.rules = std::move(*rules);
  return rules.takeError();
}

static llvm::Error runPass(func::FuncOp function, std::unique_ptr<Pass> pass) {
  PassManager passes(function.getContext());
  passes.addNestedPass<func::FuncOp>(std::move(pass));
  if (failed(passes.run(function->getParentOfType<ModuleOp>())))
    return llvm::createStringError("can't quantize the model");
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<SampleSource>> Quantization::openSamples(func::FuncOp function) const {
  return lathe::openSamples(options.calibratePath, inputSpecs(function), options.images);
}

CompileStatus::Code Quantization::failureCode() const {
  bool isAbsent = !options.calibratePath.empty() && !llvm::sys::fs::exists(options.calibratePath);
  return isAbsent ? CompileStatus::badEnvironment : CompileStatus::badModel;
}

TapOptions Quantization::tapOptions() const {
  TapOptions taps;
  taps.openProgram = options.openProgram;
  taps.progress = options.calibrateProgress;
  return taps;
}

llvm::Expected<CostChoice> Quantization::costs(func::FuncOp function, SampleSource *samples) const {
  CostChoice result{targets,
                    {nominalSizes(function)},
                    options.weightBits,
                    options.int4Activations == "int8",
                    options.quantizeAll || options.study};
  if (!samples)
    return result;
  auto sizes = sizesOfSamples(function, *samples);
  if (!sizes)
    return sizes.takeError();
  result.sizes = std::move(*sizes);
  return result;
}

llvm::Error Quantization::calibrateInputs(func::FuncOp function, SampleSource *samples, const CostChoice &costs) const {
  const bool hasRanges = !nn::calibratedInputs(function).empty(), hasMoments = needsMoments(function);
  if (!samples)
    return !hasRanges && !hasMoments ? llvm::Error::success()
                                     : badOption("expects --calibrate with nodes of precision int8, or of int4 by "
                                                 "another method than rtn, in '" +
                                                 options.precisionsPath + "'");
  const TapOptions taps = tapOptions();
  if (hasMoments)
    if (llvm::Error error = quantizeWithMoments(function, *samples, backend, taps, {options.roundProgress}))
      return error;
  if (!hasRanges)
    return llvm::Error::success();
  if (llvm::Error error = noteSmoothFactors(function, *samples, backend, taps))
    return error;
  if (options.study)
    recordFactors(function, *options.study);
  if (llvm::Error error = runPass(function, createSmoothInputs()))
    return error;
  std::vector<CalibrationPoint> points = weightedPoints(function);
  auto results = calibrate(function, points, *samples, backend, *parseRangeMethod(options.calibrateMethod), taps);
  if (!results)
    return results.takeError();
  for (auto [point, result] : llvm::zip_equal(points, *results))
    nn::setInterval(point.value, {result.low, result.high});
  return roundIntegerWeights(function, *samples, backend, taps, costs);
}

/// Samples to compare programs with, as many as fit into some memory.
static llvm::Error keepSamples(SampleSource &samples, QuantizationStudy &study) {
  constexpr size_t mostSamples = 32, mostBytes = size_t(64) << 20;
  size_t bytes = 0;
  for (size_t i = 0; i < std::min(samples.count(), mostSamples) && bytes < mostBytes; ++i) {
    auto inputs = samples.load(i);
    if (!inputs)
      return inputs.takeError();
    for (const reference::Tensor &input : *inputs)
      bytes += size_t(input.sizeBytes());
    addSample(*inputs, study);
  }
  return llvm::Error::success();
}

llvm::Error Quantization::fillStudy(func::FuncOp function, SampleSource &samples) const {
  if (llvm::Error error = keepSamples(samples, *options.study))
    return error;
  recordRanges(function, *options.study);
  auto deadline = std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                                         std::chrono::duration<double>(options.studySeconds));
  return measureSensitivities(function, samples, backend, tapOptions(), deadline, *options.study);
}

llvm::Error Quantization::runStudied(func::FuncOp function, const CostChoice &costs) const {
  applyChoices(function, *options.study);
  weighGroups(function, backend, costs);
  applyFactors(function, *options.study);
  if (llvm::Error error = runPass(function, createSmoothInputs()))
    return error;
  applyRanges(function, *options.study);
  return runPass(function, createInsertQuantization());
}

llvm::Error Quantization::run(func::FuncOp function) const {
  if (!isAsked())
    return llvm::Error::success();
  if (llvm::Error error = assignPrecisions(function, choice))
    return error;
  std::unique_ptr<SampleSource> samples;
  if (!options.calibratePath.empty()) {
    auto opened = openSamples(function);
    if (!opened)
      return opened.takeError();
    samples = std::move(*opened);
  }
  auto costs = this->costs(function, samples.get());
  if (!costs)
    return costs.takeError();
  // A search measures what is faster.
  weighCosts(function, backend, *costs);
  if (options.study && options.study->isFilled())
    return runStudied(function, *costs);
  if (options.study)
    recordNodes(function, *options.study);
  if (llvm::Error error = calibrateInputs(function, samples.get(), *costs))
    return error;
  if (options.study)
    if (llvm::Error error = fillStudy(function, *samples))
      return error;
  return runPass(function, createInsertQuantization());
}

} // namespace lathe
