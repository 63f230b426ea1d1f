#include "backends/x86/Collapse.h"
#include "backends/x86/Body.h"
#include "backends/x86/KernelEmitter.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace lathe::x86 {

namespace {

//===- reshapes -===//

/// reshape(f(x, y)) -> f(reshape(x), reshape(y)) where all shapes of f are equal (or operands have one element).
bool moveUp(nn::ReshapeOp reshape) {
  Operation *producer = reshape.getInput().getDefiningOp();
  if (!producer || !isPointwise(producer) || isa<nn::BroadcastOp>(producer) || !producer->hasOneUse())
    return false;
  auto inner = dimExprs(tensorType(reshape.getInput()));
  auto isOne = [](Value operand) {
    return tensorType(operand).hasStaticShape() && tensorType(operand).getNumElements() == 1;
  };
  for (Value operand : producer->getOperands())
    if (!isOne(operand) && dimExprs(tensorType(operand)) != inner)
      return false;
  OpBuilder b(producer);
  auto outer = dimExprs(tensorType(reshape.getOutput()));
  for (OpOperand &operand : producer->getOpOperands()) {
    Type element = elementType(operand.get());
    bool isWhole =
        dimExprs(tensorType(operand.get())) == inner; // even if it is one element: the operation may not broadcast it
    auto type = isWhole ? makeTensorType(outer, element) : RankedTensorType::get({}, element);
    operand.set(b.create<nn::ReshapeOp>(reshape.getLoc(), type, operand.get()));
  }
  producer->getResult(0).setType(tensorType(reshape.getOutput()));
  reshape.getOutput().replaceAllUsesWith(reshape.getInput());
  reshape.erase();
  return true;
}

void foldReshapes(Block &block) {
  for (OpOperand &result : block.getTerminator()->getOpOperands())
    while (auto reshape = result.get().getDefiningOp<nn::ReshapeOp>()) // a buffer has no shape
      result.set(reshape.getInput());
  for (bool changed = true; changed;) {
    changed = false;
    for (auto reshape : llvm::make_early_inc_range(block.getOps<nn::ReshapeOp>())) {
      if (reshape->use_empty())
        reshape.erase();
      else if (auto inner = reshape.getInput().getDefiningOp<nn::ReshapeOp>())
        reshape.getInputMutable().assign(inner.getInput());
      else if (moveUp(reshape)) {
        changed = true;
        break;
      }
    }
  }
}

//===- axes -===//

/// For each value, which neighbouring axes (k, k + 1) must stay apart.
class Boundaries {
public:
  explicit Boundaries(Block &block) : block(block) {
    for (BlockArgument argument : block.getArguments())
      add(argument);
    for (Operation &op : block.without_terminator())
      for (Value result : op.getResults())
        add(result);
  }

  void solve() {
    do {
      changed = false;
      for (Operation &op : block.without_terminator())
        visit(&op);
    } while (changed);
  }

  /// Sizes of the groups of axes of a value, in order.
  SmallVector<int64_t> groups(Value value) const {
    SmallVector<int64_t> counts;
    for (int64_t axis = 0; axis < tensorType(value).getRank(); ++axis) {
      if (axis == 0 || splits.find(value)->second[axis - 1])
        counts.push_back(0);
      ++counts.back();
    }
    return counts;
  }

  /// Group of an axis.
  int64_t groupOf(Value value, int64_t axis) const {
    int64_t group = 0;
    for (int64_t k = 0; k < axis; ++k)
      group += splits.find(value)->second[k];
    return group;
  }

private:
  void add(Value value) { splits[value].assign(std::max<int64_t>(tensorType(value).getRank() - 1, 0), false); }

  void split(Value value, int64_t k) {
    auto &flags = splits[value];
    if (k < 0 || k >= int64_t(flags.size()) || flags[k])
      return;
    flags[k] = true;
    changed = true;
  }

  void splitAll(Value value) {
    for (int64_t k = 0; k + 1 < tensorType(value).getRank(); ++k)
      split(value, k);
  }

  void tie(Value a, int64_t ka, Value b, int64_t kb) {
    if (splits[a][ka])
      split(b, kb);
    if (splits[b][kb])
      split(a, ka);
  }

  /// Operand that broadcasts to the result: axes may merge where it either has both or repeats along both.
  void visitBroadcast(Value result, Value operand) {
    DimExprs out = dimExprs(tensorType(result)), in = dimExprs(tensorType(operand));
    int64_t rank = out.size(), missing = rank - int64_t(in.size());
    SmallVector<bool> repeats(rank, false);
    bool last = false, isKnown = false;
    for (int64_t k = 0; k < rank; ++k) {
      if (constantDim(out[k]) != 1) {
        last = k < missing || (constantDim(in[k - missing]) == 1);
        if (!isKnown)
          std::fill(repeats.begin(), repeats.begin() + k, last);
        isKnown = true;
      }
      repeats[k] = last; // an axis of one goes with its left neighbour
    }
    for (int64_t k = 0; k + 1 < rank; ++k) {
      if (repeats[k] != repeats[k + 1])
        split(result, k);
      if (k >= missing)
        tie(result, k, operand, k - missing);
    }
  }

