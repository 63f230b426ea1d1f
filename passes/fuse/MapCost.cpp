#include "passes/fuse/MapCost.h"
#include "passes/fuse/Group.h"
#include "passes/support/Match.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace lathe::nn {

namespace {
/// Concatenations of whole blocks are done by writing the blocks where they belong.
bool joinsWholeBlocks(ConcatOp op) {
  DimExprs dims = dimExprs(tensorType(op));
  return llvm::all_of(ArrayRef(dims).take_front(op.getAxis()), [](AffineExpr dim) { return constantDim(dim) == 1; });
}

bool isSimpleResize(ResizeOp op) {
  return !op.getAntialias() && (op.getMode() == ResizeMode::nearest || op.getMode() == ResizeMode::linear);
}
} // namespace

bool isMapOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<UnaryOp, BinaryOp, SelectOp, CastOp, BitcastOp, TransposeOp, BroadcastOp, TileOp, SliceOp, PadOp, GatherOp,
            GatherElementsOp, IotaOp>([](auto) { return true; })
      .Case<QuantizeOp, DequantizeOp>([](auto uniform) { return isElementwise(uniform); })
      .Case([](ConcatOp concat) { return !joinsWholeBlocks(concat); })
      .Case([](ResizeOp resize) { return isSimpleResize(resize); })
      .Case([](ReshapeOp reshape) {
        return splitsOrMergesAxes(dimExprs(tensorType(reshape.getInput())), dimExprs(tensorType(reshape.getOutput())));
      })
      .Default(false);
}

double costPerElement(Operation *op) {
  if (auto unary = dyn_cast<UnaryOp>(op)) {
    switch (unary.getKind()) {
    case UnaryKind::abs:
    case UnaryKind::neg:
    case UnaryKind::ceil:
    case UnaryKind::floor:
    case UnaryKind::round:
    case UnaryKind::sign:
    case UnaryKind::relu:
    case UnaryKind::leaky_relu:
    case UnaryKind::logical_not:
    case UnaryKind::bitwise_not:
    case UnaryKind::is_nan:
    case UnaryKind::is_inf:
    case UnaryKind::hard_sigmoid:
    case UnaryKind::hard_swish:
      return 1;
    case UnaryKind::sqrt:
    case UnaryKind::reciprocal:
      return 4;
    default:
      return 20;
    }
  }
  if (auto binary = dyn_cast<BinaryOp>(op)) {
    BinaryKind kind = binary.getKind();
    bool isSlow = kind == BinaryKind::div || kind == BinaryKind::mod || kind == BinaryKind::fmod;
    return kind == BinaryKind::pow ? 40 : isSlow ? 4 : 1;
  }
  if (auto resize = dyn_cast<ResizeOp>(op))
    return resize.getMode() == ResizeMode::nearest ? 1 : 20;
  if (isa<QuantizeOp>(op))
    return 6;
  return isa<SelectOp, CastOp, DequantizeOp>(op) ? 1 : 0;
}

double readsPerElement(OpOperand &use) {
  Operation *op = use.getOwner();
  // These read each element of the operand at most once, however large the result is.
  if (isa<ConcatOp>(op) || (isa<PadOp>(op) && cast<PadOp>(op).getMode() == PadMode::constant))
    return estimatedSize(use.get()) / std::max(1.0, estimatedSize(op->getResult(0)));
  auto resize = dyn_cast<ResizeOp>(op);
  return resize && resize.getMode() == ResizeMode::linear ? 4 : 1;
}

double estimatedSize(Value value) {
  constexpr int64_t kGuess = 64; // for every symbol
  double size = 1;
  for (AffineExpr dim : dimExprs(tensorType(value))) {
    SmallVector<int64_t> guesses(symbolMap({dim}, value.getContext()).getNumSymbols(), kGuess);
    size *= double(std::max<int64_t>(1, evaluateDim(dim, guesses).value_or(kGuess)));
  }
  return size;
}

namespace {
/// Finds the run parts[next..] whose product is `whole`, and sets `next` behind it.
bool takeRun(AffineExpr whole, ArrayRef<AffineExpr> parts, size_t &next) {
  AffineExpr product = dimConstant(whole.getContext(), 1);
  for (size_t i = next; i < parts.size(); ++i) {
    product = simplifyDim(product * parts[i]);
    if (product == whole) {
      next = i + 1;
      return true;
    }
  }
  return false;
}
} // namespace

bool splitsOrMergesAxes(ArrayRef<AffineExpr> from, ArrayRef<AffineExpr> to) {
  auto isOne = [](AffineExpr dim) { return constantDim(dim) == 1; };
  size_t i = 0, j = 0;
  for (;;) {
    while (i < from.size() && isOne(from[i]))
      ++i;
    while (j < to.size() && isOne(to[j]))
      ++j;
    if (i == from.size() || j == to.size())
      return i == from.size() && j == to.size();
    if (takeRun(from[i], to, j))
      ++i;
    else if (takeRun(to[j], from, i))
      ++j;
    else
      return false;
  }
}

} // namespace lathe::nn
