// Matrix product and attention.
#include "dialects/reference/Kernels.h"

using namespace mlir;

namespace lathe::reference {

namespace {

/// A matrix inside a tensor: distances between rows and between columns.
struct MatrixSteps {
  int64_t row, column;
};

/// Accumulates in the wide type; integers wrap.
template <typename T> using Sum = std::conditional_t<isFloatType<T>, double, uint64_t>;

/// out[m, n] = sum over k of lhs[m, k] * rhs[k, n].
template <typename T>
void multiply(const T *lhs, MatrixSteps l, const T *rhs, MatrixSteps r, T *out, int64_t m, int64_t k, int64_t n) {
  std::vector<Sum<T>> row(size_t(n), 0);
  for (int64_t i = 0; i < m; ++i) {
    std::fill(row.begin(), row.end(), Sum<T>(0));
    for (int64_t p = 0; p < k; ++p) {
      auto factor = Sum<T>(lhs[i * l.row + p * l.column]);
      const T *from = rhs + p * r.row;
      for (int64_t j = 0; j < n; ++j)
        row[size_t(j)] += factor * Sum<T>(from[j * r.column]);
    }
    for (int64_t j = 0; j < n; ++j)
      out[i * n + j] = T(row[size_t(j)]);
  }
}

/// Strides over the batch axes of the result; the matrix axes are left out.
SmallVector<int64_t> batchStrides(const Tensor &tensor, ArrayRef<int64_t> outShape) {
  SmallVector<int64_t> shape(outShape.drop_back(2));
  ArrayRef<int64_t> own = tensor.shape().drop_back(2);
  SmallVector<int64_t> ownStrides = rowMajorStrides(tensor.shape()), strides(shape.size(), 0);
  for (size_t i = 0; i < own.size(); ++i)
    if (own[i] != 1)
      strides[shape.size() - own.size() + i] = ownStrides[i];
  return strides;
}

template <typename T> Tensor matmul(nn::MatmulOp op, const Args &args) {
  Tensor output = args.allocate();
  ArrayRef<int64_t> l = args[0].shape(), r = args[1].shape(), shape = output.shape();
  int64_t m = shape[shape.size() - 2], n = shape.back(), k = op.getTransLhs() ? l[l.size() - 2] : l.back();
  MatrixSteps lhs = op.getTransLhs() ? MatrixSteps{1, l.back()} : MatrixSteps{l.back(), 1};
  MatrixSteps rhs = op.getTransRhs() ? MatrixSteps{1, r.back()} : MatrixSteps{r.back(), 1};
  T *out = output.mutableData<T>();
  Strides<2> strides{batchStrides(args[0], shape), batchStrides(args[1], shape)};
  forEachElement<2>(shape.drop_back(2), strides, [&](Offsets<2> at) {
    multiply(args[0].data<T>() + at[0], lhs, args[1].data<T>() + at[1], rhs, out, m, k, n);
    out += m * n;
  });
  return output;
}

/// Weights of one query row over all keys: softmax(q . k * scale + mask), the scaled scores capped.
template <typename T>
void attentionRow(nn::AttentionOp op, const T *query, const T *keys, int64_t depth, const T *mask, int64_t maskStep,
                  std::vector<double> &weights) {
  double scale = op.getScale().convertToDouble(), cap = op.getCap().convertToDouble();
  double highest = -INFINITY, sum = 0;
  for (size_t t = 0; t < weights.size(); ++t) {
    double dot = 0;
    for (int64_t d = 0; d < depth; ++d)
      dot += double(query[d]) * double(keys[int64_t(t) * depth + d]);
    double score = cap > 0 ? std::tanh(dot * scale / cap) * cap : dot * scale;
    weights[t] = score + (mask ? double(mask[int64_t(t) * maskStep]) : 0);
    highest = std::max(highest, weights[t]);
  }
  for (double &weight : weights)
    sum += weight = std::exp(weight - highest);
  for (double &weight : weights)
    weight /= sum;
}

template <typename T> Tensor attention(nn::AttentionOp op, const Args &args) {
  const Tensor &query = args[0], &key = args[1], &value = args[2],
               *mask = args.operands.size() > 3 ? &args[3] : nullptr;
  Tensor output = args.allocate();
  int64_t heads = query.dim(1), rows = query.dim(2), depth = query.dim(3), count = key.dim(2), width = value.dim(3);
  int64_t groups = key.dim(1), shared = groups ? heads / groups : 0; // query heads per head of keys
  SmallVector<int64_t> mine =
      mask ? broadcastStrides(*mask, {query.dim(0), heads, rows, count}) : SmallVector<int64_t>(4, 0);
  SmallVector<int64_t> queries{query.dim(0), groups, shared, rows};
  SmallVector<int64_t> keyStrides{groups * count * depth, count * depth, 0, 0},
      valueStrides{groups * count * width, count * width, 0, 0},
      maskStrides{mine[0], mine[1] * shared, mine[1], mine[2]};
  std::vector<double> weights(static_cast<size_t>(count));
  const T *q = query.data<T>();
  T *out = output.mutableData<T>();
  forEachElement<3>(queries, {keyStrides, valueStrides, maskStrides}, [&](Offsets<3> at) {
    const T *maskRow = mask ? mask->data<T>() + at[2] : nullptr;
    attentionRow(op, q, key.data<T>() + at[0], depth, maskRow, mine[3], weights);
    if (op.getNanToZero()) // one weight is NaN: all are, since their sum is
      std::replace_if(weights.begin(), weights.end(), [](double weight) { return std::isnan(weight); }, 0.0);
    for (int64_t d = 0; d < width; ++d) {
      double sum = 0;
      for (int64_t t = 0; t < count; ++t)
        sum += weights[size_t(t)] * double(value.data<T>()[at[1] + t * width + d]);
      out[d] = T(sum);
    }
    q += depth;
    out += width;
  });
  return output;
}

} // namespace

Result evaluate(nn::MatmulOp op, const Args &args) {
  if (args[0].elementType().isInteger(8)) {
    auto wideAt = [&](unsigned i) {
      const Tensor *zero = args.optional(op, 2 + i);
      return centered(args[i], zero, zero ? broadcastStrides(*zero, args[i].shape()) : SmallVector<int64_t>());
    };
    Tensors wide{wideAt(0), wideAt(1)};
    return one(matmul<int32_t>(op, Args{wide, args.types, args.symbols}));
  }
  return one(dispatchNumber(args[0].elementType(), [&](auto tag) { return matmul<decltype(tag)>(op, args); }));
}

Result evaluate(nn::AttentionOp op, const Args &args) {
  return one(dispatchFloat(args[0].elementType(), [&](auto tag) { return attention<decltype(tag)>(op, args); }));
}

} // namespace lathe::reference
