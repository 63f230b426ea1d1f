// Data movement by computed indices; selection of elements.
#include "dialects/reference/Kernels.h"
#include <cstring>
#include <numeric>

using namespace mlir;
using lathe::nn::ScatterReduction;

namespace lathe::reference {

namespace {

/// Indices with negative ones counted from the end; error if any is outside. `sizes` repeats along the
/// elements (one size per element of an index tuple).
llvm::Expected<SmallVector<int64_t>> checkedIndices(const Tensor &indices, ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> values = indices.integers();
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t size = sizes[i % sizes.size()];
    if (values[i] < -size || values[i] >= size)
      return error("expects indices to be in [", -size, ", ", size, "), got ", values[i]);
    values[i] += values[i] < 0 ? size : 0;
  }
  return values;
}

int64_t product(ArrayRef<int64_t> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>());
}

Tensor copyOf(const Tensor &input) {
  Tensor output = Tensor::allocate(input.type());
  std::memcpy(output.mutableData<char>(), input.data<char>(), size_t(input.sizeBytes()));
  return output;
}

/// What an update makes of the element that is there.
template <typename T> T combine(ScatterReduction reduction, T old, T update) {
  using A = std::conditional_t<isFloatType<T>, double, std::conditional_t<std::is_same_v<T, bool>, bool, uint64_t>>;
  switch (reduction) {
  case ScatterReduction::scatter_add:
    return T(A(old) + A(update));
  case ScatterReduction::scatter_mul:
    return T(A(old) * A(update));
  case ScatterReduction::scatter_max:
    return widen(update) > widen(old) ? update : old;
  case ScatterReduction::scatter_min:
    return widen(update) < widen(old) ? update : old;
  default:
    return update;
  }
}

/// Offsets of the slices that the index tuples (last axis of `indices`) select in the leading axes of
/// `shape`.
llvm::Expected<SmallVector<int64_t>> tupleOffsets(const Tensor &indices, ArrayRef<int64_t> shape) {
  int64_t length = indices.shape().back();
  SmallVector<int64_t> strides = rowMajorStrides(shape), offsets(product(indices.shape().drop_back()), 0);
  if (length == 0)
    return offsets;
  auto values = checkedIndices(indices, shape.take_front(size_t(length)));
  if (!values)
    return values.takeError();
  for (size_t i = 0; i < values->size(); ++i)
    offsets[i / size_t(length)] += (*values)[i] * strides[i % size_t(length)];
  return offsets;
}

} // namespace

Result evaluate(nn::GatherOp op, const Args &args) {
  AxisView view(args[0].shape(), op.getAxis());
  auto indices = checkedIndices(args[1], view.length);
  if (!indices)
    return indices.takeError();
  Tensor output = args.allocate();
  int64_t bytes = view.inner * output.elementBytes();
  char *out = output.mutableData<char>();
  for (int64_t o = 0; o < view.outer; ++o)
    for (int64_t index : *indices) {
      std::memcpy(out, args[0].data<char>() + (o * view.length + index) * bytes, size_t(bytes));
      out += bytes;
    }
  return one(output);
}

Result evaluate(nn::GatherElementsOp op, const Args &args) {
  auto indices = checkedIndices(args[1], args[0].dim(op.getAxis()));
  if (!indices)
    return indices.takeError();
  SmallVector<int64_t> strides = rowMajorStrides(args[0].shape());
  int64_t along = strides[op.getAxis()];
  strides[op.getAxis()] = 0;
  return one(dispatchSize(args[0].elementBytes(), [&](auto tag) {
    using T = decltype(tag);
    Tensor output = args.allocate();
    size_t i = 0;
    forEachElement<1>(args[1].shape(), {strides}, [&](Offsets<1> at) {
      output.mutableData<T>()[i] = args[0].data<T>()[at[0] + (*indices)[i] * along];
      ++i;
    });
    return output;
  }));
}

