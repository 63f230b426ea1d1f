#include "backends/onednn/ExactSums.h"

using namespace mlir;

namespace lathe::onednn {

namespace {
/// Of one output's weights.
struct Sums {
  int64_t positive = 0, negative = 0; // magnitudes
  void add(int8_t weight) { (weight > 0 ? positive : negative) += std::abs(int(weight)); }
  /// What activations of 0..255 can make of them, their zero point taken off or not.
  int64_t most(bool hasZero) const { return 255 * (hasZero ? positive + negative : std::max(positive, negative)); }
};
} // namespace

bool hasExactSums(Operation *op, const x86::IntegerRoot &root, const Target &target) {
  constexpr int64_t mostSum = int64_t(1) << 24;
  constexpr int mostWeight = 64; // 2 * 64 * 255 fits 16 bits
  auto weights = x86::constantWeights(op, root);
  if (!weights)
    return false;
  auto matmul = dyn_cast<nn::MatmulOp>(root.op);
  bool areRows = !matmul || matmul.getTransRhs(), hasDots = target.has("avx512vnni");
  int64_t outputs = weights->dim(areRows ? 0 : 1), depth = weights->size() / std::max<int64_t>(outputs, 1);
  std::vector<Sums> sums(static_cast<size_t>(outputs));
  const auto *data = weights->data<int8_t>();
  for (int64_t i = 0; i < weights->size(); ++i) {
    if (!hasDots && std::abs(int(data[i])) > mostWeight)
      return false;
    sums[size_t(areRows ? i / depth : i % outputs)].add(data[i]);
  }
  bool hasZero = root.sourceZero != nullptr;
  return llvm::all_of(sums, [&](const Sums &one) { return one.most(hasZero) <= mostSum; });
}

} // namespace lathe::onednn
