#include "backends/x86/Codegen.h"
#include "backends/x86/MachineCode.h"
#include "backends/x86/SharedBody.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

using namespace mlir;

namespace lathe::x86 {

void prepareContext(MLIRContext *context) {
  DialectRegistry registry;
  registry.insert<arith::ArithDialect, cf::ControlFlowDialect, math::MathDialect, scf::SCFDialect,
                  vector::VectorDialect, LLVM::LLVMDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  PassManager pipeline(context);
  pipeline.addPass(createConvertSCFToCFPass());
  pipeline.addPass(createConvertVectorToLLVMPass());
  pipeline.getDependentDialects(registry);
  context->appendDialectRegistry(registry);
  context->loadAllAvailableDialects();
}

namespace {
/// The function that the artifact's ABI names, and the one that does the work with its addresses as parameters.
struct KernelFunctions {
  LLVM::LLVMFuncOp entry, body;
};

constexpr unsigned kBodyExtraParameters = 4; // dims, task begin, task end, context

class KernelModule {
public:
  KernelModule(plan::KernelOp kernel, const Target &target)
      : source(kernel), target(target), loc(kernel.getLoc()), b(kernel.getContext()),
        pointer(LLVM::LLVMPointerType::get(kernel.getContext())) {}

  FailureOr<OwningOpRef<ModuleOp>> build() {
    auto *emitter = llvm::find_if(kernelEmitters(), [&](const KernelEmitter &e) { return e.kind == source.getKind(); });
    if (emitter == kernelEmitters().end())
      return source.emitError("internal: no emitter for kernels of kind ") << source.getKind();
    module = ModuleOp::create(loc);
    findParameters();
    buildBody();
    buildEntry();
    if (failed(emitBody(*emitter)))
      return failure();
    return std::move(module);
  }

private:
  /// Which parameter of the body each input and output is: in-place pairs share one.
  void findParameters() {
    Block &region = source.getBody().front();
    inputCount = region.getNumArguments();
    unsigned outputCount = region.getTerminator()->getNumOperands();
    parameterCount = inputCount;
    for (unsigned output = 0; output < outputCount; ++output) {
      ArrayRef<int64_t> pairs = source.getInPlace();
      outputParameter.push_back(0);
      bool isShared = false;
      for (size_t i = 0; i + 1 < pairs.size(); i += 2)
        if (pairs[i + 1] == output) {
          outputParameter.back() = pairs[i];
          isShared = true;
        }
      if (!isShared)
        outputParameter.back() = parameterCount++;
    }
  }

  void buildBody() {
    SmallVector<Type> types(parameterCount, pointer);
    types.append({pointer, b.getI64Type(), b.getI64Type(), pointer});
    b.setInsertionPointToEnd(module->getBody());
    functions.body =
        b.create<LLVM::LLVMFuncOp>(loc, bodyName(source.getSymName()),
                                   LLVM::LLVMFunctionType::get(b.getI32Type(), types), LLVM::Linkage::Internal);
    functions.body.setPassthroughAttr(b.getArrayAttr({b.getStringAttr("noinline")}));
    for (unsigned i = 0; i <= parameterCount; ++i)
      functions.body.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
    functions.body.addEntryBlock(b);
  }

