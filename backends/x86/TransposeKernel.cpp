// transpose: output [batch, N, M] of input [batch, M, N] with 4-byte elements (NCHW to NHWC and back), in registers.
//
//   for (batch, strip of 16 columns of the input) in the tasks:
//     for m in steps of 8: two squares of 8 x 8: 8 loads, shuffles (SquareTranspose.h), 8 stores
//
// A strip is one cache line wide, so that each line of the input is read once. Rest: element by element.
#include "backends/x86/TransposeKernel.h"
#include "backends/x86/Body.h"
#include "backends/x86/Collapse.h"
#include "backends/x86/SquareTranspose.h"
#include "backends/x86/Tasks.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr int64_t kTile = kSquare, kStrip = 16;

struct MatrixDims {
  AffineExpr batch, rows, columns; // of the input

  TaskSpace space() const {
    int64_t cost = constantDim(rows).value_or(256) * kStrip;
    MLIRContext *context = rows.getContext();
    TaskSpace space = cutTasks({simplifyDim(batch * columns.ceilDiv(kStrip))}, std::max<int64_t>(cost, 1), context);
    space.dims = {batch, simplifyDim(columns.ceilDiv(kStrip))};
    space.split = 1;
    return space;
  }
};

/// The operation as a batch of matrices, if it swaps the last two (merged) axes only.
std::optional<MatrixDims> matricesOf(Block &block) {
  auto transpose = dyn_cast<nn::TransposeOp>(block.front());
  if (!transpose || block.getOperations().size() != 2 || elementSizeBytes(elementType(transpose.getInput())) != 4)
    return std::nullopt;
  ArrayRef<int64_t> source = transpose.getPermutation();
  int64_t rank = source.size();
  if (rank < 2 || source[rank - 1] != rank - 2 || source[rank - 2] != rank - 1)
    return std::nullopt;
  for (int64_t axis = 0; axis < rank - 2; ++axis)
    if (source[axis] != axis)
      return std::nullopt;
  DimExprs dims = dimExprs(tensorType(transpose.getInput()));
  return MatrixDims{dimProduct(ArrayRef(dims).drop_back(2), block.front().getContext()), dims[rank - 2],
                    dims[rank - 1]};
}

class TransposeEmitter {
public:
  TransposeEmitter(EmitContext &c, const MatrixDims &dims)
      : c(c), space(dims.space()), rows(c.dim(dims.rows)), columns(c.dim(dims.columns)), type(c.i32()),
        vectorType(VectorType::get({kTile}, type)) {}

  void run() {
    loopRows(c, space, c.taskBegin, c.taskEnd, [&](ArrayRef<Value> index) {
      Value matrix = c.mul(index[0], c.mul(rows, columns));
      in = c.address(c.inputs[0], type, matrix);
      out = c.address(c.outputs[0], type, matrix);
      Value first = c.mul(index[1], c.index(kStrip)), end = c.add(first, c.index(kStrip));
      Value isWhole = c.cmp(arith::CmpIPredicate::sle, end, columns);
      c.when(isWhole, [&] { emitStrip(first); });
      c.when(c.notB(isWhole), [&] { emitElements(first, columns, c.index(0)); });
    });
  }

private:
  void emitStrip(Value first) {
    Value whole = c.mul(c.divU(rows, c.index(kTile)), c.index(kTile));
    c.loop(c.index(0), whole, c.index(kTile), [&](Value row) {
      for (int64_t part = 0; part < kStrip; part += kTile)
        emitTile(row, c.add(first, c.index(part)));
    });
    emitElements(first, c.add(first, c.index(kStrip)), whole);
  }

  void emitTile(Value row, Value column) {
    SmallVector<Value> tile;
    for (int64_t i = 0; i < kTile; ++i) {
      Value offset = c.add(c.mul(c.add(row, c.index(i)), columns), column);
      tile.push_back(c.loadRaw(c.address(in, type, offset), vectorType, c.index(0), 4));
    }
    Values turned = transposeSquare(c, tile);
    for (int64_t i = 0; i < kTile; ++i) {
      Value offset = c.add(c.mul(c.add(column, c.index(i)), rows), row);
      c.storeRaw(turned[i], c.address(out, type, offset), c.index(0), 4);
    }
  }

  void emitElements(Value columnBegin, Value columnEnd, Value rowBegin) {
    c.loop(columnBegin, columnEnd, [&](Value column) {
      c.loop(rowBegin, rows, [&](Value row) {
        Value element = c.loadRaw(in, type, c.add(c.mul(row, columns), column));
        c.storeRaw(element, out, c.add(c.mul(column, rows), row));
      });
    });
  }

  EmitContext &c;
  TaskSpace space;
  Value rows, columns;
  Type type;
  VectorType vectorType;
  Value in, out; // of the matrix
};
} // namespace

std::optional<KernelPlan> planTranspose(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto operations = bodyOperations(op);
  bool isMovement =
      llvm::all_of(operations, [](Operation *inner) { return isa<nn::TransposeOp, nn::ReshapeOp>(inner); });
  if (!isMovement || !hasKnownTypes(op) || op->getNumResults() != 1)
    return std::nullopt;
  OwningOpRef<plan::KernelOp> body = makeBody(op);
  collapseAxes(*body);
  auto dims = matricesOf(body->getBody().front());
  if (!dims)
    return std::nullopt;
  KernelPlan plan = makePlan(op, "transpose");
  plan.tasks = dims->space().tasks;
  return plan;
}

LogicalResult emitTranspose(EmitContext &context) {
  collapseAxes(context.kernel);
  auto dims = matricesOf(context.region());
  if (!dims)
    return context.kernel.emitError("internal: kernel is not a transposed matrix");
  TransposeEmitter(context, *dims).run();
  return success();
}

} // namespace lathe::x86
