#include "compiler/calibrate/Taps.h"
#include "backends/artifact/ArtifactWriter.h"
#include "compiler/calibrate/TemporaryArtifact.h"
#include "compiler/pipeline/LowerToPlan.h"
#include "compiler/pipeline/OrderOperations.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Pipelines.h"
#include "passes/memory/PlanArena.h"

using namespace mlir;

namespace lathe {

namespace {

llvm::Error failed(const llvm::Twine &message) { return llvm::createStringError(message.str()); }

/// A copy of the function's module whose results are `points`.
OwningOpRef<ModuleOp> withTaps(func::FuncOp function, ArrayRef<Value> points) {
  IRMapping mapping;
  OwningOpRef<ModuleOp> module = cast<ModuleOp>(function->getParentOfType<ModuleOp>()->clone(mapping));
  auto copy = *module->getOps<func::FuncOp>().begin();
  SmallVector<Value> taps;
  SmallVector<Type> types;
  for (Value point : points) {
    taps.push_back(mapping.lookup(point));
    types.push_back(point.getType());
  }
  copy.getBody().front().getTerminator()->setOperands(taps);
  copy.setType(FunctionType::get(function.getContext(), function.getArgumentTypes(), types));
  copy.setAllResultAttrs(ArrayAttr());
  for (size_t i = 0; i < points.size(); ++i)
    copy.setResultAttr(unsigned(i), "nn.name", StringAttr::get(function.getContext(), "tap" + std::to_string(i)));
  return module;
}

llvm::Error compileTo(StringRef path, ModuleOp module, Backend &backend) {
  llvm::Expected<Target> target = Target::parse("native");
  if (!target)
    return target.takeError();
  PassManager passes(module.getContext());
  buildQuantizePipeline(passes);
  buildLayoutPipeline(passes);
  buildFusePipeline(passes);
  if (passes.run(module).failed())
    return failed("can't compile the model for calibration");
  func::FuncOp function = *module.getOps<func::FuncOp>().begin();
  orderOperations(function);
  auto program = lowerToPlan(function, backend, *target, "calibration");
  if (mlir::failed(program))
    return failed("can't compile the model for calibration");
  planArena(*program);
  function.erase();
  FailureOr<CodeImage> code = backend.generate(*program, *target, false);
  if (mlir::failed(code))
    return failed("can't generate code for calibration");
  CompiledProgram compiled{*program, std::move(*code)};
  return writeArtifact(path, compiled, {}, backend, /*keepsConstants=*/true).takeError();
}

llvm::Expected<std::unique_ptr<RunnableProgram>> build(func::FuncOp function, ArrayRef<Value> points, Backend &backend,
                                                       const OpenProgram &open) {
  TemporaryArtifact artifact;
  if (llvm::Error error = artifact.make("lathe-calibration"))
    return std::move(error);
  if (llvm::Error error = writeTaps(artifact.path(), function, points, backend))
    return std::move(error);
  return open(artifact.path());
}

} // namespace

llvm::Error writeTaps(StringRef path, func::FuncOp function, ArrayRef<Value> points, Backend &backend) {
  OwningOpRef<ModuleOp> module = withTaps(function, points);
  return compileTo(path, *module, backend);
}

std::vector<InputSpec> inputSpecs(func::FuncOp function) {
  std::vector<InputSpec> specs;
  for (BlockArgument argument : function.getArguments()) {
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "nn.name");
    specs.push_back({name ? name.str() : "input" + std::to_string(argument.getArgNumber()),
                     cast<RankedTensorType>(argument.getType())});
  }
  return specs;
}

llvm::Error runTaps(func::FuncOp function, ArrayRef<Value> points, SampleSource &samples, Backend &backend,
                    const TapOptions &options, TapFn observe) {
  if (samples.count() == 0)
    return failed("expects one calibration sample or more, got none");
  auto program = build(function, points, backend, options.openProgram);
  if (!program)
    return program.takeError();
  auto count = [&] { return std::min(samples.count(), options.maxSamples); };
  for (size_t i = 0; i < count(); ++i) {
    llvm::Expected<reference::Tensors> inputs = samples.load(i);
    if (!inputs)
      return inputs.takeError();
    auto tell = [&](size_t number, const OutputView &output) { observe({i, number, output.shape, output.data}); };
    if (llvm::Error error = (*program)->run(*inputs, tell))
      return failed("calibration sample " + llvm::Twine(i) + ": " + llvm::toString(std::move(error)));
    if (options.progress)
      options.progress(i + 1, count());
  }
  return llvm::Error::success();
}

} // namespace lathe