  void buildEntry() {
    auto type =
        LLVM::LLVMFunctionType::get(b.getI32Type(), {pointer, pointer, b.getI64Type(), b.getI64Type(), pointer});
    b.setInsertionPointToEnd(module->getBody());
    functions.entry = b.create<LLVM::LLVMFuncOp>(loc, source.getSymName(), type);
    functions.entry.setVisibility_(LLVM::Visibility::Hidden);
    functions.entry.setDsoLocal(true);
    Block *block = functions.entry.addEntryBlock(b);
    b.setInsertionPointToStart(block);
    SmallVector<Value> operands(parameterCount);
    auto loadArgument = [&](unsigned parameter, unsigned argument) {
      Value address = b.create<LLVM::GEPOp>(loc, pointer, pointer, block->getArgument(0),
                                            ArrayRef<LLVM::GEPArg>{int32_t(argument)}, /*inbounds=*/true);
      operands[parameter] = b.create<LLVM::LoadOp>(loc, pointer, address);
    };
    for (unsigned i = 0; i < inputCount; ++i)
      loadArgument(i, i);
    for (auto [output, parameter] : llvm::enumerate(outputParameter))
      if (parameter >= inputCount)
        loadArgument(parameter, inputCount + output);
    for (unsigned i = 1; i <= kBodyExtraParameters; ++i)
      operands.push_back(block->getArgument(i));
    Value code = b.create<LLVM::CallOp>(loc, functions.body, operands).getResult();
    b.create<LLVM::ReturnOp>(loc, code);
  }

  LogicalResult emitBody(const KernelEmitter &emitter) {
    Block *block = &functions.body.getBody().front();
    OwningOpRef<plan::KernelOp> copy(source.clone());
    EmitContext context(OpBuilder::atBlockEnd(block), loc, block, *copy, target);
    context.inputs.assign(block->args_begin(), block->args_begin() + inputCount);
    for (unsigned parameter : outputParameter)
      context.outputs.push_back(block->getArgument(parameter));
    context.dimsPointer = block->getArgument(parameterCount);
    context.taskBegin = block->getArgument(parameterCount + 1);
    context.taskEnd = block->getArgument(parameterCount + 2);
    context.contextPointer = block->getArgument(parameterCount + 3);
    context.prepare();
    if (failed(emitter.emit(context)))
      return failure();
    Value code = context.loadRaw(context.errorPointer, context.i32(), context.index(0));
    context.b.create<LLVM::ReturnOp>(loc, code);
    return success();
  }

  plan::KernelOp source;
  const Target &target;
  Location loc;
  OpBuilder b;
  Type pointer;
  OwningOpRef<ModuleOp> module;
  KernelFunctions functions;
  unsigned inputCount = 0, parameterCount = 0;
  SmallVector<unsigned> outputParameter;
};

/// Everything that is neither scf nor vector, in one conversion.
struct FinishLowering : PassWrapper<FinishLowering, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FinishLowering)
  void runOnOperation() override {
    LLVMTypeConverter converter(&getContext());
    RewritePatternSet patterns(&getContext());
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget legal(getContext());
    legal.addLegalOp<ModuleOp>();
    if (failed(applyPartialConversion(getOperation(), legal, std::move(patterns))))
      signalPassFailure();
  }
};

LogicalResult lowerToLLVM(ModuleOp module) {
  PassManager pipeline(module.getContext());
  pipeline.addPass(createConvertSCFToCFPass());
  pipeline.addPass(createConvertVectorToLLVMPass());
  pipeline.addPass(std::make_unique<FinishLowering>());
  pipeline.addPass(createReconcileUnrealizedCastsPass());
  return pipeline.run(module);
}
} // namespace

FailureOr<OwningOpRef<ModuleOp>> emitKernel(plan::KernelOp kernel, const Target &target) {
  return KernelModule(kernel, target).build();
}

FailureOr<KernelObject> compileKernels(ModuleOp module, const Target &target, std::string *assembly) {
  KernelObject object;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    if (function.getLinkage() == LLVM::Linkage::External)
      object.symbols.push_back(function.getSymName().str());
  if (failed(lowerToLLVM(module)))
    return failure();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> ir = translateModuleToLLVMIR(module, context, object.symbols.front());
  if (!ir)
    return module.emitError("internal: no LLVM IR for kernel ") << object.symbols.front();
  if (llvm::Error error = generateObject(*ir, target, object.elf, assembly))
    return module.emitError("internal: ") << llvm::toString(std::move(error));
  return object;
}

} // namespace lathe::x86
