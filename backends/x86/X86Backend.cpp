#include "backends/x86/Codegen.h"
#include "backends/x86/MachineCode.h"
#include "backends/x86/ProductModel.h"
#include "backends/x86/SharedBody.h"
#include "mlir/IR/Threading.h"
#include <set>

using namespace mlir;

namespace lathe {
namespace x86 {
namespace {

const KernelEmitter *emitterOf(StringRef kind) {
  auto *it = llvm::find_if(kernelEmitters(), [&](const KernelEmitter &e) { return e.kind == kind; });
  return it == kernelEmitters().end() ? nullptr : it;
}

const KernelEmitter *emitterOf(DictionaryAttr packing) {
  auto kind = packing ? packing.getAs<StringAttr>("kind") : StringAttr();
  return kind ? emitterOf(kind.getValue()) : nullptr;
}

void finish(KernelPlan &plan, const KernelEmitter &emitter, const Target &target) {
  plan.kind = emitter.kind.str();
  plan.name += "__" + target.isa();
}

class X86Backend : public Backend {
public:
  FailureOr<KernelPlan> planKernel(Operation *op, ArrayRef<bool> isConstant, const Target &target) override {
    for (const KernelEmitter &emitter : kernelEmitters()) {
      std::optional<KernelPlan> plan = emitter.plan(op, isConstant, target);
      if (!plan)
        continue;
      finish(*plan, emitter, target);
      return *plan;
    }
    return op->emitError("no kernel for ") << op->getName() << " on these types";
  }

  FailureOr<PlanList> kernelPlans(Operation *op, ArrayRef<bool> isConstant, const Target &target) override {
    auto chosen = planKernel(op, isConstant, target);
    if (failed(chosen))
      return failure();
    PlanList plans{*chosen};
    std::set<std::string> known{choiceText(*chosen)};
    for (const KernelEmitter &emitter : kernelEmitters()) {
      if (!emitter.alternatives || !hasFixedSizes(op))
        continue;
      for (KernelPlan &plan : emitter.alternatives(op, isConstant, target)) {
        finish(plan, emitter, target);
        if (known.insert(choiceText(plan)).second)
          plans.push_back(std::move(plan));
      }
    }
    return plans;
  }

  std::optional<ProductTimes> productTimes(Operation *op, ArrayRef<int64_t> symbols, const Target &target) override {
    return timesOfProduct(op, symbols, target);
  }
  std::optional<GroupedTimes> groupedTimes(Operation *op, int64_t group, ArrayRef<int64_t> symbols,
                                           const Target &target) override {
    return timesOfGrouped(op, group, symbols, target);
  }

  int64_t packedSizeBytes(RankedTensorType type, Attribute packing) override {
    auto config = dyn_cast<DictionaryAttr>(packing);
    if (const KernelEmitter *emitter = emitterOf(config))
      return emitter->packedSizeBytes(type, config);
    return type.getNumElements() * elementSizeBytes(type.getElementType());
  }

  void pack(const reference::Tensor &value, Attribute packing, char *out) override {
    auto config = dyn_cast<DictionaryAttr>(packing);
    if (const KernelEmitter *emitter = emitterOf(config))
      emitter->pack(value, config, out);
    else
      std::memcpy(out, value.data<char>(), value.sizeBytes());
  }

  FailureOr<CodeImage> generate(plan::ProgramOp program, const Target &target, bool wantAssembly) override {
    initializeLlvm();
    prepareContext(program.getContext());
    SmallVector<plan::KernelOp> kernels(program.getBody().getOps<plan::KernelOp>());
    llvm::erase_if(kernels, [](plan::KernelOp kernel) { return isLibraryKind(kernel.getKind()); });
    auto modules = emitKernels(program.getContext(), kernels, target);
    if (failed(modules))
      return failure();
    std::vector<KernelObject> objects(modules->size());
    std::vector<std::string> texts(modules->size());
    // One LLVM module per body: the code doesn't depend on how many threads share the work.
    auto compile = [&](size_t i) -> LogicalResult {
      auto object = compileKernels(*(*modules)[i], target, wantAssembly ? &texts[i] : nullptr);
      if (failed(object))
        return failure();
      objects[i] = std::move(*object);
      return success();
    };
    if (failed(failableParallelForEachN(program.getContext(), 0, objects.size(), compile)))
      return failure();
    llvm::Expected<CodeImage> image = linkImage(objects);
    if (!image)
      return program.emitError(llvm::toString(image.takeError()));
    sortEntries(*image, kernels);
    for (const std::string &text : texts)
      image->assembly += text;
    return std::move(*image);
  }

private:
  using Modules = std::vector<OwningOpRef<ModuleOp>>;

  /// Kernels whose emitters say so share bodies, and are in one module then.
  static FailureOr<Modules> emitKernels(MLIRContext *context, MutableArrayRef<plan::KernelOp> kernels,
                                        const Target &target) {
    Modules modules(kernels.size()), shared;
    std::vector<std::string> names;
    auto emit = [&](size_t i) -> LogicalResult {
      auto module = emitKernel(kernels[i], target);
      if (succeeded(module))
        modules[i] = std::move(*module);
      return failure(failed(module));
    };
    if (failed(failableParallelForEachN(context, 0, kernels.size(), emit)))
      return failure();
    for (auto [module, kernel] : llvm::zip_equal(modules, kernels))
      if (auto *emitter = emitterOf(kernel.getKind()); emitter && emitter->sharesBodies) {
        names.push_back(kernel.getSymName().str());
        shared.push_back(std::move(module));
      }
    shareBodies(shared, names);
    llvm::move(shared, std::back_inserter(modules));
    llvm::erase_if(modules, [](const auto &module) { return !module; });
    return modules;
  }

  /// In the order of the program's kernels.
  static void sortEntries(CodeImage &image, MutableArrayRef<plan::KernelOp> kernels) {
    llvm::StringMap<size_t> order;
    for (auto [i, kernel] : llvm::enumerate(kernels))
      order[kernel.getSymName()] = i;
    llvm::sort(image.entries,
               [&](const auto &a, const auto &b) { return order.lookup(a.first) < order.lookup(b.first); });
  }
};

} // namespace
} // namespace x86

std::unique_ptr<Backend> createX86Backend() { return std::make_unique<x86::X86Backend>(); }

} // namespace lathe