  void visitTranspose(nn::TransposeOp op) {
    ArrayRef<int64_t> source = op.getPermutation();
    SmallVector<bool> isKept(source.size(), false);
    for (int64_t k = 0; k + 1 < int64_t(source.size()); ++k) {
      if (source[k] + 1 != source[k + 1]) {
        split(op.getOutput(), k);
        continue;
      }
      isKept[source[k]] = true;
      tie(op.getOutput(), k, op.getInput(), source[k]);
    }
    for (int64_t k = 0; k + 1 < int64_t(source.size()); ++k)
      if (!isKept[k])
        split(op.getInput(), k);
  }

  /// Operands and result have one rank; axes for which `isTouched` stay as they are.
  void visitSameRank(Operation *op, ValueRange operands, llvm::function_ref<bool(int64_t)> isTouched) {
    Value result = op->getResult(0);
    for (int64_t k = 0; k + 1 < tensorType(result).getRank(); ++k) {
      bool isApart = isTouched(k) || isTouched(k + 1);
      if (isApart)
        split(result, k);
      for (Value operand : operands)
        tie(result, k, operand, k);
    }
  }

  void visitReduce(nn::ReduceOp op) {
    Value in = op.getInput(), out = op.getOutput();
    auto isReduced = [&](int64_t axis) { return llvm::is_contained(op.getAxes(), axis); };
    int64_t position = 0; // in the output, of axis k if it is kept
    for (int64_t k = 0; k + 1 < tensorType(in).getRank(); ++k) {
      bool here = isReduced(k), next = isReduced(k + 1);
      if (here != next) {
        split(in, k);
        split(out, op.getKeepdims() ? k : here ? position - 1 : position);
      } else if (op.getKeepdims()) {
        tie(in, k, out, k);
      } else if (!here) {
        tie(in, k, out, position);
      }
      position += op.getKeepdims() || !here;
    }
  }

  void visitGather(nn::GatherOp op) {
    int64_t axis = op.getAxis(), added = tensorType(op.getIndices()).getRank();
    Value in = op.getInput(), out = op.getOutput();
    split(in, axis - 1);
    split(in, axis);
    split(out, axis - 1);
    split(out, axis + added - 1);
    for (int64_t k = 0; k + 1 < axis; ++k)
      tie(in, k, out, k);
    for (int64_t k = 0; k + 1 < added; ++k)
      tie(op.getIndices(), k, out, axis + k);
    for (int64_t k = axis + 1; k + 1 < tensorType(in).getRank(); ++k)
      tie(in, k, out, k - 1 + added);
  }

  void visitLayerNorm(nn::LayerNormOp op) {
    split(op.getOutput(), op.getAxis() - 1);
    for (Value operand : op->getOperands())
      visitBroadcast(op.getOutput(), operand);
  }

  void visit(Operation *op) {
    auto differs = [](Value a, Value b) {
      return [x = dimExprs(tensorType(a)), y = dimExprs(tensorType(b))](int64_t axis) { return x[axis] != y[axis]; };
    };
    if (isPointwise(op)) {
      for (Value operand : op->getOperands())
        visitBroadcast(op->getResult(0), operand);
      return;
    }
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](nn::ConstantOp constant) {
          if (!isa<DenseElementsAttr>(constant.getValue()))
            splitAll(constant);
        })
        .Case([&](nn::TransposeOp transpose) { visitTranspose(transpose); })
        .Case([&](nn::SliceOp slice) {
          auto isCut = differs(slice.getInput(), slice.getOutput());
          visitSameRank(op, slice.getInput(), [&](int64_t axis) {
            return isCut(axis) || slice.getSteps()[axis] != 1 || constantDim(slice.getStarts().getResult(axis)) != 0;
          });
        })
        .Case([&](nn::PadOp pad) {
          auto isPadded = differs(pad.getInput(), pad.getOutput());
          visitSameRank(op, pad.getInput(),
                        [&](int64_t axis) { return isPadded(axis) || constantDim(pad.getLow().getResult(axis)) != 0; });
        })
        .Case([&](nn::TileOp tile) { visitSameRank(op, tile.getInput(), differs(tile.getInput(), tile.getOutput())); })
        .Case([&](nn::ConcatOp concat) {
          visitSameRank(op, concat.getInputs(), [&](int64_t axis) { return axis == int64_t(concat.getAxis()); });
        })
        .Case([&](nn::SoftmaxOp softmax) {
          visitSameRank(op, softmax.getInput(), [&](int64_t axis) { return axis == int64_t(softmax.getAxis()); });
        })
        .Case([&](nn::ReduceOp reduce) { visitReduce(reduce); })
        .Case([&](nn::GatherOp gather) { visitGather(gather); })
        .Case([&](nn::LayerNormOp norm) { visitLayerNorm(norm); })
        .Case([&](nn::IotaOp iota) {
          split(iota.getOutput(), int64_t(iota.getAxis()) - 1);
          split(iota.getOutput(), iota.getAxis());
        })
        .Case([&](nn::ReshapeOp reshape) {
          if (isa<BlockArgument>(reshape.getInput()))
            return; // memory, read in the result's shape
          splitAll(reshape.getInput());
          splitAll(reshape.getOutput());
        })
        .Default([&](Operation *other) {
          llvm::for_each(other->getOperands(), [&](Value value) { splitAll(value); });
          llvm::for_each(other->getResults(), [&](Value value) { splitAll(value); });
        });
  }

  Block &block;
  llvm::DenseMap<Value, SmallVector<bool, 8>> splits;
  bool changed = false;
};

