// Contractions of f16 and bf16 tensors are computed in f32, for which there are register tiles:
//
//   matmul(x, w) : f16   ->   cast(matmul(cast(x), cast(w)) : f32) : f16
//
// Sums are more precise than in halves; results are rounded once. Casts of constants are folded afterwards, casts of what was cast
// before meet in --lathe-simplify-algebra, the others are part of neighbors' kernels.
#include "passes/Passes.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_WIDENHALVES
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

bool isHalf(Value value) {
  Type element = tensorType(value).getElementType();
  return element.isF16() || element.isBF16();
}

Value castTo(OpBuilder &b, Location location, Value value, Type element) {
  return b.create<CastOp>(location, withElementType(tensorType(value), element), value);
}

void widen(Operation *op) {
  OpBuilder b(op);
  Value result = op->getResult(0);
  Type half = tensorType(result).getElementType(), wide = b.getF32Type();
  for (OpOperand &operand : op->getOpOperands())
    operand.set(castTo(b, op->getLoc(), operand.get(), wide));
  result.setType(withElementType(tensorType(result), wide));
  b.setInsertionPointAfter(op);
  Value narrow = castTo(b, op->getLoc(), result, half);
  result.replaceAllUsesExcept(narrow, narrow.getDefiningOp());
}

struct WidenHalves : impl::WidenHalvesBase<WidenHalves> {
  void runOnOperation() override {
    SmallVector<Operation *> contractions;
    getOperation().walk([&](Operation *op) {
      if (isa<MatmulOp, ConvOp, ConvTransposeOp, AttentionOp>(op) && isHalf(op->getResult(0)))
        contractions.push_back(op);
    });
    llvm::for_each(contractions, widen);
  }
};

} // namespace
} // namespace lathe
