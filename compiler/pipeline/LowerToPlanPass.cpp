#include "compiler/pipeline/LowerToPlanPass.h"
#include "compiler/pipeline/LowerToPlan.h"
#include "compiler/pipeline/OrderOperations.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace lathe {

namespace {
struct LowerToPlanPass : PassWrapper<LowerToPlanPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerToPlanPass)
  LowerToPlanPass() = default;
  LowerToPlanPass(const LowerToPlanPass &other) : PassWrapper(other) {}

  StringRef getArgument() const override { return "lathe-lower-to-plan"; }
  StringRef getDescription() const override { return "replace functions by plans: kernels, buffers and calls"; }
  void getDependentDialects(DialectRegistry &registry) const override { registry.insert<plan::PlanDialect>(); }

  void runOnOperation() override {
    llvm::Expected<Target> target = Target::parse(cpu);
    if (!target) {
      getOperation().emitError(llvm::toString(target.takeError()));
      return signalPassFailure();
    }
    std::unique_ptr<Backend> backend = createX86Backend();
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      std::string name = function.getSymName().str();
      function.setSymName(name + "_function"); // the plan takes its name
      orderOperations(function);
      if (failed(lowerToPlan(function, *backend, *target, name)))
        return signalPassFailure();
      function.erase();
    }
  }

  Option<std::string> cpu{*this, "cpu", llvm::cl::desc("target CPU, as for lathe compile"),
                          llvm::cl::init("x86-64-v3")};
};
} // namespace

void registerLowerToPlanPass() { PassRegistration<LowerToPlanPass>(); }

} // namespace lathe