//===- rewriting -===//

class Merger {
public:
  Merger(Block &block, const Boundaries &boundaries) : block(block), boundaries(boundaries) {}

  void run() {
    for (Operation &op : block.without_terminator())
      rewriteAttributes(&op);
    auto retype = [&](Value value) { value.setType(merged(value)); };
    llvm::for_each(block.getArguments(), retype);
    for (Operation &op : block.without_terminator())
      llvm::for_each(op.getResults(), retype);
  }

private:
  RankedTensorType merged(Value value) {
    DimExprs dims = dimExprs(tensorType(value)), result;
    size_t axis = 0;
    for (int64_t count : boundaries.groups(value)) {
      result.push_back(dimProduct(ArrayRef(dims).slice(axis, count), value.getContext()));
      axis += count;
    }
    return makeTensorType(result, elementType(value));
  }

  /// The first entry of each group of `value`'s axes.
  template <class T> SmallVector<T> firsts(Value value, ArrayRef<T> perAxis) {
    SmallVector<T> result;
    size_t axis = 0;
    for (int64_t count : boundaries.groups(value)) {
      result.push_back(perAxis[axis]);
      axis += count;
    }
    return result;
  }

  AffineMap firsts(Value value, AffineMap perAxis) {
    return symbolMap(firsts<AffineExpr>(value, perAxis.getResults()), value.getContext());
  }

  int64_t group(Value value, int64_t axis) { return boundaries.groupOf(value, axis); }

  void rewriteReduce(nn::ReduceOp op) {
    SmallVector<int64_t> axes;
    for (int64_t axis : op.getAxes())
      if (int64_t merged = group(op.getInput(), axis); axes.empty() || axes.back() != merged)
        axes.push_back(merged);
    op.setAxes(axes);
  }

  void rewriteTranspose(nn::TransposeOp op) {
    SmallVector<int64_t> source;
    for (int64_t first : firsts<int64_t>(op.getOutput(), op.getPermutation()))
      source.push_back(group(op.getInput(), first));
    op.setPermutation(source);
  }

  void rewriteAttributes(Operation *op) {
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](nn::ConstantOp constant) {
          if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue()))
            constant.setValueAttr(dense.reshape(merged(constant)));
        })
        .Case([&](nn::TransposeOp transpose) { rewriteTranspose(transpose); })
        .Case([&](nn::SliceOp slice) {
          slice.setStarts(firsts(slice.getInput(), slice.getStarts()));
          slice.setSteps(firsts<int64_t>(slice.getInput(), slice.getSteps()));
        })
        .Case([&](nn::PadOp pad) { pad.setLow(firsts(pad.getInput(), pad.getLow())); })
        .Case([&](nn::ConcatOp concat) { concat.setAxis(group(concat.getOutput(), concat.getAxis())); })
        .Case([&](nn::SoftmaxOp softmax) { softmax.setAxis(group(softmax.getInput(), softmax.getAxis())); })
        .Case([&](nn::GatherOp gather) { gather.setAxis(group(gather.getInput(), gather.getAxis())); })
        .Case([&](nn::IotaOp iota) { iota.setAxis(group(iota.getOutput(), iota.getAxis())); })
        .Case([&](nn::LayerNormOp norm) { norm.setAxis(group(norm.getInput(), norm.getAxis())); })
        .Case([&](nn::ReduceOp reduce) { rewriteReduce(reduce); });
  }

  Block &block;
  const Boundaries &boundaries;
};
} // namespace

void collapseAxes(plan::KernelOp kernel) {
  Block &block = kernel.getBody().front();
  foldReshapes(block);
  Boundaries boundaries(block);
  boundaries.solve();
  Merger(block, boundaries).run();
}

} // namespace lathe::x86
