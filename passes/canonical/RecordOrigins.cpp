// Notes at each operation whose value it computes, for `lathe diff` (dialects/support/Origin.h).
//
// An ONNX node has become several operations, or one operation computes several nodes: the value of a node is the result of the last
// operation that carries its name, and an operation has the value of the last node in its location. Where several results of a node are
// left (Split), none is noted. Run at the end of the canonical phase: the same model gives the same function then, so that names
// mean the same in what was compiled and in the reference. What a model has quantized itself is noted as the value before, with its
// scale. Only f32 and 8-bit integers of one known scale.
#include "dialects/support/Decisions.h"
#include "passes/Passes.h"
#include "passes/support/QuantizedOrigin.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_RECORDORIGINS
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

/// "?" where there is none.
std::string lastName(Operation *op) {
  std::vector<std::string> names = nodeNames(op->getLoc());
  return names.empty() ? "?" : names.back();
}

bool isF32(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32();
}

struct RecordOrigins : impl::RecordOriginsBase<RecordOrigins> {
  /// The last operation of each node, null where there are several.
  llvm::MapVector<StringAttr, Operation *> lastOperations() {
    llvm::MapVector<StringAttr, Operation *> last;
    for (Operation &op : getOperation().front().without_terminator()) {
      if (isa<ConstantOp, QuantizeOp, DequantizeOp>(op) || op.getNumResults() != 1 || !isF32(op.getResult(0)))
        continue;
      std::string name = lastName(&op);
      bool goesOn = llvm::any_of(op.getUsers(), [&](Operation *user) {
        return !isa<QuantizeOp, DequantizeOp>(user) && lastName(user) == name;
      });
      if (goesOn || name == "?")
        continue;
      auto [it, isNew] = last.try_emplace(StringAttr::get(&getContext(), name), &op);
      if (!isNew)
        it->second = nullptr;
    }
    return last;
  }

  void runOnOperation() override {
    for (auto &[name, op] : lastOperations())
      if (op)
        setOrigin(op, {name.str(), 0, 0, {}});
    getOperation().walk([](QuantizeOp op) {
      if (op.getBlock() == 0)
        setQuantizedOrigin(op, originOf(op.getInput()), op.getScale(), op.getZero());
    });
  }
};

} // namespace
} // namespace lathe
