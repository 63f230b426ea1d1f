#include "backends/x86/Reductions.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
/// The window of one output position along one axis: kernel steps [first, last) lie in the input.
struct Window {
  Value start, first, last; // input position of step 0; steps
};

Window windowAt(EmitContext &c, Value out, Value size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  Window window;
  window.start = c.sub(c.mul(out, c.index(stride)), c.index(pad));
  Value zero = c.index(0), step = c.index(dilation);
  Value before = c.maxS(c.sub(zero, window.start), zero);
  window.first = c.minS(c.ceilDiv(before, step), c.index(kernel));
  Value inside = c.maxS(c.sub(size, window.start), zero);
  window.last = c.maxS(c.minS(c.ceilDiv(inside, step), c.index(kernel)), window.first);
  return window;
}

/// Loops over the steps of all axes' windows that lie in the input; gives input positions.
Values loopWindows(EmitContext &c, ArrayRef<Window> windows, ArrayRef<int64_t> dilations, Values inits,
                   llvm::function_ref<Values(IndexList, ValueRange)> body) {
  Indices position;
  std::function<Values(ValueRange)> nest = [&](ValueRange carried) -> Values {
    size_t axis = position.size();
    if (axis == windows.size())
      return body(position, carried);
    const Window &window = windows[axis];
    return c.loop(window.first, window.last, carried, [&](Value step, ValueRange inner) {
      position.push_back(c.add(window.start, c.mul(step, c.index(dilations[axis]))));
      Values next = nest(inner);
      position.pop_back();
      return next;
    });
  };
  return nest(inits);
}

template <class PoolLike> SmallVector<Window> windowsOf(EmitContext &c, PoolLike op, IndexList out, IndexList sizes) {
  SmallVector<Window> windows;
  for (size_t axis = 0; axis < out.size(); ++axis)
    windows.push_back(windowAt(c, out[axis], sizes[axis], op.getKernel()[axis], op.getStrides()[axis],
                               op.getPads()[axis], op.getDilations()[axis]));
  return windows;
}

/// What an average divides by: steps inside the input, or inside the padded input.
Value averageCount(EmitContext &c, nn::PoolOp op, ArrayRef<Window> windows, IndexList sizes) {
  Value count = c.index(1);
  size_t axes = windows.size();
  for (size_t axis = 0; axis < axes; ++axis) {
    Value steps = c.sub(windows[axis].last, windows[axis].first);
    if (op.getCountIncludePad()) {
      Value end = c.add(sizes[axis], c.index(op.getPads()[axes + axis]));
      Value room = c.maxS(c.sub(end, windows[axis].start), c.index(0));
      steps = c.minS(c.ceilDiv(room, c.index(op.getDilations()[axis])), c.index(op.getKernel()[axis]));
    }
    count = c.mul(count, steps);
  }
  return count;
}
} // namespace

Value element(EmitContext &c, nn::PoolOp op, IndexList indices) {
  Value input = op.getInput();
  Type element = elementType(input), type = computedType(element);
  bool isLast = op.getChannelsLast();
  size_t axes = indices.size() - 2, firstAxis = isLast ? 1 : 2;
  Values imageSizes = c.dims(input);
  IndexList sizes = ArrayRef(imageSizes).slice(firstAxis, axes);
  auto windows = windowsOf(c, op, indices.slice(firstAxis, axes), sizes);
  bool isMax = op.getKind() == nn::PoolKind::pool_max, isLp = op.getKind() == nn::PoolKind::pool_lp;
  Accumulator largest(c, nn::ReduceKind::max, element);
  Value init = isMax ? largest.init() : c.number(0, type);
  Value result = loopWindows(c, windows, op.getDilations(), {init}, [&](IndexList position, ValueRange carried) {
    Indices own(indices);
    llvm::copy(position, own.begin() + firstAxis);
    Value x = c.elementAt(input, own);
    if (isMax)
      return Values{largest.combine(carried[0], x)};
    if (isLp) {
      Value magnitude = emitUnary(c, nn::UnaryKind::abs, x, element, 0, 0);
      x = op.getP() == 1 ? magnitude
          : op.getP() == 2
              ? c.mul(x, x)
              : emitBinary(c, nn::BinaryKind::pow, magnitude, c.number(double(op.getP()), type), element, element);
    }
    return Values{c.accumulate(carried[0], x)};
  })[0];
  if (isMax || (isLp && op.getP() == 1))
    return result;
  if (isLp)
    return op.getP() == 2
               ? emitUnary(c, nn::UnaryKind::sqrt, result, element, 0, 0)
               : emitBinary(c, nn::BinaryKind::pow, result, c.number(1.0 / double(op.getP()), type), element, element);
  Value count = averageCount(c, op, windows, sizes);
  return emitBinary(c, nn::BinaryKind::div, result, emitCast(c, count, c.i64(), element), element, element);
}

Value element(EmitContext &c, nn::MaxPoolIndicesOp op, IndexList indices) {
  Value input = op.getInput();
  Type element = elementType(input);
  size_t axes = indices.size() - 2;
  Values imageSizes = c.dims(input);
  IndexList sizes = ArrayRef(imageSizes).drop_front(2);
  auto windows = windowsOf(c, op, indices.drop_front(2), sizes);
  Values inits{lowestOf(c, element), c.index(-1)};
  Values best = loopWindows(c, windows, op.getDilations(), inits, [&](IndexList position, ValueRange carried) {
    Indices own(indices);
    llvm::copy(position, own.begin() + 2);
    Value x = c.elementAt(input, own);
    Values layout(imageSizes);
    Indices numbered(own);
    if (op.getColumnMajor() && axes >= 2) {
      std::swap(layout[axes], layout[axes + 1]);
      std::swap(numbered[axes], numbered[axes + 1]);
    }
    Value number = c.linearize(numbered, layout);
    Value isBetter =
        c.orI(c.ltS(carried[1], c.index(0)), emitBinary(c, nn::BinaryKind::greater, x, carried[0], element, element));
    return Values{c.select(isBetter, x, carried[0]), c.select(isBetter, number, carried[1])};
  });
  return best[1];
}

} // namespace lathe::x86
