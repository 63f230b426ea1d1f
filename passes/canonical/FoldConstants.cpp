// Computes at compile time what depends on constants only, in one walk: an operation is folded before its
// users are reached. Memory of folded operands that nothing uses any more is given back at once, so that a
// chain over large weights needs two of them at a time.
#include "dialects/reference/Evaluate.h"
#include "dialects/support/MappedMemory.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "passes/Passes.h"
#include "passes/support/Match.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace lathe {

#define GEN_PASS_DEF_FOLDCONSTANTS
#include "passes/Passes.h.inc"

namespace {

int64_t bytesOf(TypeRange types) {
  int64_t bytes = 0;
  for (Type type : types) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !tensor.hasStaticShape())
      return INT64_MAX;
    bytes += tensor.getNumElements() * elementSizeBytes(tensor.getElementType());
  }
  return bytes;
}

bool hasConstantOperands(Operation *op) {
  return llvm::all_of(op->getOperands(), [](Value value) { return value.getDefiningOp<nn::ConstantOp>() != nullptr; });
}

struct FoldConstantsPass : impl::FoldConstantsBase<FoldConstantsPass> {
  using FoldConstantsBase::FoldConstantsBase;

  /// Weights in halves are stored as f32, whatever their size: kernels read no others.
  static bool widensHalves(Operation *op) {
    auto cast = dyn_cast<nn::CastOp>(op);
    Type from = cast ? nn::tensorType(cast.getInput()).getElementType() : Type();
    return cast && nn::tensorType(cast).getElementType().isF32() && (from.isF16() || from.isBF16());
  }

  /// Weights that products read as integers.
  static bool isKept(Operation *op) {
    auto dequantize = dyn_cast<nn::DequantizeOp>(op);
    return dequantize && dequantize.getBits() != 0;
  }

  /// Weights that are integers still.
  static bool isDequantizedWeight(Operation *op) {
    return isa<nn::DequantizeOp>(op) && nn::tensorType(op->getResult(0)).getRank() >= 2;
  }

  /// Result sizes may exceed operand sizes by maxGrowthBytes; sizes of results are known.
  bool isWorthFolding(Operation *op) {
    if (!isa<nn::NNDialect>(op->getDialect()) || !isPure(op) || op->getNumResults() == 0 || op->use_empty() ||
        isa<nn::ConstantOp>(op) || !hasConstantOperands(op))
      return false;
    if (isKept(op) || (isDequantizedWeight(op) && !foldDequantized))
      return false;
    int64_t results = bytesOf(op->getResultTypes());
    return results != INT64_MAX &&
           (widensHalves(op) || isDequantizedWeight(op) || results - bytesOf(op->getOperandTypes()) <= maxGrowthBytes);
  }

  static StringRef keyOf(nn::ConstantOp constant) {
    auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue());
    return resource ? resource.getRawHandle().getKey() : StringRef();
  }

  void countConstant(nn::ConstantOp constant, bool isNew) {
    StringRef key = keyOf(constant);
    if (!key.empty() && (isNew || usesOfOwn.contains(key)))
      ++usesOfOwn[key];
  }

  /// Weights in the model's file were read for the last time, most likely.
  static void forgetPagesOf(nn::ConstantOp constant) {
    auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue());
    if (AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr)
      forgetPages(constant.getContext(), blob->getData());
  }

  void eraseConstant(nn::ConstantOp constant) {
    StringRef key = keyOf(constant);
    auto found = usesOfOwn.find(key);
    if (found != usesOfOwn.end() && --found->second == 0) {
      usesOfOwn.erase(found);
      reference::releaseResource(cast<DenseResourceElementsAttr>(constant.getValue()));
    }
    constant.erase();
  }

  void fold(Operation *op) {
    auto values = reference::foldConstants(op);
    if (!values) { // an index out of range, for example, is an error only if the operation is run
      llvm::consumeError(values.takeError());
      return;
    }
    OpBuilder builder(op);
    for (auto [result, value] : llvm::zip(op->getResults(), *values)) {
      auto constant = builder.create<nn::ConstantOp>(op->getLoc(), value.getShapedType(), value);
      countConstant(constant, !isa<nn::ReshapeOp>(op));
      result.replaceAllUsesWith(constant.getOutput());
    }
    SmallVector<Value> operands(op->getOperands());
    for (Value operand : operands)
      forgetPagesOf(operand.getDefiningOp<nn::ConstantOp>());
    op->erase();
    for (Value operand : llvm::SmallSetVector<Value, 4>(operands.begin(), operands.end()))
      if (operand.use_empty())
        eraseConstant(operand.getDefiningOp<nn::ConstantOp>());
  }

  void runOnOperation() override {
    usesOfOwn.clear();
    SmallVector<Operation *> operations;
    getOperation().walk([&](Operation *op) { operations.push_back(op); });
    // Constants are erased on the way only after their last user was folded, so no later pointer is stale.
    for (Operation *op : operations)
      if (op != getOperation() && isWorthFolding(op))
        fold(op);
  }

  llvm::StringMap<int64_t> usesOfOwn; // constants that hold a resource made by this run, by its key
};

} // namespace
} // namespace lathe
