#include "compiler/quantize/WindowMoments.h"
#include "dialects/reference/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/Support/Parallel.h"

using namespace mlir;

namespace lathe {

using nn::WeightedProduct;

std::optional<ProductWindows> ProductWindows::of(const WeightedProduct &product) {
  ArrayRef<int64_t> weights = nn::tensorType(product.constant()).getShape();
  ProductWindows windows;
  windows.channelAxis = product.inputAxis();
  windows.channels = weights[size_t(1 - product.outputAxis)];
  auto conv = dyn_cast<nn::ConvOp>(product.op);
  if (!conv)
    return cast<nn::MatmulOp>(product.op).getTransLhs() ? std::nullopt : std::optional(windows);
  windows.groups = conv.getGroup();
  windows.taps.assign(weights.drop_front(2).begin(), weights.end());
  windows.strides.assign(conv.getStrides().begin(), conv.getStrides().end());
  windows.pads.assign(conv.getPads().begin(), conv.getPads().end());
  windows.dilations.assign(conv.getDilations().begin(), conv.getDilations().end());
  return windows;
}

int64_t ProductWindows::depth() const { return channels * computeProduct(taps); }

WindowMoments::WindowMoments(const ProductWindows &windows) : windows(windows) {
  const int64_t depth = windows.depth();
  for (int64_t group = 0; group < windows.groups; ++group)
    moments.push_back({depth, std::vector<float>(size_t(depth * depth)), 0});
}

namespace {
/// Number `i` of `count` numbers below `total`, one of each equal part; not on a lattice, which columns of a picture might follow.
int64_t drawn(int64_t i, int64_t count, int64_t total) {
  const int64_t begin = i * total / count, end = (i + 1) * total / count;
  constexpr uint64_t odd = 0x9E3779B97F4A7C15; // 2^64 / golden ratio: Knuth, The Art of Computer Programming, 6.4
  return begin + int64_t((uint64_t(i + 1) * odd >> 33) % uint64_t(end - begin));
}

void addSquares(Moments &moments, const float *rows, int64_t count) {
  const int64_t depth = moments.depth;
  const MatrixView x{rows, count, depth, depth};
  addProduct({moments.values.data(), depth, depth, depth}, x.transposed(), x, 1, MatrixPart::upper);
  moments.rows += count;
}

/// The index of each axis of the element that is number `i`.
SmallVector<int64_t> indices(int64_t i, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> result(shape.size());
  for (size_t axis = shape.size(); axis-- > 0; i /= shape[axis])
    result[axis] = i % shape[axis];
  return result;
}
} // namespace

void WindowMoments::add(const float *data, ArrayRef<int64_t> shape, int64_t most) {
  if (!windows.taps.empty())
    return addWindows(data, shape, most);
  addRows(data, computeProduct(shape) / std::max<int64_t>(windows.channels, 1), most);
}

void WindowMoments::addRows(const float *data, int64_t rows, int64_t most) {
  const int64_t depth = windows.channels, count = std::min(rows, most);
  if (count == rows)
    return addSquares(moments.front(), data, rows);
  std::vector<float> chosen(size_t(count * depth));
  for (int64_t i = 0; i < count; ++i)
    std::copy_n(data + drawn(i, count, rows) * depth, depth, chosen.data() + i * depth);
  addSquares(moments.front(), chosen.data(), count);
}

void WindowMoments::addWindows(const float *data, ArrayRef<int64_t> shape, int64_t most) {
  const size_t axes = windows.taps.size(), firstAxis = windows.channelAxis == 1 ? 2 : 1;
  SmallVector<int64_t> positions{shape[0]};
  for (size_t axis = 0; axis < axes; ++axis) {
    const int64_t padded = shape[firstAxis + axis] + windows.pads[axis] + windows.pads[axes + axis],
                  reach = (windows.taps[axis] - 1) * windows.dilations[axis] + 1;
    positions.push_back(padded < reach ? 0 : (padded - reach) / windows.strides[axis] + 1);
  }
  const int64_t total = computeProduct(positions), count = std::min(total, most), depth = windows.depth();
  llvm::parallelFor(0, moments.size(), [&](size_t group) {
    std::vector<float> rows(size_t(count * depth));
    for (int64_t i = 0; i < count; ++i)
      gather(data, shape, indices(drawn(i, count, total), positions), int64_t(group), rows.data() + i * depth);
    addSquares(moments[group], rows.data(), count);
  });
}

/// The window of a position (batch, then spatial axes).
void WindowMoments::gather(const float *data, ArrayRef<int64_t> shape, ArrayRef<int64_t> position, int64_t group,
                           float *row) const {
  const auto channelAxis = size_t(windows.channelAxis), firstAxis = size_t(channelAxis == 1 ? 2 : 1);
  const SmallVector<int64_t> strides = reference::rowMajorStrides(shape);
  const int64_t taps = computeProduct(windows.taps);
  for (int64_t tap = 0; tap < taps; ++tap) {
    int64_t offset = position[0] * strides[0] + group * windows.channels * strides[channelAxis];
    bool isInside = true;
    for (auto [axis, index] : llvm::enumerate(indices(tap, windows.taps))) {
      const int64_t at =
          position[axis + 1] * windows.strides[axis] + index * windows.dilations[axis] - windows.pads[axis];
      isInside &= at >= 0 && at < shape[firstAxis + axis];
      offset += at * strides[firstAxis + axis];
    }
    for (int64_t channel = 0; channel < windows.channels; ++channel)
      row[channel * taps + tap] = isInside ? data[offset + channel * strides[channelAxis]] : 0;
  }
}

} // namespace lathe
