// Reductions along axes, extremes, running reductions.
#include "dialects/reference/Kernels.h"

using namespace mlir;
using lathe::nn::ReduceKind;

namespace lathe::reference {

namespace {

/// One accumulation per kind; W is the wide type (unsigned arithmetic for integers so that overflow wraps).
template <typename W> W accumulate(ReduceKind kind, W sum, W x) {
  using A = std::conditional_t<std::is_floating_point_v<W>, double, uint64_t>;
  switch (kind) {
  case ReduceKind::max:
    return x > sum || x != x ? x : sum;
  case ReduceKind::min:
    return x < sum || x != x ? x : sum;
  case ReduceKind::prod:
    return W(A(sum) * A(x));
  case ReduceKind::l1:
    return W(A(sum) + (x < 0 ? A(0) - A(x) : A(x)));
  case ReduceKind::l2:
  case ReduceKind::sum_square:
    return W(A(sum) + A(x) * A(x));
  default:
    return W(A(sum) + A(x));
  }
}

template <typename T> Wide<T> neutral(ReduceKind kind) {
  switch (kind) {
  case ReduceKind::max:
    return lowestValue<T>();
  case ReduceKind::min:
    return highestValue<T>();
  case ReduceKind::prod:
    return 1;
  default:
    return 0;
  }
}

template <typename W> W finish(ReduceKind kind, W sum, int64_t count) {
  if (kind == ReduceKind::l2)
    return W(std::sqrt(double(sum)));
  if (kind != ReduceKind::mean)
    return sum;
  if constexpr (std::is_floating_point_v<W>)
    return sum / double(count);
  else
    return count ? sum / W(count) : W(0);
}

template <typename T> Tensor reduce(nn::ReduceOp op, const Args &args) {
  const Tensor &input = args[0];
  Tensor output = args.allocate();
  SmallVector<int64_t> kept(input.shape());
  for (int64_t axis : op.getAxes())
    kept[axis] = 1;
  SmallVector<int64_t> strides = rowMajorStrides(kept);
  for (int64_t axis : op.getAxes())
    strides[axis] = 0;
  std::vector<Wide<T>> sums(size_t(output.size()), neutral<T>(op.getKind()));
  const T *in = input.data<T>();
  ReduceKind kind = op.getKind();
  forEachElement<1>(input.shape(), {strides},
                    [&](Offsets<1> at) { sums[at[0]] = accumulate(kind, sums[at[0]], widen(*in++)); });
  int64_t count = 1;
  for (int64_t axis : op.getAxes())
    count *= input.dim(axis);
  for (int64_t i = 0; i < output.size(); ++i)
    output.mutableData<T>()[i] = T(finish(kind, sums[i], count));
  return output;
}

/// True if x at a later place replaces the best so far; NaN is extreme and stays.
template <typename W> bool isBetter(bool isMax, bool isLast, W x, W best) {
  if (best != best)
    return false;
  return x != x || (isMax ? x > best : x < best) || (isLast && x == best);
}

template <typename T> Tensor argReduce(nn::ArgReduceOp op, const Args &args) {
  Tensor output = args.allocate();
  AxisView view(args[0].shape(), op.getAxis());
  bool isMax = op.getKind() == nn::ArgKind::arg_max;
  int64_t *out = output.mutableData<int64_t>();
  for (int64_t o = 0; o < view.outer; ++o)
    for (int64_t i = 0; i < view.inner; ++i) {
      const T *line = args[0].data<T>() + view.at(o, i);
      int64_t best = 0;
      for (int64_t k = 1; k < view.length; ++k)
        if (isBetter(isMax, op.getSelectLast(), widen(line[k * view.inner]), widen(line[best * view.inner])))
          best = k;
      *out++ = best;
    }
  return output;
}

template <typename T> Tensor cumulate(nn::CumulativeOp op, const Args &args) {
  using A = std::conditional_t<isFloatType<T>, double, uint64_t>;
  Tensor output = args.allocate();
  AxisView view(args[0].shape(), op.getAxis());
  bool isSum = op.getKind() == nn::CumulativeKind::cum_sum;
  for (int64_t o = 0; o < view.outer; ++o)
    for (int64_t i = 0; i < view.inner; ++i) {
      A running = isSum ? A(0) : A(1);
      for (int64_t step = 0; step < view.length; ++step) {
        int64_t k = op.getReverse() ? view.length - 1 - step : step, at = view.at(o, i) + k * view.inner;
        A x = A(args[0].data<T>()[at]), before = running;
        running = isSum ? running + x : running * x;
        output.mutableData<T>()[at] = T(op.getExclusive() ? before : running);
      }
    }
  return output;
}

} // namespace

Result evaluate(nn::ReduceOp op, const Args &args) {
  return one(dispatchNumber(args[0].elementType(), [&](auto tag) { return reduce<decltype(tag)>(op, args); }));
}

Result evaluate(nn::ArgReduceOp op, const Args &args) {
  if (args[0].dim(op.getAxis()) == 0)
    return error("expects axis ", op.getAxis(), " not to be empty");
  return one(dispatch(args[0].elementType(), [&](auto tag) { return argReduce<decltype(tag)>(op, args); }));
}

Result evaluate(nn::CumulativeOp op, const Args &args) {
  return one(dispatchNumber(args[0].elementType(), [&](auto tag) { return cumulate<decltype(tag)>(op, args); }));
}

} // namespace lathe::reference
