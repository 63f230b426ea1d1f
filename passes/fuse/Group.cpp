#include "passes/fuse/Group.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "passes/support/Match.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lathe::nn {

//===- questions -===//

bool isFree(Value value) {
  Operation *op = value.getDefiningOp();
  return isa_and_nonnull<IotaOp>(op) || scalarConstant(value).has_value();
}

bool isUsedOutside(Value value, const Group &group) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) { return !group.contains(user); });
}

std::string describe(Operation *op) {
  if (auto unary = dyn_cast<UnaryOp>(op))
    return stringifyUnaryKind(unary.getKind()).str();
  if (auto binary = dyn_cast<BinaryOp>(op))
    return stringifyBinaryKind(binary.getKind()).str();
  if (auto fused = dyn_cast<FusedOp>(op))
    return ("fused " + fused.getKind()).str();
  return op->getName().stripDialect().str();
}

std::string describe(ArrayRef<Operation *> ops) {
  return llvm::join(llvm::map_range(ops, [](Operation *op) { return describe(op); }), ", ");
}

void FusionLog::taken(Operation *op, const Twine &reason) {
  decisions.push_back({nodeName(op->getLoc()), "fuse", true, reason.str()});
}

void FusionLog::refused(Operation *op, const Twine &reason) {
  decisions.push_back({nodeName(op->getLoc()), "fuse", false, reason.str()});
}

//===- Group -===//

SmallVector<Operation *> Group::inBlockOrder() const {
  SmallVector<Operation *> ops(members.begin(), members.end());
  llvm::sort(ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return ops;
}

bool Group::staysConvexWith(ArrayRef<Operation *> ops) const {
  SmallPtrSet<Operation *, 16> all(members.begin(), members.end());
  all.insert(ops.begin(), ops.end());
  Operation *last =
      *std::max_element(all.begin(), all.end(), [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  // Walk forward from the outside users; whatever comes back ends at or before the last operation.
  SmallVector<Operation *> work;
  SmallPtrSet<Operation *, 32> seen;
  auto follow = [&](Operation *op, bool fromInside) {
    for (Operation *user : op->getUsers()) {
      if (all.contains(user)) {
        if (!fromInside)
          return false;
      } else if (user->isBeforeInBlock(last) && seen.insert(user).second) {
        work.push_back(user);
      }
    }
    return true;
  };
  for (Operation *op : all)
    follow(op, true);
  while (!work.empty())
    if (!follow(work.pop_back_val(), false))
      return false;
  return true;
}

SmallVector<Value> Group::inputs() const {
  SetVector<Value> values;
  for (Operation *op : inBlockOrder())
    for (Value operand : op->getOperands())
      // Kernels of contractions read their operands from memory, packed: a bias of zeros, a filter that averages.
      if ((!isFree(operand) || isa<ConvOp, ConvTransposeOp, MatmulOp>(op)) &&
          !(operand.getDefiningOp() && contains(operand.getDefiningOp())))
        values.insert(operand);
  return values.takeVector();
}

SmallVector<Value> Group::outputs() const {
  SmallVector<Value> values;
  for (Operation *op : inBlockOrder())
    for (Value result : op->getResults())
      if (isUsedOutside(result, *this))
        values.push_back(result);
  return values;
}

namespace {
/// Puts outside users that stand between operations of the group behind `after`, where their operands will be.
void moveUsersBehind(Operation *after, Operation *first, const Group &group) {
  SmallPtrSet<Operation *, 16> dependent;
  SmallVector<Operation *> moved;
  for (Operation *op = first; op != after; op = op->getNextNode()) {
    bool depends = llvm::any_of(op->getOperands(), [&](Value operand) {
      Operation *def = operand.getDefiningOp();
      return def && (group.contains(def) || dependent.contains(def));
    });
    if (depends && !group.contains(op)) {
      dependent.insert(op);
      moved.push_back(op);
    }
  }
  for (Operation *op : llvm::reverse(moved))
    op->moveAfter(after);
}

/// A copy of a free value for the inside of a group; one-element resources become plain constants.
Value cloneFree(Value value, OpBuilder &b) {
  if (auto scalar = scalarConstant(value); scalar && tensorType(value).getRank() == 0)
    return createScalar(b, value.getLoc(), tensorType(value).getElementType(), *scalar);
  return b.clone(*value.getDefiningOp())->getResult(0);
}

/// Who reads `value` outside the group can make numbers of integers by itself.
bool isReadAsIntegers(Value value, const Group &group) {
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    return group.contains(user) || isElementwise(user) || isa<SoftmaxOp, LayerNormOp, ReduceOp>(user);
  });
}

/// Results that are integers made numbers leave the group as integers: a quarter of the bytes.
void leaveAsIntegers(const Group &group) {
  for (Value out : group.outputs()) {
    auto dequantize = out.getDefiningOp<DequantizeOp>();
    if (!dequantize || !isElementwise(dequantize) || !isReadAsIntegers(out, group))
      continue;
    OpBuilder b(dequantize);
    b.setInsertionPointAfter(dequantize);
    auto copy = cast<DequantizeOp>(b.clone(*dequantize));
    out.replaceUsesWithIf(copy, [&](OpOperand &use) { return !group.contains(use.getOwner()); });
  }
}

} // namespace

FusedOp Group::outline(StringRef kind) const {
  leaveAsIntegers(*this);
  SmallVector<Operation *> ops = inBlockOrder();
  SmallVector<Value> ins = inputs(), outs = outputs();
  moveUsersBehind(ops.back(), ops.front(), *this);
  OpBuilder b(ops.back());
  b.setInsertionPointAfter(ops.back());
  Location location = fusedLocation(ops);
  auto fused = b.create<FusedOp>(location, TypeRange(ValueRange(outs)), ins, kind);
  Block *body = b.createBlock(&fused.getBody());
  IRMapping map;
  for (Value input : ins)
    map.map(input, body->addArgument(input.getType(), input.getLoc()));
  for (Operation *op : ops) {
    for (Value operand : op->getOperands())
      if (!map.contains(operand))
        map.map(operand, cloneFree(operand, b));
    b.clone(*op, map);
  }
  SmallVector<Value> yielded;
  for (Value out : outs)
    yielded.push_back(map.lookup(out));
  b.create<YieldOp>(location, yielded);
  for (auto [out, result] : llvm::zip_equal(outs, fused.getOutputs()))
    out.replaceAllUsesWith(result);
  for (Operation *op : llvm::reverse(ops))
    op->erase();
  return fused;
}

} // namespace lathe::nn
