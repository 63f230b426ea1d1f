// Functions of one 8-bit integer as tables.
//
//   quantize(x * dequantize(quantize(sigmoid(x)))), x = dequantize(q)  ->  gather(table, q)
//
// The table is the same function of all 256 integers, which constant folding computes. It is as exact as the interpreter is.
#include "mlir/IR/IRMapping.h"
#include "passes/Passes.h"
#include "passes/fuse/Group.h"
#include "passes/fuse/MapCost.h"
#include "passes/support/Match.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_FORMLOOKUPTABLES
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

/// What a look-up costs, in the units of costPerElement, of integers that movement gives.
constexpr double kLookupCost = 6;
/// The same of integers that arithmetic gives, which the function would be a part of: they are stored and read once more.
constexpr double kStoredCost = 12;
/// The same with what a kernel of its own costs, where the function would be part of a row's kernel.
constexpr double kKernelCost = 20;
/// A table isn't worth its kernel for fewer elements.
constexpr double kLeastElements = 4096;

bool isByte(Value value) {
  Type type = tensorType(value).getElementType();
  return type.isSignlessInteger(8) || type.isUnsignedInteger(8);
}

bool isSingleNumber(Value value) {
  auto type = tensorType(value);
  return type.hasStaticShape() && type.getNumElements() == 1 && isConstantExpression(value);
}

/// Does a norm, a softmax or a sum along rows read what element-wise operations make of `value`?
bool isReadByRows(Value value, unsigned levels = 6) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    return isa<SoftmaxOp, LayerNormOp, ReduceOp>(user) ||
           (isElementwise(user) && levels > 0 && isReadByRows(user->getResult(0), levels - 1));
  });
}

/// What a function must cost to be worth a table.
double costOfTable(QuantizeOp op, Value source) {
  if (isReadByRows(op))
    return kKernelCost;
  return isElementwise(source.getDefiningOp()) ? kStoredCost : kLookupCost;
}

/// Finds what values are functions of.
class Functions {
public:
  /// The one 8-bit tensor that `value` is an element-wise function of, as far up as there is one; a byte is a function of itself.
  Value sourceOf(Value value) {
    auto known = sources.find(value);
    if (known != sources.end())
      return known->second;
    Value source = operandSource(value);
    if (!source && isByte(value))
      source = value;
    return sources[value] = source;
  }

private:
  /// The source that all operands of the value's operation share; null if there is none.
  Value operandSource(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || !isElementwise(op))
      return {};
    Value source;
    for (Value operand : op->getOperands()) {
      if (isSingleNumber(operand))
        continue;
      Value found = haveEqualDims(operand, value) ? sourceOf(operand) : Value();
      if (!found || (source && found != source))
        return {};
      source = found;
    }
    return source;
  }

  DenseMap<Value, Value> sources;
};

/// The operations between `source` and `result`, each behind what it reads.
void collect(Value result, Value source, SetVector<Operation *> &ops) {
  if (result == source || isSingleNumber(result))
    return;
  Operation *op = result.getDefiningOp();
  if (ops.contains(op))
    return;
  for (Value operand : op->getOperands())
    collect(operand, source, ops);
  ops.insert(op);
}

/// 0..255 as integers of the source's type.
Value allBytes(Value source, OpBuilder &b) {
  SmallVector<char> bytes(256);
  for (int i = 0; i < 256; ++i)
    bytes[i] = char(i);
  auto type = RankedTensorType::get({256}, tensorType(source).getElementType());
  return b.create<ConstantOp>(source.getLoc(), type, DenseElementsAttr::getFromRawBuffer(type, bytes));
}

/// The function's results for all integers.
Value tableOf(const SetVector<Operation *> &ops, Value source, OpBuilder &b) {
  IRMapping mapping;
  mapping.map(source, allBytes(source, b));
  for (Operation *op : ops) {
    for (Value operand : op->getOperands())
      if (isSingleNumber(operand) && !mapping.contains(operand)) {
        auto scalar = RankedTensorType::get({}, tensorType(operand).getElementType());
        mapping.map(operand, b.create<ReshapeOp>(op->getLoc(), scalar, operand));
      }
    Operation *copy = b.clone(*op, mapping);
    copy->setDiscardableAttrs(ArrayRef<NamedAttribute>());
    copy->getResult(0).setType(RankedTensorType::get({256}, tensorType(op->getResult(0)).getElementType()));
  }
  return mapping.lookup(ops.back()->getResult(0));
}

void lookUp(QuantizeOp op, Value source, const SetVector<Operation *> &ops) {
  OpBuilder b(op);
  Value table = tableOf(ops, source, b), indices = source;
  SmallVector<Location> locations;
  for (Operation *each : ops)
    locations.push_back(each->getLoc());
  Location location = FusedLoc::get(op.getContext(), locations);
  auto bytes = IntegerType::get(op.getContext(), 8, IntegerType::Unsigned);
  if (!tensorType(source).getElementType().isUnsignedInteger(8))
    indices = b.create<BitcastOp>(location, withElementType(tensorType(source), bytes), source);
  op.replaceAllUsesWith(b.create<GatherOp>(location, tensorType(op), table, indices, 0).getResult());
}

struct FormLookupTables : impl::FormLookupTablesBase<FormLookupTables> {
  void runOnOperation() override {
    Functions functions;
    SmallVector<std::pair<QuantizeOp, Value>> found;
    getOperation().walk([&](QuantizeOp op) {
      if (!isByte(op) || isConstantExpression(op) || !(estimatedSize(op) >= kLeastElements))
        return;
      if (Value source = functions.sourceOf(op); source && source != op.getResult())
        found.emplace_back(op, source);
    });
    // From the last: what was a step of a longer function may have no reader then.
    DenseSet<Operation *> erased;
    for (auto [op, source] : llvm::reverse(found)) {
      if (erased.contains(op))
        continue;
      SetVector<Operation *> ops;
      collect(op, source, ops);
      double cost = 0;
      for (Operation *each : ops)
        cost += costPerElement(each);
      if (cost <= costOfTable(op, source))
        continue;
      lookUp(op, source, ops);
      for (Operation *each : llvm::reverse(ops))
        if (each->use_empty()) {
          erased.insert(each);
          each->erase();
        }
    }
  }
};

} // namespace
} // namespace lathe
