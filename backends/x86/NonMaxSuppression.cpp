// non_max_suppression: boxes of one batch entry and class after the other, in one task, since rows are written densely.
//
//   for each (entry, class):
//     key[i] = score of box i, NaN if it is below the threshold      (scratch)
//     while a key is left: best = first box with the largest key
//       write (entry, class, best); key[i] = NaN where box i overlaps the best one too much, and for itself
//
// Takes boxes x kept steps: few boxes are kept in practice, and nothing is sorted.
#include "backends/x86/Body.h"
#include "backends/x86/Sequential.h"
#include <limits>

using namespace mlir;

namespace lathe::x86 {

namespace {

struct Box {
  Value top, left, bottom, right;

  Value area(EmitContext &c) const { return c.mul(c.sub(bottom, top), c.sub(right, left)); }
};

struct Suppression {
  EmitContext &c;
  nn::NonMaxSuppressionOp op;
  Value boxes, keys, count, capacity, maxBoxes, iouThreshold, scoreThreshold; // scoreThreshold may be null
  Value nan;

  Suppression(EmitContext &context, nn::NonMaxSuppressionOp op) : c(context), op(op), keys(context.scratch) {
    count = c.dimOf(op.getBoxes(), 1);
    capacity = c.dimOf(op.getSelected(), 0);
    maxBoxes = c.loadRaw(c.inputs[2], c.i64(), c.index(0));
    iouThreshold = c.loadRaw(c.inputs[3], c.f32(), c.index(0));
    if (op.getScoreThreshold())
      scoreThreshold = c.loadRaw(c.inputs[4], c.f32(), c.index(0));
    nan = c.bits(c.integer(0x7fc00000, c.i32()), c.f32());
  }

  Box boxAt(Value i) {
    Value part[4];
    for (int64_t k = 0; k < 4; ++k)
      part[k] = c.loadRaw(boxes, c.f32(), c.add(c.mul(i, c.index(4)), c.index(k)));
    if (!op.getCenter()) {
      auto smaller = [&](Value x, Value y) { return c.select(c.ltF(x, y), x, y); };
      auto larger = [&](Value x, Value y) { return c.select(c.ltF(x, y), y, x); };
      return {smaller(part[0], part[2]), smaller(part[1], part[3]), larger(part[0], part[2]), larger(part[1], part[3])};
    }
    Value half = c.real(0.5, c.f32());
    Value width = c.mul(part[2], half), height = c.mul(part[3], half);
    return {c.sub(part[1], height), c.sub(part[0], width), c.add(part[1], height), c.add(part[0], width)};
  }

  /// True if the boxes' intersection over union is above the threshold.
  Value overlaps(const Box &a, const Box &b) {
    auto smaller = [&](Value x, Value y) { return c.select(c.ltF(x, y), x, y); };
    auto larger = [&](Value x, Value y) { return c.select(c.ltF(x, y), y, x); };
    Value height = c.sub(smaller(a.bottom, b.bottom), larger(a.top, b.top));
    Value width = c.sub(smaller(a.right, b.right), larger(a.left, b.left));
    Value zero = c.real(0, c.f32());
    Value common = c.mul(height, width), all = c.sub(c.add(a.area(c), b.area(c)), common);
    Value meets = c.andI(c.ltF(zero, height), c.ltF(zero, width));
    return c.ltF(iouThreshold, c.select(meets, c.divF(common, all), zero));
  }

  void fillKeys(Value scores) {
    c.loop(c.index(0), count, [&](Value i) {
      Value score = c.loadRaw(scores, c.f32(), i);
      c.storeRaw(scoreThreshold ? c.select(c.ltF(scoreThreshold, score), score, nan) : score, keys, i);
    });
  }

  /// Number of the first box with the largest key; -1 if no box is left.
  Value findBest() {
    Value none = c.index(-1), lowest = c.real(-std::numeric_limits<double>::infinity(), c.f32());
    return c.loop(c.index(0), count, {none, lowest}, [&](Value i, ValueRange best) {
      Value key = c.loadRaw(keys, c.f32(), i);
      Value isFirst = c.andI(c.ltS(best[0], c.index(0)), c.notB(c.isNan(key)));
      Value isBetter = c.orI(c.ltF(best[1], key), isFirst);
      return Values{c.select(isBetter, i, best[0]), c.select(isBetter, key, best[1])};
    })[0];
  }

  void suppress(Value best) {
    Box kept = boxAt(best);
    c.loop(c.index(0), count, [&](Value i) {
      Value isOut = c.orI(overlaps(kept, boxAt(i)), c.eqI(i, best));
      c.storeRaw(c.select(isOut, nan, c.loadRaw(keys, c.f32(), i)), keys, i);
    });
  }

  /// Writes the rows of one class from row number `row` on; gives the row after the last.
  Value keepBoxes(Value entry, Value label, Value row) {
    auto goesOn = [&](ValueRange state) {
      return c.andI(c.geS(state[1], c.index(0)), c.ltS(c.sub(state[0], row), maxBoxes));
    };
    return c.repeatWhile({row, findBest()}, goesOn, [&](ValueRange state) {
      Value at = c.mul(state[0], c.index(3));
      c.when(c.ltS(state[0], capacity), [&] {
        for (auto [i, value] : llvm::enumerate(Values{entry, label, state[1]}))
          c.storeRaw(value, c.outputs[0], c.add(at, c.index(int64_t(i))));
      });
      suppress(state[1]);
      return Values{c.add(state[0], c.index(1)), findBest()};
    })[0];
  }

  void run() {
    Value entries = c.dimOf(op.getScores(), 0), classes = c.dimOf(op.getScores(), 1);
    Value end = c.loop(c.index(0), c.mul(entries, classes), {c.index(0)}, [&](Value line, ValueRange row) {
      Value entry = c.divU(line, classes), label = c.remU(line, classes);
      boxes = c.address(c.inputs[0], c.f32(), c.mul(c.mul(entry, count), c.index(4)));
      fillKeys(c.address(c.inputs[1], c.f32(), c.mul(line, count)));
      return Values{keepBoxes(entry, label, row[0])};
    })[0];
    c.storeRaw(end, c.outputs[1], c.index(0));
    c.raise(c.ltS(capacity, end), LATHE_KERNEL_TOO_MANY_ELEMENTS);
    c.loop(c.mul(end, c.index(3)), c.mul(capacity, c.index(3)),
           [&](Value i) { c.storeRaw(c.index(0), c.outputs[0], i); });
  }
};

} // namespace

std::optional<KernelPlan> planNonMaxSuppression(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto suppression = dyn_cast<nn::NonMaxSuppressionOp>(op);
  if (!suppression)
    return std::nullopt;
  KernelPlan plan = makePlan(op, "non_max_suppression");
  plan.scratchBytes = simplifyDim(dimExprs(tensorType(suppression.getBoxes()))[1] * 4);
  return plan;
}

LogicalResult emitNonMaxSuppression(EmitContext &c) {
  Suppression suppression(c, cast<nn::NonMaxSuppressionOp>(c.region().front()));
  c.when(c.ltS(c.taskBegin, c.taskEnd), [&] { suppression.run(); });
  return success();
}

} // namespace lathe::x86
