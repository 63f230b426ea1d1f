// Loops over multi-dimensional index spaces: odometers without division, the last axis as a plain inner loop.
#pragma once

#include "dialects/reference/Tensor.h"
#include <array>

namespace lathe::reference {

template <size_t N> using Offsets = std::array<int64_t, N>;
template <size_t N> using Strides = std::array<llvm::SmallVector<int64_t>, N>;

/// Calls fn(offsets, count, steps) for each row (last axis) of `shape`, where offsets[n] is the row's first
/// element in operand n with strides[n], and steps[n] its stride along the row. A rank-0 shape is one row of
/// one element.
template <size_t N, typename Fn>
void forEachRow(llvm::ArrayRef<int64_t> shape, const Strides<N> &strides, Offsets<N> base, Fn fn) {
  Offsets<N> steps{};
  if (shape.empty())
    return fn(base, int64_t(1), steps);
  for (int64_t size : shape)
    if (size == 0)
      return;
  size_t last = shape.size() - 1;
  for (size_t n = 0; n < N; ++n)
    steps[n] = strides[n][last];
  llvm::SmallVector<int64_t> index(last, 0);
  for (;;) {
    fn(base, shape[last], steps);
    size_t axis = last;
    for (;; --axis) {
      if (axis == 0)
        return;
      for (size_t n = 0; n < N; ++n)
        base[n] += strides[n][axis - 1];
      if (++index[axis - 1] < shape[axis - 1])
        break;
      for (size_t n = 0; n < N; ++n)
        base[n] -= strides[n][axis - 1] * shape[axis - 1];
      index[axis - 1] = 0;
    }
  }
}

/// Calls fn(offsets) for each element.
template <size_t N, typename Fn> void forEachElement(llvm::ArrayRef<int64_t> shape, const Strides<N> &strides, Fn fn) {
  forEachRow<N>(shape, strides, {}, [&](Offsets<N> offsets, int64_t count, Offsets<N> steps) {
    for (int64_t i = 0; i < count; ++i) {
      fn(offsets);
      for (size_t n = 0; n < N; ++n)
        offsets[n] += steps[n];
    }
  });
}

/// Calls fn(index) for each multi-dimensional index of `shape` in row-major order.
template <typename Fn> void forEachIndex(llvm::ArrayRef<int64_t> shape, Fn fn) {
  llvm::SmallVector<int64_t> index(shape.size(), 0);
  if (llvm::is_contained(shape, 0))
    return;
  for (;;) {
    fn(llvm::ArrayRef<int64_t>(index));
    size_t axis = shape.size();
    for (;; --axis) {
      if (axis == 0)
        return;
      if (++index[axis - 1] < shape[axis - 1])
        break;
      index[axis - 1] = 0;
    }
  }
}

/// Strides of a tensor read with the broadcast shape `shape`: 0 along axes where it has one element.
llvm::SmallVector<int64_t> broadcastStrides(const Tensor &tensor, llvm::ArrayRef<int64_t> shape);

/// A tensor seen around one axis: [outer, length, inner].
struct AxisView {
  int64_t outer = 1, length = 1, inner = 1;
  AxisView(llvm::ArrayRef<int64_t> shape, int64_t axis) {
    for (auto [i, size] : llvm::enumerate(shape))
      (int64_t(i) < axis ? outer : int64_t(i) == axis ? length : inner) *= size;
  }
  /// First element of line (o, i); neighbours are `inner` apart.
  int64_t at(int64_t o, int64_t i) const { return o * length * inner + i; }
};

} // namespace lathe::reference
