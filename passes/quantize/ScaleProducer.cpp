#include "passes/quantize/ScaleProducer.h"
#include "dialects/reference/Evaluate.h"
#include "dialects/support/Origin.h"

using namespace mlir;

namespace lathe::nn {

namespace {
/// A scalar, or a number for each index of `axis` of a value of this type.
bool isPerChannel(ConstantOp constant, RankedTensorType type, int64_t axis) {
  RankedTensorType own = tensorType(constant);
  if (!own.hasStaticShape() || !own.getElementType().isF32() || own.getRank() > type.getRank())
    return false;
  const int64_t fromEnd = type.getRank() - axis; // the axis of both, counted from the end
  const int64_t channels = own.getRank() >= fromEnd ? own.getDimSize(unsigned(own.getRank() - fromEnd)) : 1;
  return own.getNumElements() == channels && (channels == 1 || channels == type.getDimSize(unsigned(axis)));
}

class PathSearch {
public:
  PathSearch(int64_t axis, int64_t channels) : axis(axis), channels(channels) {}

  /// To the product that `value` comes from; `path` has what was found.
  bool find(Value value, ProducerPath &path) const {
    Operation *op = value.getDefiningOp();
    if (!op || op->getNumResults() != 1)
      return false;
    if (!(isa<UnaryOp, PoolOp, BinaryOp>(op) ? findBefore(op, path) : isProduct(op, path)))
      return false;
    path.operations.push_back(op);
    return true;
  }

private:
  bool findBefore(Operation *op, ProducerPath &path) const {
    if (auto unary = dyn_cast<UnaryOp>(op))
      return isHomogeneous(unary.getKind()) && findBelow(unary.getInput(), path);
    if (auto pool = dyn_cast<PoolOp>(op))
      return pool.getKind() != PoolKind::pool_lp && findBelow(pool.getInput(), path);
    return findThrough(cast<BinaryOp>(op), path);
  }

  bool isProduct(Operation *op, ProducerPath &path) const {
    auto product = WeightedProduct::of(op);
    if (!product || !givesChannels(*product))
      return false;
    path.product = *product;
    return true;
  }

  static bool isHomogeneous(UnaryKind kind) {
    return kind == UnaryKind::relu || kind == UnaryKind::leaky_relu || kind == UnaryKind::abs || kind == UnaryKind::neg;
  }

  bool findBelow(Value value, ProducerPath &path) const { return value.hasOneUse() && find(value, path); }

  bool findThrough(BinaryOp op, ProducerPath &path) const {
    for (OpOperand &operand : op->getOpOperands()) {
      OpOperand &other = op->getOpOperand(1 - operand.getOperandNumber());
      if (tensorType(operand.get()) != tensorType(op) || !passes(op, operand, other))
        continue;
      ProducerPath found = path;
      if (!findBelow(operand.get(), found))
        continue;
      if (op.getKind() == BinaryKind::add)
        found.additions.push_back(&other);
      path = std::move(found);
      return true;
    }
    return false;
  }

  /// Does a factor of `operand` become one of the result (with the other one scaled, if it is added)?
  bool passes(BinaryOp op, OpOperand &operand, OpOperand &other) const {
    auto constant = other.get().getDefiningOp<ConstantOp>();
    if (op.getKind() == BinaryKind::add)
      return constant && isPerChannel(constant, tensorType(op), axis);
    bool isFirst = operand.getOperandNumber() == 0;
    return op.getKind() == BinaryKind::mul ||
           (isFirst && (op.getKind() == BinaryKind::div || op.getKind() == BinaryKind::prelu));
  }

  /// Is what the product gives a channel for each of its outputs?
  bool givesChannels(const WeightedProduct &product) const {
    auto conv = dyn_cast<ConvOp>(product.op);
    const int64_t rank = tensorType(product.op->getResult(0)).getRank();
    const int64_t own = conv && !conv.getChannelsLast() ? 1 : rank - 1;
    bool hasBias = conv && conv.getBias();
    return own == axis && WeightPlaces(product).outputs() == channels &&
           (!hasBias || conv.getBias().getDefiningOp<ConstantOp>());
  }

  int64_t axis, channels;
};

Value constantLike(Value old, const reference::Tensor &tensor) {
  OpBuilder b(old.getContext());
  b.setInsertionPointAfterValue(old);
  return b.create<ConstantOp>(old.getLoc(), tensor.type(), tensor.toAttribute());
}

Value scaledWeights(const WeightedProduct &product, const reference::Tensor &weights, ArrayRef<float> factors) {
  auto result = reference::Tensor::allocate(weights.type());
  WeightPlaces places(product);
  for (int64_t i = 0; i < result.size(); ++i)
    result.mutableData<float>()[i] = weights.data<float>()[i] * factors[size_t(places.outputOf(i))];
  return constantLike(product.weights->get(), result);
}

/// `shape`: of the result. The numbers, or the only one, times the factors.
Value scaledVector(Value old, const reference::Tensor &numbers, ArrayRef<int64_t> shape, ArrayRef<float> factors) {
  auto result = reference::Tensor::allocate(RankedTensorType::get(shape, numbers.elementType()));
  for (size_t i = 0; i < factors.size(); ++i)
    result.mutableData<float>()[i] = numbers.data<float>()[numbers.size() == 1 ? 0 : i] * factors[i];
  return constantLike(old, result);
}
} // namespace

std::optional<ProducerPath> ProducerPath::of(const SmoothableInput &input) {
  auto isProduct = [&](OpOperand &use) {
    return llvm::any_of(input.products, [&](const WeightedProduct &product) { return product.input == &use; });
  };
  ProducerPath path;
  path.axis = input.axis;
  bool isFound = llvm::all_of(input.value.getUses(), isProduct) &&
                 PathSearch(input.axis, input.channels()).find(input.value, path);
  return isFound ? std::optional(std::move(path)) : std::nullopt;
}

bool ProducerPath::scale(ArrayRef<float> factors) const {
  auto conv = dyn_cast<ConvOp>(product.op);
  SmallVector<int64_t> aligned(size_t(tensorType(product.op->getResult(0)).getRank() - axis), 1);
  aligned[0] = int64_t(factors.size());
  SmallVector<std::pair<OpOperand *, Value>> changes;
  auto weights = reference::constantTensor(product.weights->get());
  if (!weights)
    return false;
  changes.push_back({product.weights, scaledWeights(product, *weights, factors)});
  auto addVector = [&](OpOperand &operand, ArrayRef<int64_t> shape) {
    auto numbers = reference::constantTensor(operand.get());
    if (numbers)
      changes.push_back({&operand, scaledVector(operand.get(), *numbers, shape, factors)});
    return numbers.has_value();
  };
  if (conv && conv.getBias() && !addVector(conv.getBiasMutable()[0], aligned.front()))
    return false;
  for (OpOperand *addition : additions)
    if (!addVector(*addition, aligned))
      return false;
  for (auto [operand, value] : changes)
    operand->set(value);
  for (Operation *op : operations)
    scaleOrigin(op, axis, factors);
  return true;
}

} // namespace lathe::nn
