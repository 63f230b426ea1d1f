// Convolutions and pools are computed with the channels as the last axis: [N, H, W, C] instead of ONNX's [N, C, H, W].
//
//   %1 = nn.conv %x, %w        %t = nn.transpose %x {0, 2, 3, 1}
//                        ->    %1 = nn.conv %t, %w {channels_last}
//                              %2 = nn.transpose %1 {0, 3, 1, 2}
//
// Then a convolution is a matrix product whose rows lie together in memory, and vectors run along the channels everywhere.
// Assumes that --lathe-sink-transposes follows, which cancels the transposes between neighbors. Done for one and two spatial
// axes and floating element types; pools only beside convolutions, because alone they gain nothing. Interpolation along the
// last axis would gather its neighbors one by one, which costs more than two transposes; in channels-last they are vectors.
#include "dialects/support/Decisions.h"
#include "dialects/support/Origin.h"
#include "mlir/IR/Builders.h"
#include "passes/Passes.h"
#include "passes/layout/Permute.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_CONVERTTOCHANNELSLAST
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

/// [0, 2.., 1] and its inverse.
SmallVector<int64_t> toChannelsLast(int64_t rank) {
  SmallVector<int64_t> permutation = {0};
  for (int64_t axis = 2; axis < rank; ++axis)
    permutation.push_back(axis);
  permutation.push_back(1);
  return permutation;
}

SmallVector<int64_t> toChannelsFirst(int64_t rank) {
  SmallVector<int64_t> permutation = {0, rank - 1};
  for (int64_t axis = 1; axis < rank - 1; ++axis)
    permutation.push_back(axis);
  return permutation;
}

/// Why an interpolation keeps its layout; empty if it changes.
StringRef reasonAgainst(ResizeOp op) {
  constexpr int64_t kFewChannels = 8; // less than a vector
  DimExprs in = dimExprs(tensorType(op.getInput())), out = dimExprs(tensorType(op.getOutput()));
  if (op.getCoordinates() == CoordinateMode::tf_crop_and_resize)
    return "all axes are resized";
  for (unsigned axis : {0, 1})
    if (double scale = op.getScales()[axis]; in[axis] != out[axis] || (scale != 0 && scale != 1))
      return "batch or channels are resized";
  return constantDim(in[1]).value_or(0) < kFewChannels ? "there are few channels" : "";
}

/// The same for any operation.
StringRef reasonAgainst(Operation *op, bool besideConvolutions) {
  auto type = tensorType(op->getResult(0));
  Type element = tensorType(op->getOperand(0)).getElementType();
  if (!isa<FloatType>(element) && !element.isInteger(8))
    return "the element type is neither floating nor of 8 bits";
  if (type.getRank() != 3 && type.getRank() != 4)
    return "there are not one or two spatial axes";
  if (isa<PoolOp>(op) && !besideConvolutions)
    return "there is no convolution beside it";
  auto resize = dyn_cast<ResizeOp>(op);
  return resize ? reasonAgainst(resize) : "";
}

void convert(Operation *op) {
  Value result = op->getResult(0);
  int64_t rank = tensorType(result).getRank();
  if (isa<ResizeOp>(op)) {
    PatternRewriter rewriter(op->getContext());
    return permuteThrough(op, toChannelsFirst(rank), rewriter);
  }
  OpBuilder b(op);
  SmallVector<int64_t> last = toChannelsLast(rank), first = toChannelsFirst(rank);
  Value input = createTranspose(b, op->getLoc(), op->getOperand(0), last);
  Operation *converted = b.clone(*op);
  converted->setOperand(0, input);
  converted->setAttr("channels_last", b.getUnitAttr());
  DimExprs dims = dimExprs(tensorType(result)), permuted;
  for (int64_t axis : last)
    permuted.push_back(dims[axis]);
  converted->getResult(0).setType(makeTensorType(permuted, tensorType(result).getElementType()));
  permuteOrigin(converted, last);
  auto back = b.create<TransposeOp>(op->getLoc(), result.getType(), converted->getResult(0), first);
  op->replaceAllUsesWith(back);
  op->erase();
}

struct ConvertToChannelsLast : impl::ConvertToChannelsLastBase<ConvertToChannelsLast> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    bool besideConvolutions = false;
    // Nearest neighbors are copied in either layout, and follow the transposes around them.
    getOperation().walk([&](Operation *op) {
      if ((!isa<ConvOp, ConvTransposeOp, PoolOp>(op) && !isInterpolation(op)) || op->hasAttr("channels_last"))
        return;
      ops.push_back(op);
      besideConvolutions |= isa<ConvOp, ConvTransposeOp>(op) && reasonAgainst(op, true).empty();
    });
    std::vector<Decision> decisions;
    for (Operation *op : ops) {
      StringRef reason = reasonAgainst(op, besideConvolutions);
      bool taken = reason.empty();
      decisions.push_back(
          {nodeName(op->getLoc()), "layout", taken, taken ? "channels last" : "channels first: " + reason.str()});
      if (taken)
        convert(op);
    }
    addDecisions(getOperation(), decisions);
  }
};

} // namespace
} // namespace lathe
