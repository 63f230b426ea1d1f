// lookup: bytes from a table of 256 bytes, 32 at once.
//
//   row k of the table (16 entries) minus row k - 1, as exclusive or, k = 0..15
//   for 32 bytes x:   low = x,  high = x ^ 0x80
//     for k = 0..7:   result ^= shuffle(row[k], low) ^ shuffle(row[8 + k], high);  low, high -= 16, saturated
//
// vpshufb gives 0 where the index is negative, so x takes part in as many rows as its upper half says, and their differences add up
// to the row that is meant. Signed subtraction that saturates keeps negative indices negative. 48 instructions for 32 bytes, where a
// loop over bytes takes three each.
#include "backends/x86/LookupKernel.h"
#include "backends/x86/Body.h"
#include "backends/x86/Collapse.h"
#include "backends/x86/Tasks.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr int64_t kLanes = 32, kRow = 16, kRows = 16, kBlock = 4096;

/// The parts of a kernel that looks up each byte of an input; null if it is none.
struct Lookup {
  BlockArgument table, source;

  static std::optional<Lookup> of(Block &block) {
    auto gather = block.getTerminator()->getOperand(0).getDefiningOp<nn::GatherOp>();
    if (block.getTerminator()->getNumOperands() != 1 || !nn::isByteLookup(gather))
      return std::nullopt;
    Value indices = gather.getIndices();
    if (auto bitcast = indices.getDefiningOp<nn::BitcastOp>())
      indices = bitcast.getInput();
    Lookup lookup{dyn_cast<BlockArgument>(gather.getInput()), dyn_cast<BlockArgument>(indices)};
    return lookup.table && lookup.source ? std::optional(lookup) : std::nullopt;
  }

  TaskSpace space() const {
    MLIRContext *context = source.getContext();
    return cutTasks({simplifyDim(elementCount(source).ceilDiv(kBlock))}, kBlock, context);
  }
};

class LookupEmitter {
public:
  LookupEmitter(EmitContext &c, const Lookup &lookup)
      : c(c), lookup(lookup), table(c.inputs[lookup.table.getArgNumber()]),
        source(c.inputs[lookup.source.getArgNumber()]), vector(VectorType::get({kLanes}, c.i8())) {}

  void run() {
    loadRows();
    Value count = c.dim(elementCount(lookup.source));
    loopRows(c, lookup.space(), c.taskBegin, c.taskEnd, [&](ArrayRef<Value> index) {
      Value begin = c.mul(index[0], c.index(kBlock)), end = c.minS(c.add(begin, c.index(kBlock)), count);
      Value whole = c.sub(end, c.remU(c.sub(end, begin), c.index(kLanes)));
      c.loop(begin, whole, c.index(kLanes), [&](Value i) {
        Value x = c.loadRaw(c.address(source, c.i8(), i), vector, c.index(0), 1);
        c.storeRaw(lookedUp(x), c.address(c.outputs[0], c.i8(), i), c.index(0), 1);
      });
      c.loop(whole, end, [&](Value i) {
        Value x = c.resizeU(c.loadRaw(source, c.i8(), i), c.i64());
        c.storeRaw(c.loadRaw(table, c.i8(), x), c.outputs[0], i);
      });
    });
  }

private:
  /// Rows in both halves of a vector, the first of each eight as it is.
  void loadRows() {
    SmallVector<int32_t> twice;
    for (int64_t lane = 0; lane < kLanes; ++lane)
      twice.push_back(int32_t(lane % kRow));
    Value previous;
    for (int64_t k = 0; k < kRows; ++k) {
      Value row =
          c.loadRaw(c.address(table, c.i8(), c.index(k * kRow)), VectorType::get({kRow}, c.i8()), c.index(0), 1);
      Value difference = k % 8 == 0 ? row : c.xorI(row, previous);
      rows.push_back(c.b.create<LLVM::ShuffleVectorOp>(c.loc, difference, difference, twice));
      previous = row;
    }
  }

  Value lookedUp(Value x) {
    Value step = c.integer(kRow, vector), low = x, high = c.xorI(x, c.integer(-128, vector)), result;
    for (int64_t k = 0; k < kRows / 2; ++k) {
      Value found = c.xorI(shuffled(rows[k], low), shuffled(rows[kRows / 2 + k], high));
      result = result ? c.xorI(result, found) : found;
      low = c.b.create<LLVM::SSubSat>(c.loc, low, step);
      high = c.b.create<LLVM::SSubSat>(c.loc, high, step);
    }
    return result;
  }

  Value shuffled(Value row, Value indices) {
    return c.b
        .create<LLVM::CallIntrinsicOp>(c.loc, vector, c.b.getStringAttr("llvm.x86.avx2.pshuf.b"),
                                       ValueRange{row, indices})
        .getResult(0);
  }

  EmitContext &c;
  const Lookup &lookup;
  Value table, source;
  VectorType vector;
  Values rows;
};
} // namespace

std::optional<KernelPlan> planLookup(Operation *op, ArrayRef<bool>, const Target &target) {
  bool isPlain = llvm::all_of(bodyOperations(op),
                              [](Operation *inner) { return isa<nn::GatherOp, nn::BitcastOp, nn::ReshapeOp>(inner); });
  if (!isPlain || op->getNumResults() != 1 || target.vectorBits() < 256)
    return std::nullopt;
  OwningOpRef<plan::KernelOp> body = makeBody(op);
  collapseAxes(*body);
  auto lookup = Lookup::of(body->getBody().front());
  if (!lookup)
    return std::nullopt;
  KernelPlan plan = makePlan(op, "lookup");
  plan.tasks = lookup->space().tasks;
  return plan;
}

LogicalResult emitLookup(EmitContext &context) {
  collapseAxes(context.kernel);
  auto lookup = Lookup::of(context.region());
  if (!lookup)
    return context.kernel.emitError("internal: kernel is not a table of bytes");
  LookupEmitter(context, *lookup).run();
  return success();
}

} // namespace lathe::x86
