#include "compiler/quantize/RoundProducts.h"
#include "compiler/quantize/AdaRound.h"
#include "dialects/support/Origin.h"
#include "passes/quantize/Precision.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace lathe {

namespace {
using nn::GroupedWeights, nn::Int4Method, nn::WeightedProduct, nn::WeightMatrix;

/// What products read, and what their rounding errors cost.
struct Inputs {
  MomentsFactor factor;
  std::vector<float> importance; // of channels: the diagonal of the moments

  double errorOf(const WeightMatrix &weights, const GroupedWeights &grouped) const {
    return productError(weights, grouped, factor);
  }
  /// Zero points have to be worth their bytes.
  GroupedWeights better(const WeightMatrix &weights, GroupedWeights symmetric, GroupedWeights other) const {
    constexpr double gain = 0.95;
    return errorOf(weights, other) < gain * errorOf(weights, symmetric) ? std::move(other) : std::move(symmetric);
  }
};

class ProductRounding {
public:
  ProductRounding(const Moments &moments, int steps, std::vector<Decision> &decisions)
      : moments(moments), inputs{MomentsFactor::of(moments), moments.diagonal()}, steps(steps), decisions(decisions) {}

  RoundedProducts run(ArrayRef<Operation *> products) {
    std::vector<std::pair<Operation *, WeightMatrix>> scaled;
    for (Operation *op : products) {
      auto weights = WeightMatrix::of(*WeightedProduct::of(op));
      if (weights && inputs.factor.values.empty())
        decide(op, false, "nearest numbers: squares of the product's inputs are zero or not finite");
      else if (weights && nn::precisionOf(op)->int4Method == Int4Method::awq)
        scaled.push_back({op, std::move(*weights)});
      else if (weights)
        round(op, *weights);
    }
    if (!scaled.empty())
      roundScaled(scaled);
    return std::move(result);
  }

private:
  void round(Operation *op, const WeightMatrix &weights) {
    const nn::NodePrecision wanted = *nn::precisionOf(op);
    const int64_t group = wanted.groupSize;
    GroupedWeights nearest = nn::roundToNearest(weights, inputs.importance.data(), group);
    GroupedWeights other = wanted.int4Method == Int4Method::gptq
                               ? inputs.better(weights, gptq(weights, inputs.factor, group, true),
                                               gptq(weights, inputs.factor, group, false))
                               : adaRound(weights, inputs.factor, nearest, steps);
    const double share = shareOf(inputs.errorOf(weights, other), inputs.errorOf(weights, nearest));
    decideShare(op, wanted.int4Method, share);
    result.products.push_back({op, share < 1 ? std::move(other) : std::move(nearest), false});
  }

  /// All of them read the input divided by the same factors.
  void roundScaled(ArrayRef<std::pair<Operation *, WeightMatrix>> products) {
    constexpr double worthwhile = 0.95; // an operation more at run time, unless something before takes it
    std::vector<WeightMatrix> matrices;
    for (const auto &[op, weights] : products)
      matrices.push_back(weights);
    const int64_t group = nn::precisionOf(products.front().first)->groupSize;
    ChannelScales scales = awqScales(matrices, moments, inputs.factor, group);
    const bool isScaled = scales.errorShare < worthwhile;
    const std::vector<float> importance = isScaled ? scales.divided(inputs.importance) : inputs.importance;
    for (const auto &[op, weights] : products) {
      const WeightMatrix matrix = isScaled ? scales.multiplied(weights) : weights;
      decideShare(op, Int4Method::awq, isScaled ? scales.errorShare : 1);
      result.products.push_back(
          {op, nn::roundToNearest(matrix, importance.data(), nn::precisionOf(op)->groupSize), isScaled});
    }
    if (isScaled)
      result.inputFactors = std::move(scales.factors);
  }

  static double shareOf(double error, double other) { return other > 0 ? error / other : 1; }

  void decideShare(Operation *op, Int4Method method, double share) {
    decide(
        op, share < 1,
        llvm::formatv("{0}: {1:F2} of the squared error of nearest numbers", nn::int4MethodText(method), share).str());
  }
  void decide(Operation *op, bool isTaken, const Twine &reason) {
    decisions.push_back({nodeName(op->getLoc()), "quantize", isTaken, reason.str()});
  }

  const Moments &moments;
  Inputs inputs;
  int steps;
  std::vector<Decision> &decisions;
  RoundedProducts result;
};

/// `x` times a constant of a number per channel.
Value multiplied(OpBuilder &b, Value x, Value factors) {
  return b.create<nn::BinaryOp>(x.getLoc(), x.getType(), nn::BinaryKind::mul, x, factors);
}

/// Makes a normalization give its result times `factors`, a constant of these numbers; false if it can't.
bool multiplyNorm(nn::LayerNormOp norm, Value factors, ArrayRef<float> numbers, OpBuilder &b) {
  const int64_t rank = nn::tensorType(norm.getOutput()).getRank();
  auto isPerChannel = [&](Value value) { return !value || nn::tensorType(value) == nn::tensorType(factors); };
  if (int64_t(norm.getAxis()) != rank - 1 || !isPerChannel(norm.getScale()) || !isPerChannel(norm.getBias()))
    return false;
  norm.getScaleMutable().assign(norm.getScale() ? multiplied(b, norm.getScale(), factors) : factors);
  if (norm.getBias())
    norm.getBiasMutable().assign(multiplied(b, norm.getBias(), factors));
  scaleOrigin(norm, rank - 1, numbers);
  return true;
}

void divideInput(ArrayRef<OpOperand *> uses, ArrayRef<float> divisors) {
  Value x = uses.front()->get();
  auto norm = x.getDefiningOp<nn::LayerNormOp>();
  OpBuilder b(x.getContext());
  norm ? b.setInsertionPoint(norm) : b.setInsertionPointAfterValue(x);
  SmallVector<float> inverses;
  for (float divisor : divisors)
    inverses.push_back(1 / divisor);
  auto type = RankedTensorType::get({int64_t(inverses.size())}, b.getF32Type());
  Value factors = b.create<nn::ConstantOp>(x.getLoc(), type, DenseElementsAttr::get(type, ArrayRef<float>(inverses)));
  bool isAlone = llvm::all_of(x.getUses(), [&](OpOperand &use) { return llvm::is_contained(uses, &use); });
  if (norm && isAlone && multiplyNorm(norm, factors, inverses, b))
    return;
  b.setInsertionPointAfterValue(norm ? x : factors);
  Value divided = multiplied(b, x, factors);
  for (OpOperand *use : uses)
    use->set(divided);
}
} // namespace

RoundedProducts roundProducts(ArrayRef<Operation *> products, const Moments &moments, int adaRoundSteps,
                              std::vector<Decision> &decisions) {
  return ProductRounding(moments, adaRoundSteps, decisions).run(products);
}

void replaceWeights(const RoundedProducts &rounded) {
  SmallVector<OpOperand *> divided;
  for (const RoundedProduct &entry : rounded.products) {
    OpBuilder b(entry.op);
    auto product = *WeightedProduct::of(entry.op);
    if (entry.readsDivided)
      divided.push_back(product.input);
    product.weights->set(nn::createGrouped(b, product, entry.weights));
  }
  if (!divided.empty())
    divideInput(divided, rounded.inputFactors);
}

} // namespace lathe
