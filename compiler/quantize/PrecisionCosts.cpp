#include "compiler/quantize/PrecisionCosts.h"
#include "dialects/reference/Evaluate.h"
#include "dialects/support/Decisions.h"
#include "passes/quantize/WeightScales.h"
#include "passes/quantize/WeightedOperation.h"
#include "llvm/ADT/MapVector.h"
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

constexpr double kSlower = 1.03; // of the time of f32; integers take a quarter of the memory or less

std::string slowerReason(double real, double integers) {
  return llvm::formatv("f32 is faster: {0:f3} us against {1:f3} us by the cost model", real / 1e3, integers / 1e3);
}

/// The mean over sizes, of each of the times; nullopt if one is not known.
template <class Times>
std::optional<Times> meanTimes(ArrayRef<SymbolValues> sizes, ArrayRef<double Times::*> parts,
                               llvm::function_ref<std::optional<Times>(ArrayRef<int64_t>)> at) {
  Times mean{};
  for (const SymbolValues &symbols : sizes) {
    auto times = at(symbols);
    if (!times)
      return std::nullopt;
    for (double Times::*part : parts)
      mean.*part += (*times).*part / double(sizes.size());
  }
  return mean;
}

class Weighing {
public:
  Weighing(Backend &backend, const CostChoice &choice) : backend(backend), choice(choice) {}

  void visit(Operation *op) {
    if (nn::ConstantOp matrices = nn::recurrenceMatrices(op))
      visitRecurrence(op, matrices);
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
      if (integers <= kSlower * times->real)
        return "";
      reason = slowerReason(times->real, integers);
    }
    return reason;
  }

private:
  /// A step reads all matrices. Making numbers of integers costs more than reading f32 from a near cache, less than from a far one:
  /// measured on Zen 4 with 1 MiB of L2, LSTM and GRU take 1.02 of the time at 768 KiB of f32, 0.91 at 1 MiB, 0.79 at 3 MiB.
  void visitRecurrence(Operation *op, nn::ConstantOp matrices) {
    constexpr int64_t nearBytes = 1 << 20;
    auto wanted = nn::precisionOf(op);
    const int64_t bytes = 4 * nn::tensorType(matrices).getNumElements();
    if (!wanted || wanted->precision == Precision::f32 || wanted->isFixed || choice.takesSlower ||
        choice.targets.empty() || bytes >= nearBytes)
      return;
    nn::setPrecision(op, {Precision::f32, llvm::formatv("f32 is faster: the recurrence's {0} KiB stay in a near cache",
                                                        (bytes + 1023) / 1024)});
  }

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
    using T = ProductTimes;
    return meanTimes<T>(choice.sizes, {&T::real, &T::integers7, &T::integers, &T::conversion},
                        [&](ArrayRef<int64_t> symbols) { return backend.productTimes(op, symbols, target); });
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

/// Products of precision int4 that read one value, in groups of one size.
class GroupWeighing {
public:
  GroupWeighing(Backend &backend, const CostChoice &choice, int64_t group, ArrayRef<Operation *> products)
      : backend(backend), choice(choice), group(group), products(products) {
    isRounded = choice.roundsActivations && llvm::all_of(products, [&](Operation *op) {
                  WeightedProduct product = *WeightedProduct::of(op);
                  return nn::tensorType(product.constant()).getDimSize(unsigned(1 - product.outputAxis)) % group == 0;
                });
  }

  void run(std::vector<Decision> &decisions) {
    if (!choice.takesSlower)
      choose();
    for (Operation *op : products) {
      nn::NodePrecision wanted = *nn::precisionOf(op);
      if (!reason.empty() && !wanted.isFixed)
        nn::setPrecision(op, {Precision::f32, reason});
      else if (isRounded)
        op->setAttr(nn::kRoundedActivations, UnitAttr::get(op->getContext()));
      else if (choice.roundsActivations && !rounding.empty())
        decisions.push_back({nodeName(op->getLoc()), "quantize", false, rounding});
    }
  }

private:
  /// What is expected to be faster on one target at least.
  void choose() {
    bool mayRound = std::exchange(isRounded, false), isSlower = !choice.targets.empty();
    for (const Target &target : choice.targets) {
      auto times = sumOver(target);
      if (!times) {
        isRounded = mayRound, reason = "";
        return;
      }
      double rounded = times->integers + times->rounding;
      bool isFaster = mayRound && rounded < times->floats;
      double least = isFaster ? rounded : times->floats;
      isRounded |= isFaster;
      isSlower &= least > kSlower * times->real;
      reason = slowerReason(times->real, least);
      rounding = llvm::formatv("activations stay f32: {0:f3} us against {1:f3} us by the cost model",
                               times->floats / 1e3, rounded / 1e3);
    }
    if (choice.targets.empty())
      isRounded = mayRound;
    if (!isSlower)
      reason = "";
  }

  std::optional<GroupedTimes> sumOver(const Target &target) const {
    using T = GroupedTimes;
    T sum{};
    for (Operation *op : products) {
      auto times =
          meanTimes<T>(choice.sizes, {&T::real, &T::floats, &T::integers, &T::rounding},
                       [&](ArrayRef<int64_t> symbols) { return backend.groupedTimes(op, group, symbols, target); });
      if (!times)
        return std::nullopt;
      sum.real += times->real, sum.floats += times->floats, sum.integers += times->integers;
      sum.rounding = times->rounding;
    }
    return sum;
  }

  Backend &backend;
  const CostChoice &choice;
  int64_t group;
  ArrayRef<Operation *> products;
  bool isRounded;
  std::string reason, rounding; // why weights stay f32, or activations
};
} // namespace

std::string reasonAgainst(Operation *op, const nn::NodePrecision &wanted, Backend &backend, const CostChoice &choice) {
  return Weighing(backend, choice).reasonAgainst(*WeightedProduct::of(op), wanted);
}

void weighCosts(func::FuncOp function, Backend &backend, const CostChoice &choice) {
  Weighing weighing(backend, choice);
  function.walk([&](Operation *op) { weighing.visit(op); });
  weighGroups(function, backend, choice);
}

void weighGroups(func::FuncOp function, Backend &backend, const CostChoice &choice) {
  llvm::MapVector<std::pair<Value, int64_t>, SmallVector<Operation *>> readers;
  function.walk([&](nn::MatmulOp matmul) {
    auto product = WeightedProduct::of(matmul);
    auto wanted = nn::precisionOf(matmul);
    if (product && wanted && wanted->precision == Precision::int4 && nn::reasonAgainstIntegerWeights(matmul).empty())
      readers[{product->input->get(), wanted->groupSize}].push_back(matmul);
  });
  std::vector<Decision> decisions;
  for (auto &[key, products] : readers)
    GroupWeighing(backend, choice, key.second, products).run(decisions);
  addDecisions(function, decisions);
}

} // namespace lathe
