#include "backends/onednn/ProviderBackend.h"
#include "backends/onednn/LibraryKernel.h"

using namespace mlir;

namespace lathe {

namespace {
class ProviderBackend : public Backend {
public:
  explicit ProviderBackend(std::unique_ptr<Backend> own) : own(std::move(own)) {}

  FailureOr<KernelPlan> planKernel(Operation *op, ArrayRef<bool> isConstant, const Target &target) override {
    if (auto plan = onednn::planFor(op, isConstant, target))
      return *plan;
    return own->planKernel(op, isConstant, target);
  }

  FailureOr<std::vector<KernelPlan>> kernelPlans(Operation *op, ArrayRef<bool> isConstant,
                                                 const Target &target) override {
    if (auto plan = onednn::planFor(op, isConstant, target))
      return std::vector<KernelPlan>{*plan};
    return own->kernelPlans(op, isConstant, target);
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
};
} // namespace

std::unique_ptr<Backend> withProvider(std::unique_ptr<Backend> own, Provider provider) {
  if (provider == Provider::lathe)
    return own;
  return std::make_unique<ProviderBackend>(std::move(own));
}

} // namespace lathe
