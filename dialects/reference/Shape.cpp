// Data movement by shape.
#include "dialects/reference/Kernels.h"
#include <cstring>

using namespace mlir;
using lathe::nn::PadMode;

namespace lathe::reference {

SmallVector<int64_t> broadcastStrides(const Tensor &tensor, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> own = rowMajorStrides(tensor.shape()), strides(shape.size(), 0);
  for (size_t i = 0; i < own.size(); ++i)
    if (tensor.dim(int64_t(i)) != 1)
      strides[shape.size() - own.size() + i] = own[i];
  return strides;
}

Tensor copyStrided(const Tensor &input, RankedTensorType type, int64_t offset, ArrayRef<int64_t> strides) {
  return dispatchSize(input.elementBytes(), [&](auto tag) {
    using T = decltype(tag);
    Tensor output = Tensor::allocate(type);
    const T *in = input.data<T>() + offset;
    T *out = output.mutableData<T>();
    forEachRow<1>(type.getShape(), {SmallVector<int64_t>(strides)}, {},
                  [&](Offsets<1> at, int64_t count, Offsets<1> step) {
                    const T *row = in + at[0];
                    for (int64_t i = 0; i < count; ++i)
                      *out++ = row[i * step[0]];
                  });
    return output;
  });
}

Result evaluate(nn::ReshapeOp op, const Args &args) {
  if (args[0].size() != args.types[0].getNumElements())
    return error("expects ", args[0].size(), " elements, got ", args.types[0].getNumElements());
  return one(args[0].withType(args.types[0]));
}

Result evaluate(nn::TransposeOp op, const Args &args) {
  SmallVector<int64_t> own = rowMajorStrides(args[0].shape()), strides;
  for (int64_t axis : op.getPermutation())
    strides.push_back(own[axis]);
  return one(copyStrided(args[0], args.types[0], 0, strides));
}

Result evaluate(nn::BroadcastOp op, const Args &args) {
  return one(copyStrided(args[0], args.types[0], 0, broadcastStrides(args[0], args.types[0].getShape())));
}

Result evaluate(nn::SliceOp op, const Args &args) {
  auto starts = evaluateMap(op.getStarts(), args.symbols);
  if (!starts)
    return starts.takeError();
  SmallVector<int64_t> strides = rowMajorStrides(args[0].shape());
  int64_t offset = 0;
  bool isEmpty = llvm::is_contained(args.types[0].getShape(), 0);
  for (int64_t axis = 0; axis < args[0].rank() && !isEmpty; ++axis) {
    int64_t first = (*starts)[axis], last = first + (args.types[0].getDimSize(axis) - 1) * op.getSteps()[axis];
    if (std::min(first, last) < 0 || std::max(first, last) >= args[0].dim(axis))
      return error("expects elements on axis ", axis, " to be in [0, ", args[0].dim(axis), "), got ", first, " to ",
                   last);
    offset += first * strides[axis];
    strides[axis] *= op.getSteps()[axis];
  }
  return one(copyStrided(args[0], args.types[0], offset, strides));
}

Result evaluate(nn::ConcatOp op, const Args &args) {
  Tensor output = args.allocate();
  AxisView whole(output.shape(), op.getAxis());
  int64_t lineBytes = whole.inner * output.elementBytes(), placed = 0;
  for (const Tensor &input : args.operands) {
    int64_t length = input.dim(op.getAxis()), bytes = length * lineBytes;
    for (int64_t o = 0; o < whole.outer && bytes; ++o)
      std::memcpy(output.mutableData<char>() + (o * whole.length + placed) * lineBytes, input.data<char>() + o * bytes,
                  size_t(bytes));
    placed += length;
  }
  return one(output);
}

namespace {

/// Per axis and output index, the input index or -1: tile and pad are such tables.
using Tables = SmallVector<std::vector<int64_t>>;

/// output[i..] = input[tables[0][i0], ..] or `outside` where a table says -1.
template <typename T> Tensor copyByTables(const Tensor &input, RankedTensorType type, const Tables &tables, T outside) {
  Tensor output = Tensor::allocate(type);
  SmallVector<int64_t> strides = rowMajorStrides(input.shape());
  T *out = output.mutableData<T>();
  forEachIndex(type.getShape(), [&](ArrayRef<int64_t> index) {
    int64_t offset = 0;
    bool isInside = true;
    for (size_t axis = 0; axis < index.size(); ++axis) {
      int64_t from = tables[axis][size_t(index[axis])];
      isInside &= from >= 0;
      offset += from * strides[axis];
    }
    *out++ = isInside ? input.data<T>()[offset] : outside;
  });
  return output;
}

/// Input index that output index `i` shows, -1 for none.
int64_t paddedIndex(PadMode mode, int64_t i, int64_t size) {
  if (i >= 0 && i < size)
    return i;
  switch (mode) {
  case PadMode::constant:
    return -1;
  case PadMode::edge:
    return i < 0 ? 0 : size - 1;
  case PadMode::wrap:
    return ((i % size) + size) % size;
  case PadMode::reflect: {
    int64_t period = 2 * (size - 1);
    if (period == 0)
      return 0;
    int64_t at = ((i % period) + period) % period;
    return at < size ? at : period - at;
  }
  }
  return -1;
}

} // namespace

Result evaluate(nn::TileOp op, const Args &args) {
  Tables tables;
  for (int64_t axis = 0; axis < args[0].rank(); ++axis) {
    tables.emplace_back(args.types[0].getDimSize(axis));
    for (size_t i = 0; i < tables.back().size(); ++i)
      tables.back()[i] = int64_t(i) % std::max<int64_t>(args[0].dim(axis), 1);
  }
  return one(dispatchSize(args[0].elementBytes(),
                          [&](auto tag) { return copyByTables(args[0], args.types[0], tables, tag); }));
}

Result evaluate(nn::PadOp op, const Args &args) {
  auto low = evaluateMap(op.getLow(), args.symbols);
  if (!low)
    return low.takeError();
  Tables tables;
  for (int64_t axis = 0; axis < args[0].rank(); ++axis) {
    int64_t size = args[0].dim(axis);
    if (size == 0 && op.getMode() != PadMode::constant && args.types[0].getDimSize(axis) > 0)
      return error("expects axis ", axis, " not to be empty in mode ", stringifyPadMode(op.getMode()));
    tables.emplace_back(args.types[0].getDimSize(axis));
    for (size_t i = 0; i < tables.back().size(); ++i)
      tables.back()[i] = paddedIndex(op.getMode(), int64_t(i) - (*low)[axis], size);
  }
  return one(dispatchSize(args[0].elementBytes(), [&](auto tag) {
    using T = decltype(tag);
    T outside = args.operands.size() > 1 ? *args[1].data<T>() : T(0);
    return copyByTables<T>(args[0], args.types[0], tables, outside);
  }));
}

Result evaluate(nn::IotaOp op, const Args &args) {
  Tensor output = args.allocate();
  AxisView view(output.shape(), op.getAxis());
  dispatch(output.elementType(), [&](auto tag) {
    using T = decltype(tag);
    T *out = output.mutableData<T>();
    for (int64_t o = 0; o < view.outer; ++o)
      for (int64_t k = 0; k < view.length; ++k)
        for (int64_t i = 0; i < view.inner; ++i)
          *out++ = convert<T>(k);
  });
  return one(output);
}

Result evaluate(nn::ShapeOfOp op, const Args &args) {
  Tensor output = args.allocate();
  llvm::copy(args[0].shape(), output.mutableData<int64_t>());
  return one(output);
}

Result evaluate(nn::DimValuesOp op, const Args &args) {
  auto values = evaluateMap(op.getValues(), args.symbols);
  if (!values)
    return values.takeError();
  Tensor output = args.allocate();
  llvm::copy(*values, output.mutableData<int64_t>());
  return one(output);
}

Result evaluate(nn::ConstantOp op, const Args &) {
  auto tensor = Tensor::fromAttribute(op.getValue());
  return tensor ? one(*tensor) : Result(tensor.takeError());
}

} // namespace lathe::reference