Result evaluate(nn::GatherNdOp op, const Args &args) {
  int64_t batchDims = op.getBatchDims(), length = args[1].shape().back();
  ArrayRef<int64_t> shape = args[0].shape().drop_front(size_t(batchDims));
  auto offsets = tupleOffsets(args[1], shape);
  if (!offsets)
    return offsets.takeError();
  Tensor output = args.allocate();
  int64_t batches = product(args[0].shape().take_front(size_t(batchDims))),
          perBatch = int64_t(offsets->size()) / std::max<int64_t>(batches, 1);
  int64_t size = product(shape), slice = product(shape.drop_front(size_t(length))), bytes = output.elementBytes();
  for (size_t i = 0; i < offsets->size(); ++i) {
    int64_t from = int64_t(i) / perBatch * size + (*offsets)[i];
    std::memcpy(output.mutableData<char>() + int64_t(i) * slice * bytes, args[0].data<char>() + from * bytes,
                size_t(slice * bytes));
  }
  return one(output);
}

Result evaluate(nn::ScatterElementsOp op, const Args &args) {
  auto indices = checkedIndices(args[1], args[0].dim(op.getAxis()));
  if (!indices)
    return indices.takeError();
  SmallVector<int64_t> strides = rowMajorStrides(args[0].shape());
  int64_t along = strides[op.getAxis()];
  strides[op.getAxis()] = 0;
  return one(dispatch(args[0].elementType(), [&](auto tag) {
    using T = decltype(tag);
    Tensor output = copyOf(args[0]);
    size_t i = 0;
    forEachElement<1>(args[1].shape(), {strides}, [&](Offsets<1> at) {
      T &element = output.mutableData<T>()[at[0] + (*indices)[i] * along];
      element = combine(op.getReduction(), element, args[2].data<T>()[i]);
      ++i;
    });
    return output;
  }));
}

Result evaluate(nn::ScatterNdOp op, const Args &args) {
  auto offsets = tupleOffsets(args[1], args[0].shape());
  if (!offsets)
    return offsets.takeError();
  int64_t slice = product(args[0].shape().drop_front(size_t(args[1].shape().back())));
  return one(dispatch(args[0].elementType(), [&](auto tag) {
    using T = decltype(tag);
    Tensor output = copyOf(args[0]);
    const T *update = args[2].data<T>();
    for (int64_t offset : *offsets)
      for (int64_t i = 0; i < slice; ++i) {
        T &element = output.mutableData<T>()[offset + i];
        element = combine(op.getReduction(), element, *update++);
      }
    return output;
  }));
}

namespace {
template <typename T> Tensors topK(nn::TopKOp op, const Args &args) {
  Tensors results{args.allocate(0), args.allocate(1)};
  AxisView in(args[0].shape(), op.getAxis()), out(results[0].shape(), op.getAxis());
  std::vector<int64_t> order(size_t(in.length));
  for (int64_t o = 0; o < in.outer; ++o)
    for (int64_t i = 0; i < in.inner; ++i) {
      const T *line = args[0].data<T>() + in.at(o, i);
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
        auto x = widen(line[a * in.inner]), y = widen(line[b * in.inner]);
        return op.getLargest() ? x > y : x < y;
      });
      for (int64_t k = 0; k < out.length; ++k) {
        results[0].mutableData<T>()[out.at(o, i) + k * out.inner] = line[order[size_t(k)] * in.inner];
        results[1].mutableData<int64_t>()[out.at(o, i) + k * out.inner] = order[size_t(k)];
      }
    }
  return results;
}
} // namespace

Result evaluate(nn::TopKOp op, const Args &args) {
  if (args.types[0].getDimSize(op.getAxis()) > args[0].dim(op.getAxis()))
    return error("expects k to be at most ", args[0].dim(op.getAxis()), ", got ",
                 args.types[0].getDimSize(op.getAxis()));
  return dispatchNumber(args[0].elementType(), [&](auto tag) { return topK<decltype(tag)>(op, args); });
}

Result evaluate(nn::NonZeroOp op, const Args &args) {
  SmallVector<SmallVector<int64_t>> found;
  dispatch(args[0].elementType(), [&](auto tag) {
    const auto *in = args[0].data<decltype(tag)>();
    forEachIndex(args[0].shape(), [&](ArrayRef<int64_t> index) {
      if (widen(*in++) != 0)
        found.emplace_back(index);
    });
  });
  Tensor output = args.allocate();
  if (int64_t(found.size()) != output.dim(1))
    return error("expects ", output.dim(1), " non-zero elements, got ", found.size());
  for (int64_t axis = 0; axis < output.dim(0); ++axis)
    for (size_t i = 0; i < found.size(); ++i)
      output.mutableData<int64_t>()[axis * output.dim(1) + int64_t(i)] = found[i][size_t(axis)];
  return one(output);
}

} // namespace lathe::reference
