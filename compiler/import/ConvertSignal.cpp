// The discrete Fourier transform as products with matrices of cosines and sines.
#include "compiler/import/Node.h"
#include <cmath>

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

constexpr int64_t kMaxLength = 8192; // the matrices are quadratic in it

/// What a DFT node says; `axis` is of the signal, whose last axis holds real and imaginary part.
struct Transform {
  int64_t axis = 0, length = 0, bins = 0;
};

/// [length, bins] of 2 pi ((n * k) mod length) / length, in f64: the matrices are constants, their zeros should be small.
Value angles(Node &n, const Transform &t) {
  Value row = n.iota({n.dim(t.length), n.dim(1)}, 0, n.i64()), column = n.iota({n.dim(1), n.dim(t.bins)}, 1, n.i64());
  Value turns = n.binary(BinaryKind::mod, n.mul(row, column), double(t.length));
  return n.binary(BinaryKind::mul, n.cast(turns, n.f64()), 2 * M_PI / double(t.length));
}

/// Real (0) or imaginary (1) part with the axis moved to the end, cut or padded with zeros to the length.
Value part(Node &n, Value x, const Transform &t, int64_t which) {
  DimExprs dims = dimsOf(x);
  Value component = n.sliceAxis(x, rankOf(x) - 1, n.dim(which), n.dim(1));
  dims.pop_back();
  Value plain = n.reshape(component, dims);
  int64_t have = *constantDim(dims[t.axis]);
  if (have > t.length)
    plain = n.sliceAxis(plain, t.axis, n.dim(0), n.dim(t.length));
  dims[t.axis] = n.dim(t.length);
  if (have < t.length)
    plain = n.pad(plain, {}, DimExprs(dims.size(), n.dim(0)), dims, PadMode::constant);
  Ints order;
  for (int64_t i = 0; i < int64_t(dims.size()); ++i)
    if (i != t.axis)
      order.push_back(i);
  order.push_back(t.axis);
  return n.transpose(plain, order);
}

/// The last axis of a result of matmul back in its place.
Value restore(Node &n, Value value, int64_t axis) {
  Ints order;
  for (int64_t i = 0; value && i < rankOf(value) - 1; ++i)
    order.push_back(i);
  if (value)
    order.insert(order.begin() + axis, rankOf(value) - 1);
  return n.transpose(value, order);
}

/// (re + i im) (cos - i sin)
Value transform(Node &n, Value x, const Transform &t) {
  bool isComplex = constantDim(dimsOf(x).back()) == 2;
  Value angle = angles(n, t);
  Value cosine = n.cast(n.unary(UnaryKind::cos, angle), elementOf(x));
  Value sine = n.cast(n.unary(UnaryKind::sin, angle), elementOf(x));
  Value re = part(n, x, t, 0);
  Value real = n.matmul(re, cosine), imaginary = n.unary(UnaryKind::neg, n.matmul(re, sine));
  if (isComplex) {
    Value im = part(n, x, t, 1);
    real = n.add(real, n.matmul(im, sine));
    imaginary = n.add(imaginary, n.matmul(im, cosine));
  }
  int64_t last = rankOf(x) - 1;
  return n.concat({n.unsqueeze(restore(n, real, t.axis), last), n.unsqueeze(restore(n, imaginary, t.axis), last)},
                  last);
}

/// The axis is an attribute up to opset 19, an input since.
std::optional<int64_t> transformAxis(Node &n, int64_t rank) {
  int64_t axis = n.version < 20 ? n.integer("axis", 1) : -2;
  if (n.version >= 20 && n.has(2)) {
    auto given = n.knownIntegers(2);
    if (!given || given->size() != 1)
      return std::nullopt;
    axis = given->front();
  }
  return n.axis(axis, rank);
}

Values dft(Node &n) {
  Value x = n.in(0);
  if (!x || rankOf(x) < 2 || !isFloat(x))
    return {x ? n.refuse("expects a floating-point signal of rank 2 or more") : Value()};
  if (n.integer("inverse", 0) != 0)
    return {n.refuse("the inverse transform is not supported")};
  auto axis = transformAxis(n, rankOf(x));
  auto parts = constantDim(dimsOf(x).back());
  if (!axis)
    return {};
  if (*axis == rankOf(x) - 1 || (parts != 1 && parts != 2))
    return {n.refuse("expects an axis before the last one, which holds one or two parts")};
  Transform t{*axis, constantDim(dimsOf(x)[*axis]).value_or(0), 0};
  if (n.has(1)) {
    auto given = n.knownIntegers(1);
    if (!given || given->size() != 1)
      return {};
    t.length = given->front();
  }
  bool isOneSided = n.integer("onesided", 0) != 0;
  if (!constantDim(dimsOf(x)[*axis]) || t.length < 1 || t.length > kMaxLength)
    return {n.refuse("expects a static length of 1 to " + Twine(kMaxLength))};
  t.bins = isOneSided ? t.length / 2 + 1 : t.length;
  return {transform(n, x, t)};
}

constexpr ConverterEntry kTable[] = {{"DFT", 17, kNewest, dft}};

} // namespace

llvm::ArrayRef<ConverterEntry> signalConverters() { return kTable; }

} // namespace lathe::importer
