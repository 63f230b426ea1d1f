#include "compiler/driver/Driver.h"
#include "backends/artifact/ArtifactWriter.h"
#include "backends/onednn/ProviderBackend.h"
#include "compiler/driver/LoadModel.h"
#include "compiler/driver/Messages.h"
#include "compiler/driver/OutputFile.h"
#include "compiler/driver/Phase.h"
#include "compiler/driver/Quantization.h"
#include "compiler/driver/Tuning.h"
#include "compiler/pipeline/LowerToPlan.h"
#include "compiler/pipeline/OrderOperations.h"
#include "compiler/report/CompileReport.h"
#include "compiler/report/GraphNodes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Verifier.h"
#include "passes/Passes.h"
#include "passes/Pipelines.h"
#include "passes/memory/GroupCalls.h"
#include "passes/memory/PlanArena.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include <chrono>

using namespace mlir;

namespace lathe {

std::string producerName() { return "lathe " LATHE_VERSION; }

llvm::ArrayRef<llvm::StringRef> phaseNames() {
  static constexpr llvm::StringRef names[] = {"import", "canonical", "quantize", "layout", "fuse", "plan", "codegen"};
  return names;
}

namespace {

/// Module as text that lathe-opt reads; large constants are left out. Local scope, because resources would be printed, to be
/// elided only then.
std::string moduleText(Operation *module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  OpPrintingFlags flags;
  flags.elideLargeElementsAttrs(32).useLocalScope().enableDebugInfo();
  module->print(out, flags);
  out << "\n";
  return text;
}

/// In the order of Provider.
constexpr std::array<StringLiteral, 3> kProviders = {"lathe", "onednn", "auto"};

/// Names are checked later.
Provider providerOf(const CompileOptions &options) {
  const auto *name = llvm::find(kProviders, options.provider);
  return name == kProviders.end() ? Provider::lathe : Provider(name - kProviders.begin());
}

class Compilation {
public:
  Compilation(const CompileOptions &options)
      : options(options), messages(&context, options.modelPath),
        backend(withProvider(createX86Backend(), providerOf(options))), own(createX86Backend()),
        quantization(options, *own, targets), tuning(options, *backend) {
    prepareContext(context);
  }

  CompileStatus run();

private:
  bool checkOptions();
  bool runPhases();
  bool runPhase(StringRef phase);
  bool timed(StringRef phase, llvm::function_ref<bool()> run);
  LogicalResult runPasses(llvm::function_ref<void(OpPassManager &)> build);
  LogicalResult import();
  bool quantize();
  bool tune();
  LogicalResult plan();
  LogicalResult generate();
  LogicalResult write();
  bool compare();
  bool checkIo(const Twine &what, std::error_code error);
  bool openOutputs();
  bool writeReport();
  bool writeText(const Twine &path, StringRef text);
  bool dump(size_t number, StringRef phase);
  void describe(const CompiledProgram &compiled, const Target &target);

