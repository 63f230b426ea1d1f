#include "backends/onednn/ProviderBackend.h"
#include "backends/onednn/LibraryKernel.h"

using namespace mlir;

namespace lathe {

namespace {
class ProviderBackend : public Backend {
public:
  ProviderBackend(std::unique_ptr<Backend> own, Provider provider) : own(std::move(own)), provider(provider) {}

  FailureOr<KernelPlan> planKernel(Operation *op, ArrayRef<bool> isConstant, const Target &target) override {
    if (provider == Provider::onednn)
      if (auto plans = onednn::plansFor(op, isConstant, target); !plans.empty())
        return plans.front();
    return own->planKernel(op, isConstant, target);
  }

  FailureOr<std::vector<KernelPlan>> kernelPlans(Operation *op, ArrayRef<bool> isConstant,
                                                 const Target &target) override {
    std::vector<KernelPlan> library = onednn::plansFor(op, isConstant, target);
    if (provider == Provider::onednn && !library.empty())
      return std::vector<KernelPlan>{library.front()};
    auto plans = own->kernelPlans(op, isConstant, target);
    if (succeeded(plans) && provider == Provider::either)
      llvm::append_range(*plans, library);
    return plans;
  }

  int64_t packedSizeBytes(RankedTensorType type, Attribute packing) override {
    return own->packedSizeBytes(type, packing);
  }
  void pack(const reference::Tensor &value, Attribute packing, char *out) override { own->pack(value, packing, out); }
  FailureOr<CodeImage> generate(plan::ProgramOp program, const Target &target, bool wantAssembly) override {
    return own->generate(program, target, wantAssembly);
  }

private:
  std::unique_ptr<Backend> own;
  const Provider provider;
};
} // namespace

std::unique_ptr<Backend> withProvider(std::unique_ptr<Backend> own, Provider provider) {
  if (provider == Provider::lathe)
    return own;
  return std::make_unique<ProviderBackend>(std::move(own), provider);
}

} // namespace lathe
