#include "backends/x86/MachineCode.h"
#include "backends/x86/Emulation.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;

namespace lathe::x86 {

namespace {
constexpr StringLiteral kTriple = "x86_64-unknown-linux-gnu";

/// Gathers and scatters are left out: scalar loads take about as long where they are fast, and a small part of it on CPUs whose
/// microcode serializes gathers (Gather Data Sampling, Intel security advisory 00828).
std::string featureString(const Target &target) {
  std::string text = "+prefer-no-gather,+prefer-no-scatter,-fast-gather";
  for (const std::string &feature : target.features)
    text += ",+" + feature;
  return text;
}

Expected<std::unique_ptr<TargetMachine>> createMachine(const Target &target) {
  std::string error;
  const llvm::Target *x86 = TargetRegistry::lookupTarget(kTriple.str(), error);
  if (!x86)
    return createStringError(error);
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Standard;
  return std::unique_ptr<TargetMachine>(x86->createTargetMachine(
      kTriple, "x86-64", featureString(target), options, Reloc::PIC_, CodeModel::Small, CodeGenOptLevel::Default));
}

void setAttributes(Module &module, const Target &target) {
  // The base CPU with explicit features: a CPU's name alone would bring features that the host may lack.
  std::string features = featureString(target);
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", "x86-64");
    function.addFnAttr("tune-cpu", target.llvmCpu);
    function.addFnAttr("target-features", features);
    function.addFnAttr("prefer-vector-width", std::to_string(target.vectorBits()));
    function.addFnAttr("no-trapping-math", "true");
    function.addFnAttr("no-builtins");
    function.addFnAttr(Attribute::NoUnwind);
    function.addFnAttr(Attribute::MustProgress);
    function.addFnAttr(Attribute::WillReturn);
  }
}

TargetLibraryInfoImpl noLibrary(const Module &module) {
  TargetLibraryInfoImpl info{Triple(module.getTargetTriple())};
  info.disableAllFunctions();
  return info;
}

void optimize(Module &module, TargetMachine &machine) {
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.LoopInterleaving = tuning.SLPVectorization = true;
  PassBuilder builder(&machine, tuning);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager graphs;
  ModuleAnalysisManager modules;
  functions.registerPass([&] { return TargetLibraryAnalysis(noLibrary(module)); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3).run(module, modules);
}

Error writeCode(Module &module, TargetMachine &machine, CodeGenFileType type, SmallVectorImpl<char> &out) {
  raw_svector_ostream stream(out);
  legacy::PassManager passes;
  passes.add(new TargetLibraryInfoWrapperPass(noLibrary(module)));
  if (machine.addPassesToEmitFile(passes, stream, nullptr, type))
    return createStringError("the target can't emit code");
  passes.run(module);
  return Error::success();
}
} // namespace

void initializeLlvm() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
}

Error generateObject(Module &module, const Target &target, SmallVector<char, 0> &elf, std::string *assembly) {
  auto machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  module.setTargetTriple(kTriple);
  module.setDataLayout((*machine)->createDataLayout());
  setAttributes(module, target);
  optimize(module, **machine);
  if (target.isEmulated()) {
    lathe::Target carrier = target;
    carrier.features = std::exchange(carrier.carrier, {});
    carrier.llvmCpu = "x86-64";
    if (Error error = emulate(module, carrier))
      return error;
    setAttributes(module, carrier);
    if (!(machine = createMachine(carrier)))
      return machine.takeError();
  }
  if (assembly) {
    SmallVector<char, 0> text;
    std::unique_ptr<Module> copy = CloneModule(module);
    if (Error error = writeCode(*copy, **machine, CodeGenFileType::AssemblyFile, text))
      return error;
    assembly->assign(text.begin(), text.end());
  }
  return writeCode(module, **machine, CodeGenFileType::ObjectFile, elf);
}

} // namespace lathe::x86
