#include "compiler/quantize/PrecisionCosts.h"
#include "dialects/reference/Evaluate.h"
#include "passes/quantize/WeightScales.h"
#include "passes/quantize/WeightedOperation.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace lathe {

namespace {
using nn::Precision;
using nn::WeightedProduct;

bool isInIntegers(Operation *op) {
  auto wanted = nn::precisionOf(op);
  return wanted && (wanted->precision == Precision::int8 || wanted->precision == Precision::int8Dynamic);
}

bool isCalibrated(Operation *op) {
  auto wanted = nn::precisionOf(op);
  return wanted && wanted->precision == Precision::int8;
}

/// Is `value` computed by a calibrated product and what is fused to it? Then it becomes integers on the way.
bool comesFromIntegers(Value value) {
  SmallVector<Value> open{value};
  llvm::SmallPtrSet<Operation *, 8> seen;
  while (!open.empty()) {
    Operation *op = open.pop_back_val().getDefiningOp();
    if (!op || !seen.insert(op).second)
      continue;
    if (WeightedProduct::of(op)) {
      if (isCalibrated(op))
        return true;
    } else if (nn::isElementwise(op) ||
               isa<nn::PoolOp, nn::ReshapeOp, nn::TransposeOp, nn::SliceOp, nn::ConcatOp>(op)) {
      llvm::append_range(open, op->getOperands());
    }
  }
  return false;
}

class Weighing {
public:
  Weighing(Backend &backend, const CostChoice &choice) : backend(backend), choice(choice) {}

  void visit(Operation *op) {
    auto product = WeightedProduct::of(op);
    if (!product || !isInIntegers(op))
      return;
    nn::NodePrecision wanted = *nn::precisionOf(op);
    wanted.weightBits = choice.weightBits ? choice.weightBits : bitsOf(*product);
    std::string reason = reasonAgainst(*product, wanted);
    nn::setPrecision(op, reason.empty() ? wanted : nn::NodePrecision{Precision::f32, reason});
  }

  /// Why f32 is better; empty if it isn't, on one target at least.
  std::string reasonAgainst(const WeightedProduct &product, const nn::NodePrecision &wanted) {
    if (choice.takesSlower || wanted.isFixed)
      return "";
    std::string reason;
    for (const Target &target : choice.targets) {
      auto times = timesOf(product.op, target);
      if (!times)
        return "";
      double integers = (wanted.weightBits == 7 ? times->integers7 : times->integers) + conversionOf(product, *times);
      constexpr double isSlower = 1.03; // integers take a quarter of the memory
      if (integers <= isSlower * times->real)
        return "";
      reason = llvm::formatv("f32 is faster: {0:f3} us against {1:f3} us by the cost model", times->real / 1e3,
                             integers / 1e3);
    }
    return reason;
  }

private:
  unsigned bitsOf(const WeightedProduct &product) {
    constexpr double worthwhile = 0.95;
    bool isFaster = !choice.targets.empty() && llvm::all_of(choice.targets, [&](const Target &target) {
      auto times = timesOf(product.op, target);
      return times && times->integers7 < worthwhile * times->integers;
    });
    return isFaster && staysExact(product) ? 7 : 8;
  }

  /// Are 7 bits enough for these weights? Normally distributed ones have 34 to 37 dB. Where a few are much larger than the rest, as
  /// when a residual branch was folded into a convolution, the rest would be lost.
  bool staysExact(const WeightedProduct &product) {
    const double leastSqnr = isa<nn::ConvOp>(product.op) ? 34.5 : 29;
    auto weights = reference::constantTensor(product.weights->get());
    return weights && nn::weightSqnr(*weights, product.outputAxis, 7) >= leastSqnr;
  }

  /// Means over the sizes of use.
  std::optional<ProductTimes> timesOf(Operation *op, const Target &target) {
    ProductTimes mean{0, 0, 0, 0};
    const double share = 1 / double(choice.sizes.size());
    for (const SymbolValues &symbols : choice.sizes) {
      auto times = backend.productTimes(op, symbols, target);
      if (!times)
        return std::nullopt;
      mean.real += share * times->real, mean.conversion += share * times->conversion;
      mean.integers7 += share * times->integers7, mean.integers += share * times->integers;
    }
    return mean;
  }

  double conversionOf(const WeightedProduct &product, const ProductTimes &times) {
    bool isDynamic = !isCalibrated(product.op);
    if (!isDynamic && comesFromIntegers(product.input->get()))
      return 0;
    auto users = llvm::count_if(product.input->get().getUsers(), isInIntegers);
    constexpr double withRange = 1.7; // least and largest value are looked for first
    return times.conversion * (isDynamic ? withRange : 1) / double(std::max<int64_t>(users, 1));
  }

  Backend &backend;
  const CostChoice &choice;
};
} // namespace

std::string reasonAgainst(Operation *op, const nn::NodePrecision &wanted, Backend &backend, const CostChoice &choice) {
  return Weighing(backend, choice).reasonAgainst(*WeightedProduct::of(op), wanted);
}

void weighCosts(func::FuncOp function, Backend &backend, const CostChoice &choice) {
  Weighing weighing(backend, choice);
  function.walk([&](Operation *op) { weighing.visit(op); });
}

} // namespace lathe
