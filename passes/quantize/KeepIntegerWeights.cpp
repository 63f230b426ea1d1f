// Weights that are dequantized for a product of f32 stay integers:
//
//   matmul(x, dequantize(constant, scale, zero))  ->  matmul(x, dequantize(constant, scale, zero) {bits = 4})
//   recurrent(x, dequantize(constant, scale))     ->  recurrent(x, constant, scale)
//
// Runs behind what forms products in integers; without it the weights would be folded to f32. The kernel reads an eighth to a quarter of
// the bytes, which is what a product of one row takes its time for. Integers of 4 bits arrive as bytes, so their values decide.
// Wrong only for cost: 8-bit weights of many rows take as long as f32.
#include "dialects/reference/Evaluate.h"
#include "dialects/reference/Tensor.h"
#include "dialects/support/Decisions.h"
#include "passes/Passes.h"
#include "passes/quantize/Precision.h"
#include "passes/quantize/Uniform.h"
#include "passes/quantize/WeightedOperation.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_KEEPINTEGERWEIGHTS
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

bool isConstant(Value value) { return value.getDefiningOp<ConstantOp>() != nullptr; }

/// Are there entries for the columns only, if at all? `depthAxis` of the two axes is the one that is summed over.
bool liesAlongColumns(Value entries, unsigned depthAxis) {
  ArrayRef<int64_t> shape = tensorType(entries).getShape();
  if (shape.size() == 1)
    return shape[0] == 1 || depthAxis == 0;
  return shape.empty() || (shape.size() == 2 && shape[depthAxis] == 1);
}

/// Why the weights can't stay integers; empty if they can.
std::string reasonAgainst(MatmulOp matmul, DequantizeOp op) {
  unsigned depthAxis = matmul.getTransRhs() ? 1 : 0;
  if (std::string reason = reasonAgainstIntegerWeights(matmul); !reason.empty())
    return reason;
  if (op.getBlock() == 0) {
    bool isPerColumn =
        liesAlongColumns(op.getScale(), depthAxis) && (!op.getZero() || liesAlongColumns(op.getZero(), depthAxis));
    return isPerColumn ? "" : "scales differ along what is summed over";
  }
  if (op.getAxis() != int64_t(depthAxis))
    return "groups lie along the columns";
  return op.getBlock() < kLeastGroupSize || op.getBlock() > kMostGroupSize ? "groups are too short or too long" : "";
}

/// Do all values lie in [-8, 7] or, unsigned, [0, 15]?
bool fitsFourBits(Value value) {
  if (!value)
    return true;
  auto tensor = reference::constantTensor(value);
  if (!tensor)
    return false;
  const uint8_t shift = tensor->elementType().isUnsignedInteger() ? 0 : 8;
  ArrayRef<uint8_t> bytes(tensor->data<uint8_t>(), tensor->size());
  return llvm::all_of(bytes, [&](uint8_t byte) { return uint8_t(byte + shift) < 16; });
}

struct KeepIntegerWeights : impl::KeepIntegerWeightsBase<KeepIntegerWeights> {
  void visit(MatmulOp matmul) {
    auto op = matmul.getRhs().getDefiningOp<DequantizeOp>();
    if (!op || op.getBits() != 0 || !llvm::all_of(op->getOperands(), isConstant) || scalarConstant(op.getInput()) ||
        !tensorType(op.getInput()).getElementType().isInteger(8))
      return;
    std::string reason = reasonAgainst(matmul, op);
    if (!reason.empty()) {
      decisions.push_back({nodeName(matmul.getLoc()), "quantize", false, "weights become f32: " + reason});
      return;
    }
    OpBuilder b(matmul);
    auto own = cast<DequantizeOp>(b.clone(*op));
    own.setBits(fitsFourBits(op.getInput()) && fitsFourBits(op.getZero()) ? 4 : 8);
    matmul.getRhsMutable().assign(own);
    decisions.push_back({nodeName(matmul.getLoc()), "quantize", true,
                         "weights stay integers of " + std::to_string(own.getBits()) + " bits"});
  }

  /// Scales [1 or dirs, 1 or rows, 1] or a single one become [dirs, rows].
  static Value scalePerRow(Value scale, RankedTensorType matrices, OpBuilder &b) {
    DimExprs rows = dimExprs(matrices), sizes = dimExprs(tensorType(scale));
    sizes.insert(sizes.begin(), 3 - sizes.size(), dimConstant(b.getContext(), 1));
    sizes.pop_back(), rows.pop_back();
    Value column = createReshape(b, scale.getLoc(), scale, sizes);
    return b.create<BroadcastOp>(scale.getLoc(), makeTensorType(rows, b.getF32Type()), column);
  }

  void visit(RecurrentOp cell) {
    auto op = cell.getRecurrence().getDefiningOp<DequantizeOp>();
    if (!op || !llvm::all_of(op->getOperands(), isConstant) ||
        !tensorType(op.getInput()).getElementType().isSignlessInteger(8))
      return;
    RankedTensorType scale = tensorType(op.getScale());
    bool isPerRow = op.getBlock() == 0 && (scale.getRank() == 0 || scale.getShape().back() == 1);
    bool isSymmetric = !op.getZero() || scalarConstant(op.getZero()) == 0.0;
    if (!isPerRow || !isSymmetric) {
      decisions.push_back({nodeName(cell.getLoc()), "quantize", false,
                           isPerRow ? "weights become f32: they have zero points"
                                    : "weights become f32: scales differ along what is summed over"});
      return;
    }
    OpBuilder b(cell);
    cell.getRecurrenceScaleMutable().assign(scalePerRow(op.getScale(), tensorType(op.getInput()), b));
    cell.getRecurrenceMutable().assign(op.getInput());
    decisions.push_back(
        {nodeName(cell.getLoc()), "quantize", true, "the recurrence's weights stay integers of 8 bits"});
  }

  void runOnOperation() override {
    getOperation().walk([&](MatmulOp matmul) { visit(matmul); });
    getOperation().walk([&](RecurrentOp cell) { visit(cell); });
    addDecisions(getOperation(), decisions);
    decisions.clear();
  }

  std::vector<Decision> decisions;
};

} // namespace
} // namespace lathe