  const CompileOptions &options;
  ImportOptions importOptions;
  MLIRContext context;
  Messages messages;
  std::unique_ptr<Backend> backend, own; // integers are the same, whoever computes them in the end
  Quantization quantization;
  Tuning tuning;
  std::vector<Target> targets;
  OwningOpRef<ModuleOp> module;
  std::vector<CompiledProgram> programs;
  ArtifactText text;
  CompileReport report;
  OutputFile reportFile;
  CompileStatus status;
};

//===- Options -===//

bool Compilation::checkOptions() {
  auto fail = [&](const Twine &message) {
    messages.error(message);
    status.code = CompileStatus::badUsage;
    return false;
  };
  if (!options.stopAfter.empty() && !llvm::is_contained(phaseNames(), options.stopAfter))
    return fail("expects --stop-after to be one of " + llvm::join(phaseNames(), ", ") + ", got '" + options.stopAfter +
                "'");
  if (options.outputPath.empty() && options.stopAfter.empty())
    return fail("expects an output file");
  for (const std::string &dim : options.dims)
    if (!parseDimOption(dim, importOptions))
      return fail("expects --dim name=size or name=low..high, got '" + dim + "'");
  if (!llvm::is_contained(kProviders, options.provider))
    return fail("expects --provider to be one of " + llvm::join(kProviders, ", ") + ", got '" + options.provider + "'");
  if (llvm::Error error = quantization.prepare())
    return lathe::fail(messages, status, std::move(error), CompileStatus::badEnvironment);
  if (options.cpus.empty() || options.cpus.size() > 64)
    return fail("expects 1 to 64 CPUs, got " + Twine(options.cpus.size()));
  for (const std::string &cpu : options.cpus) {
    llvm::Expected<Target> target = Target::parse(cpu);
    if (!target)
      return fail(llvm::toString(target.takeError()));
    targets.push_back(std::move(*target));
  }
  if (llvm::Error error = tuning.open())
    return lathe::fail(messages, status, std::move(error), CompileStatus::badEnvironment);
  // The loader takes the first program that the machine can run.
  llvm::stable_sort(targets, [](const Target &a, const Target &b) {
    return std::pair(a.vectorBits(), a.features.size()) > std::pair(b.vectorBits(), b.features.size());
  });
  return true;
}

/// Options that the bytes of the artifact depend on.
std::string flagsText(const CompileOptions &options, ArrayRef<Target> targets) {
  std::string flags = "--cpu ";
  flags += llvm::join(llvm::map_range(targets, [](const Target &target) { return target.cpu; }), ",");
  for (const std::string &dim : options.dims)
    flags += " --dim " + dim;
  if (!options.quantize.empty())
    flags += " --quantize " + options.quantize;
  if (options.quantize == "int4")
    flags += " --group-size " + std::to_string(options.groupSize);
  if (!options.int4Method.empty())
    flags += " --int4-method " + options.int4Method;
  if (options.int4Activations != CompileOptions().int4Activations)
    flags += " --int4-activations " + options.int4Activations;
  if (!options.calibratePath.empty())
    flags += " --calibrate-method " + options.calibrateMethod;
  if (!options.keep.empty())
    flags += " --keep " + options.keep;
  if (!options.precisionsPath.empty())
    flags += " --precisions " + llvm::sys::path::filename(options.precisionsPath).str();
  if (kProviders[0] != options.provider)
    flags += " --provider " + options.provider;
  return flags;
}

//===- Phases -===//

LogicalResult Compilation::runPasses(llvm::function_ref<void(OpPassManager &)> build) {
  PassManager passes(&context);
  passes.enableVerifier(true);
  build(passes);
  VerifyPhaseOptions verification;
  const std::vector<std::string> dialects = {"func", "nn"};
  verification.dialects = dialects;
  passes.addPass(createVerifyPhase(verification));
  return passes.run(*module);
}

LogicalResult Compilation::import() {
  bool hasUnknownDim = false;
  importOptions.hasUnknownDim = &hasUnknownDim;
  module = loadModel(options.modelPath, options.modelData, importOptions, context, messages);
  importOptions.hasUnknownDim = nullptr;
  if (!module) {
    if (hasUnknownDim)
      status.code = CompileStatus::badUsage;
    else if (options.modelData.empty() && !llvm::sys::fs::is_regular_file(options.modelPath))
      status.code = CompileStatus::badEnvironment;
    return failure();
  }
  func::FuncOp function = *module->getOps<func::FuncOp>().begin();
  text.model = function.getSymName().str();
  text.graph = graphNodes(function);
  // The importer has fixed the sizes that --dim names; text has them as symbols.
  return runPasses([&](OpPassManager &passes) {
    RefineShapesOptions refine;
    refine.dims = options.dims;
    if (StringRef(options.modelPath).ends_with(".mlir"))
      passes.addNestedPass<func::FuncOp>(createRefineShapes(refine));
  });
}

bool Compilation::quantize() {
  if (llvm::Error error = quantization.run(*module->getOps<func::FuncOp>().begin()))
    return fail(messages, status, std::move(error), quantization.failureCode());
  return succeeded(runPasses(buildQuantizePipeline));
}

/// A phase of its own where there is something to measure.
bool Compilation::tune() {
  auto warn = [&](const Twine &text) { messages.warning(text); };
  tuning.prepare(targets);
  if (!options.tune)
    return true;
  if (providerOf(options) == Provider::either)
    tuning.openLibrary(warn);
  func::FuncOp function = *module->getOps<func::FuncOp>().begin();
  return timed("tune", [&] {
    return succeeded(tuning.measure(function, warn)) &&
           checkIo("can't write '" + options.tuneDbPath + "'", tuning.save());
  });
}

LogicalResult Compilation::plan() {
  func::FuncOp function = *module->getOps<func::FuncOp>().begin();
  orderOperations(function);
  for (auto [index, target] : llvm::enumerate(targets)) {
    std::string name = function.getSymName().str() + "__" + target.isa();
    if (SymbolTable::lookupSymbolIn(*module, name))
      name += "_" + std::to_string(index);
    Tuner &tuner = tuning.tuner(index);
    auto choose = [&](Operation *op, ArrayRef<bool> isConstant) { return tuner.choose(op, isConstant); };
    auto program = lowerToPlan(function, *backend, target, name, choose);
    if (failed(program))
      return failure();
    addDecisions(*program, tuner.decisions());
    groupCalls(*program);
    planArena(*program);
    programs.push_back({*program, {}});
  }
  report.choices = tuning.records();
  function.erase();
  return verify(*module);
}

LogicalResult Compilation::generate() {
  for (auto [compiled, target] : llvm::zip_equal(programs, targets)) {
    FailureOr<CodeImage> code = backend->generate(compiled.program, target, !options.dumpTo.empty());
    if (failed(code))
      return failure();
    compiled.code = std::move(*code);
    describe(compiled, target);
    if (!options.dumpTo.empty() &&
        !writeText(options.dumpTo + "/kernels-" + compiled.program.getSymName() + ".s", compiled.code.assembly))
      return failure();
  }
  // Choices that hold for all targets are the same in all programs.
  for (const CompiledProgram &compiled : programs)
    for (const Decision &decision : decisionsOf(compiled.program))
      if (!llvm::is_contained(text.decisions, decision))
        text.decisions.push_back(decision);
  report.decisions = text.decisions;
  return success();
}

void Compilation::describe(const CompiledProgram &compiled, const Target &target) {
  plan::ProgramOp program = compiled.program;
  CompileReport::Program entry;
  entry.cpu = target.cpu;
  entry.isa = target.isa();
  for (Operation &op : program.getBody().front()) {
    entry.kernels += isa<plan::KernelOp>(op);
    entry.calls += isa<plan::CallOp>(op);
  }
  entry.codeBytes = compiled.code.bytes.size();
  entry.arenaBytes = program.getArenaBytes().value_or(0);
  entry.lowerBoundBytes = program.getLowerBoundBytes().value_or(0);
  entry.noReuseBytes = program.getNoReuseBytes().value_or(0);
  entry.hasSymbolicSizes = program.getArenaSlots().has_value();
  report.programs.push_back(entry);
}

bool Compilation::runPhase(StringRef phase) {
  if (phase == "import")
    return succeeded(import());
  if (phase == "canonical")
    return succeeded(runPasses(buildCanonicalPipeline));
  if (phase == "quantize")
    return quantize();
  if (phase == "layout")
    return succeeded(runPasses(buildLayoutPipeline));
  if (phase == "fuse")
    return succeeded(runPasses(buildFusePipeline));
  return succeeded(phase == "plan" ? plan() : generate());
}

bool Compilation::checkIo(const Twine &what, std::error_code error) {
  if (error) {
    status.code = CompileStatus::badEnvironment;
    messages.error(what + ": " + error.message());
  }
  return !error;
}

bool Compilation::writeText(const Twine &path, StringRef content) {
  return checkIo("can't write '" + path + "'", writeFile(path.str(), content));
}

/// Before the work starts: is there a place for what it gives?
bool Compilation::openOutputs() {
  return (options.dumpTo.empty() ||
          checkIo("can't make folder '" + options.dumpTo + "'", llvm::sys::fs::create_directories(options.dumpTo))) &&
         (options.reportPath.empty() ||
          checkIo("can't write '" + options.reportPath + "'", reportFile.open(options.reportPath)));
}

bool Compilation::writeReport() {
  uint64_t modelBytes = options.modelData.size();
  if (modelBytes || !llvm::sys::fs::file_size(options.modelPath, modelBytes))
    report.modelBytes = modelBytes;
  report.model = text.model;
  return checkIo("can't write '" + options.reportPath + "'", reportFile.finish(report.toJson()));
}

bool Compilation::dump(size_t number, StringRef phase) {
  return options.dumpTo.empty() ||
         writeText(llvm::formatv("{0}/{1,0+2}-{2}.mlir", options.dumpTo, number, phase).str(), moduleText(*module));
}

/// Runs a phase and reports its time.
bool Compilation::timed(StringRef phase, llvm::function_ref<bool()> run) {
  std::optional<double> seconds = timePhase(options, phase, run);
  if (!seconds)
    return false;
  report.phases.push_back({phase.str(), *seconds});
  return true;
}

bool Compilation::runPhases() {
  for (auto [number, phase] : llvm::enumerate(phaseNames())) {
    if (phase == "plan" && !tune())
      return false;
    if (!timed(phase, [&] { return runPhase(phase) && !messages.hasErrors() && dump(number, phase); }))
      return false;
    if (phase == options.stopAfter) {
      status.module = moduleText(*module);
      return true;
    }
  }
  return timed("write", [&] { return succeeded(write()); }) && compare();
}

/// What was lost, where there are samples to measure it with. That it can't be measured is worth a warning, no more.
bool Compilation::compare() {
  if (!options.measureAccuracy || options.quantize.empty() || options.calibratePath.empty())
    return true;
  return timed("compare", [&] {
    Accuracy accuracy = options.measureAccuracy(options);
    if (!accuracy.problem.empty())
      messages.warning(accuracy.problem);
    status.accuracy = accuracy.summary;
    report.accuracyJson = accuracy.json;
    return true;
  });
}

LogicalResult Compilation::write() {
  text.producer = producerName();
  text.flags = flagsText(options, targets);
  llvm::Expected<ArtifactSizes> sizes = writeArtifact(options.outputPath, programs, text, *backend);
  if (!sizes) {
    status.code = CompileStatus::badEnvironment;
    messages.error(llvm::toString(sizes.takeError()));
    return failure();
  }
  report.sizes = *sizes;
  return success();
}

CompileStatus Compilation::run() {
  bool isOk = checkOptions() && openOutputs() && runPhases() && (!reportFile.isOpen() || writeReport());
  if (!isOk && status.code == CompileStatus::success)
    status.code = CompileStatus::badModel;
  status.messages = messages.take();
  return std::move(status);
}

} // namespace

CompileStatus compileModel(const CompileOptions &options) { return Compilation(options).run(); }

} // namespace lathe
