#include "backends/x86/Contraction.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
/// Right-aligned, every axis of `type` is 1 or the same as `whole`'s.
bool broadcastsTo(RankedTensorType type, RankedTensorType whole) {
  if (type.getRank() > whole.getRank())
    return false;
  DimExprs dims = dimExprs(type), wholeDims = dimExprs(whole);
  for (auto [dim, wholeDim] : llvm::zip(llvm::reverse(dims), llvm::reverse(wholeDims)))
    if (dim != wholeDim && constantDim(dim) != 1)
      return false;
  return true;
}

std::string operationName(Operation *op) {
  if (auto unary = dyn_cast<nn::UnaryOp>(op))
    return nn::stringifyUnaryKind(unary.getKind()).str();
  if (auto binary = dyn_cast<nn::BinaryOp>(op))
    return nn::stringifyBinaryKind(binary.getKind()).str();
  return op->getName().stripDialect().str();
}
} // namespace

bool isEpilogue(ArrayRef<Operation *> operations, Operation *root) {
  auto whole = tensorType(root->getResult(0));
  for (Operation *op : operations) {
    if (op == root || isa<nn::ConstantOp>(op))
      continue;
    if (!nn::isElementwise(op))
      return false;
    for (Value operand : op->getOperands())
      if (!broadcastsTo(tensorType(operand), whole))
        return false;
    if (!broadcastsTo(tensorType(op->getResult(0)), whole))
      return false;
  }
  return true;
}

SmallVector<Operation *> regionOperations(EmitContext &context) {
  SmallVector<Operation *> operations;
  for (Operation &op : context.region().without_terminator())
    operations.push_back(&op);
  return operations;
}

bool isFloat32(Operation *op) {
  auto isF32 = [](Value value) { return elementType(value).isF32(); };
  return llvm::all_of(op->getOperands(), isF32) && llvm::all_of(op->getResults(), isF32);
}

std::optional<unsigned> inputIndex(Operation *kernelOp, Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value); argument && isa<nn::FusedOp>(kernelOp))
    return argument.getArgNumber();
  for (auto [index, operand] : llvm::enumerate(kernelOp->getOperands()))
    if (operand == value && !isa<nn::FusedOp>(kernelOp))
      return index;
  return std::nullopt;
}

bool isConstantInput(Operation *kernelOp, Value value, ArrayRef<bool> isConstant) {
  auto index = inputIndex(kernelOp, value);
  return index && *index < isConstant.size() && isConstant[*index];
}

std::string contractionName(StringRef kind, ArrayRef<Operation *> operations, Operation *root, TileShape tile) {
  auto letters = [](Value bytes) { return isUnsigned(elementType(bytes)) ? "u8" : "s8"; };
  bool isOfBytes = isa<nn::MatmulOp, nn::ConvOp>(root) && elementType(root->getOperand(0)).isInteger(8);
  std::string name = isOfBytes ? (Twine(letters(root->getOperand(0))) + letters(root->getOperand(1))).str() : "f32";
  name += ("_" + kind).str();
  for (Operation *op : operations)
    if (op != root && !isa<nn::ConstantOp>(op))
      name += "_" + operationName(op);
  return name + "_" + std::to_string(tile.rows) + "x" + std::to_string(tile.columns());
}

} // namespace lathe::x86
