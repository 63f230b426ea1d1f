#include "compiler/driver/Quantization.h"
#include "compiler/calibrate/Calibration.h"
#include "compiler/quantize/ChannelImportance.h"
#include "compiler/quantize/SmoothInputs.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/quantize/ValueRange.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Regex.h"

using namespace mlir;

namespace lathe {

static llvm::Error badOption(const llvm::Twine &message) {
  return llvm::createStringError(std::errc::invalid_argument, "%s", message.str().c_str());
}

llvm::Error Quantization::prepare() {
  StringRef mode = options.quantize;
  std::string problem;
  auto precision = mode.empty() ? std::optional(nn::Precision::f32) : nn::parsePrecision(mode);
  if (!precision || mode == nn::precisionText(nn::Precision::f32))
    return badOption("expects --quantize to be int8 or int8-dynamic, got '" + mode + "'");
  bool usesSamples = *precision == nn::Precision::int8;
  if (usesSamples && options.calibratePath.empty())
    return badOption("expects --calibrate with --quantize int8; without data there is int8-dynamic");
  if (!usesSamples && options.precisionsPath.empty() && !options.calibratePath.empty())
    return badOption("expects --quantize int8 with --calibrate");
  if (options.calibratePath.empty() && !options.images.isEmpty())
    return badOption("expects --calibrate with --image-mean, --image-std and --image-size");
  if (!options.calibratePath.empty() && !options.openProgram)
    return badOption("expects a runtime to calibrate with");
  if (!parseRangeMethod(options.calibrateMethod))
    return badOption("expects --calibrate-method to be min-max, percentile, mse or entropy, got '" +
                     options.calibrateMethod + "'");
  if (!options.keep.empty() && !llvm::Regex(options.keep).isValid(problem))
    return badOption("expects --keep to be a regular expression, got '" + options.keep + "': " + problem);
  choice.general = {*precision, mode.empty() ? "nothing else is asked for" : ""};
  choice.keep = options.keep;
  if (options.precisionsPath.empty())
    return llvm::Error::success();
  auto rules = readPrecisionRules(options.precisionsPath);
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

llvm::Error Quantization::calibrateInputs(func::FuncOp function) const {
  bool hasNone = nn::calibratedInputs(function).empty();
  if (options.calibratePath.empty())
    return hasNone ? llvm::Error::success()
                   : badOption("expects --calibrate with nodes of precision int8 in '" + options.precisionsPath + "'");
  auto samples = openSamples(options.calibratePath, inputSpecs(function), options.images);
  if (!samples)
    return samples.takeError();
  if (hasNone)
    return llvm::Error::success();
  TapOptions taps;
  taps.openProgram = options.openProgram;
  taps.progress = options.calibrateProgress;
  if (llvm::Error error = noteSmoothFactors(function, **samples, backend, taps))
    return error;
  if (llvm::Error error = runPass(function, createSmoothInputs()))
    return error;
  std::vector<CalibrationPoint> points = weightedPoints(function);
  auto ranges = calibrate(function, points, **samples, backend, *parseRangeMethod(options.calibrateMethod), taps);
  if (!ranges)
    return ranges.takeError();
  for (auto [point, range] : llvm::zip_equal(points, *ranges))
    nn::setInterval(point.value, {range.low, range.high});
  return llvm::Error::success();
}

llvm::Error Quantization::run(func::FuncOp function) const {
  if (!isAsked())
    return llvm::Error::success();
  if (llvm::Error error = assignPrecisions(function, choice))
    return error;
  if (llvm::Error error = calibrateInputs(function))
    return error;
  return runPass(function, createInsertQuantization());
}

} // namespace lathe
