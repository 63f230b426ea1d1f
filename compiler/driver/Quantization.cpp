#include "compiler/driver/Quantization.h"
#include "compiler/calibrate/Calibration.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/quantize/ValueRange.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Regex.h"

using namespace mlir;

namespace lathe {

namespace {
constexpr StringLiteral kInt8 = "int8", kInt8Dynamic = "int8-dynamic";

llvm::Error badOption(const llvm::Twine &message) {
  return llvm::createStringError(std::errc::invalid_argument, "%s", message.str().c_str());
}
} // namespace

llvm::Error Quantization::check() const {
  StringRef mode = options.quantize;
  std::string problem;
  if (!mode.empty() && mode != kInt8 && mode != kInt8Dynamic)
    return badOption("expects --quantize to be int8 or int8-dynamic, got '" + mode + "'");
  if (mode == kInt8 && options.calibratePath.empty())
    return badOption("expects --calibrate with --quantize int8; without data there is int8-dynamic");
  if (mode != kInt8 && !options.calibratePath.empty())
    return badOption("expects --quantize int8 with --calibrate");
  if (options.calibratePath.empty() && !options.images.isEmpty())
    return badOption("expects --calibrate with --image-mean, --image-std and --image-size");
  if (mode == kInt8 && !options.openProgram)
    return badOption("expects a runtime to calibrate with");
  if (!parseRangeMethod(options.calibrateMethod))
    return badOption("expects --calibrate-method to be min-max, percentile, mse or entropy, got '" +
                     options.calibrateMethod + "'");
  if (!options.keep.empty() && !llvm::Regex(options.keep).isValid(problem))
    return badOption("expects --keep to be a regular expression, got '" + options.keep + "': " + problem);
  return llvm::Error::success();
}

llvm::Error Quantization::calibrateInputs(func::FuncOp function) const {
  SmallVector<Value> points = nn::quantizableInputs(function, options.keep);
  auto samples = openSamples(options.calibratePath, inputSpecs(function), options.images);
  if (!samples)
    return samples.takeError();
  if (points.empty())
    return llvm::Error::success();
  TapOptions taps;
  taps.openProgram = options.openProgram;
  taps.progress = options.calibrateProgress;
  auto ranges = calibrate(function, points, **samples, backend, *parseRangeMethod(options.calibrateMethod), taps);
  if (!ranges)
    return ranges.takeError();
  for (auto [point, range] : llvm::zip_equal(points, *ranges))
    nn::setInterval(point, {range.low, range.high});
  return llvm::Error::success();
}

llvm::Error Quantization::run(func::FuncOp function) const {
  if (options.quantize.empty())
    return llvm::Error::success();
  InsertQuantizationOptions insertion;
  insertion.dynamic = options.quantize == kInt8Dynamic;
  insertion.keep = options.keep;
  if (!insertion.dynamic)
    if (llvm::Error error = calibrateInputs(function))
      return error;
  PassManager passes(function.getContext());
  passes.addNestedPass<func::FuncOp>(createInsertQuantization(insertion));
  if (failed(passes.run(function->getParentOfType<ModuleOp>())))
    return llvm::createStringError("can't quantize the model");
  return llvm::Error::success();
}

} // namespace lathe
