// GridSample: interpolation at computed positions, as gathers of the taps around each position and a weighted sum.
#include "compiler/import/Node.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

enum class Padding { zeros, border, reflection };

/// One spatial axis: its size and the positions on it, all of shape [N, out..].
struct Axis {
  Value size; // rank 0
  Value position;
  Value low, high; // of reflection
  bool isSingle = false;
};

/// A tap: which element of each axis, and its weight (null: 1).
struct Tap {
  Value index, weight;
};

class Sampler {
public:
  Sampler(Node &n, Value input, Value grid) : n(n), input(input), grid(grid), type(elementOf(grid)) {}

  Value run();

private:
  bool readAttributes();
  Axis axisAt(int64_t i);
  Value reflect(Value position, const Axis &axis);
  Value inside(Value position, const Axis &axis);
  SmallVector<Tap> taps(const Axis &axis);
  Value cubicWeight(Value distance);
  Value sample(ArrayRef<Tap> chosen, ArrayRef<Axis> axes);
  Value number(double value) { return n.scalar(value, type); }
  Value clamp(Value value, const Axis &axis) {
    Value last = n.binary(BinaryKind::sub, axis.size, 1);
    return n.binary(BinaryKind::min, n.binary(BinaryKind::max, value, 0), last);
  }

  Node &n;
  Value input, grid;
  Type type;
  std::string mode;
  Padding padding = Padding::zeros;
  bool alignsCorners = false;
};

bool Sampler::readAttributes() {
  mode = n.text("mode", "linear");
  mode = mode == "bilinear" ? "linear" : mode == "bicubic" ? "cubic" : mode;
  std::string name = n.text("padding_mode", "zeros");
  padding = name == "border" ? Padding::border : name == "reflection" ? Padding::reflection : Padding::zeros;
  alignsCorners = n.integer("align_corners", 0) != 0;
  if (mode != "linear" && mode != "nearest" && mode != "cubic")
    return n.refuse("expects a known mode, got '" + mode + "'"), false;
  if (padding == Padding::zeros && name != "zeros")
    return n.refuse("expects a known padding_mode, got '" + name + "'"), false;
  return true;
}

/// The grid is x first, so its last entry belongs to the first spatial axis; -1..1 spans the input.
Axis Sampler::axisAt(int64_t i) {
  int64_t spatial = rankOf(input) - 2;
  AffineExpr size = dimsOf(input)[i + 2];
  Axis axis;
  axis.isSingle = constantDim(size) == 1;
  axis.size = n.cast(n.dimValues(size, /*isScalar=*/true), type);
  Value part = n.sliceAxis(grid, rankOf(grid) - 1, n.dim(spatial - 1 - i), n.dim(1));
  DimExprs dims = dimsOf(grid);
  dims.pop_back();
  Value shifted = n.binary(BinaryKind::add, n.reshape(part, dims), 1);
  Value last = n.binary(BinaryKind::sub, axis.size, 1);
  axis.low = number(alignsCorners ? 0 : -0.5);
  axis.high = alignsCorners ? last : n.binary(BinaryKind::sub, axis.size, 0.5);
  Value scaled = n.mul(shifted, alignsCorners ? last : axis.size);
  axis.position = n.binary(BinaryKind::div, alignsCorners ? scaled : n.binary(BinaryKind::sub, scaled, 1), 2);
  if (mode == "nearest")
    axis.position = n.unary(UnaryKind::round, axis.position);
  axis.position = inside(axis.position, axis);
  return axis;
}

/// Mirrored at both ends as often as needed: the distance from the low end, modulo twice the span.
Value Sampler::reflect(Value position, const Axis &axis) {
  Value span = n.sub(axis.high, axis.low), twice = n.binary(BinaryKind::mul, span, 2);
  Value distance = n.binary(BinaryKind::fmod, n.unary(UnaryKind::abs, n.sub(position, axis.low)), twice);
  Value isBack = n.binary(BinaryKind::greater, distance, span);
  return n.add(n.select(isBack, n.sub(twice, distance), distance), axis.low);
}

Value Sampler::inside(Value position, const Axis &axis) {
  if (padding == Padding::zeros)
    return position;
  if (padding == Padding::border || axis.isSingle)
    return clamp(position, axis);
  return reflect(position, axis);
}

/// Keys' kernel with a = -0.75 (Keys, Cubic convolution interpolation, 1981), for a distance in [0, 2].
Value Sampler::cubicWeight(Value d) {
  constexpr double a = -0.75;
  auto polynomial = [&](std::initializer_list<double> coefficients) {
    Value result;
    for (double c : coefficients)
      result = result ? n.binary(BinaryKind::add, n.mul(result, d), c) : number(c);
    return result;
  };
  Value near = polynomial({a + 2, -(a + 3), 0, 1}), far = polynomial({a, -5 * a, 8 * a, -4 * a});
  return n.select(n.binary(BinaryKind::less_equal, d, 1), near, far);
}

SmallVector<Tap> Sampler::taps(const Axis &axis) {
  SmallVector<Tap> result;
  if (mode == "nearest")
    return {{axis.position, Value()}};
  Value base = n.unary(UnaryKind::floor, axis.position);
  int first = mode == "cubic" ? -1 : 0, count = mode == "cubic" ? 4 : 2;
  for (int i = first; i < first + count; ++i) {
    Value index = n.binary(BinaryKind::add, base, double(i));
    Value distance = n.unary(UnaryKind::abs, n.sub(axis.position, index));
    Value weight = mode == "cubic" ? cubicWeight(distance) : n.sub(number(1), distance);
    result.push_back({index, weight});
  }
  return result;
}

/// The input's values at one tap per axis, times the weights; nothing outside where zeros are padded.
Value Sampler::sample(ArrayRef<Tap> chosen, ArrayRef<Axis> axes) {
  Value flat, weight, isInside;
  for (auto [tap, axis] : llvm::zip_equal(chosen, axes)) {
    Value index = tap.index;
    if (padding == Padding::zeros) {
      Value fits = n.binary(BinaryKind::logical_and, n.binary(BinaryKind::greater_equal, index, 0),
                            n.binary(BinaryKind::less, index, axis.size));
      isInside = isInside ? n.binary(BinaryKind::logical_and, isInside, fits) : fits;
    }
    index = clamp(inside(index, axis), axis);
    Value whole = n.cast(index, n.i64());
    flat = flat ? n.add(n.mul(flat, n.cast(axis.size, n.i64())), whole) : whole;
    if (tap.weight)
      weight = weight ? n.mul(weight, tap.weight) : tap.weight;
  }
  if (isInside)
    weight = weight ? n.select(isInside, weight, number(0)) : n.cast(isInside, type);
  DimExprs in = dimsOf(input), positions = dimsOf(grid);
  positions.pop_back();
  AffineExpr pixels = dimProduct(ArrayRef(in).drop_front(2), n.context());
  AffineExpr count = dimProduct(ArrayRef(positions).drop_front(), n.context());
  Value index = n.broadcast(n.reshape(flat, {in[0], n.dim(1), count}), {in[0], in[1], count});
  Value values = n.infer("nn.gather_elements", {n.reshape(input, {in[0], in[1], pixels}), index}, n.intAttr("axis", 2));
  return weight ? n.mul(values, n.cast(n.reshape(weight, {in[0], n.dim(1), count}), elementOf(input))) : values;
}

Value Sampler::run() {
  int64_t spatial = rankOf(input) - 2;
  if (spatial < 1 || rankOf(grid) != rankOf(input) || constantDim(dimsOf(grid).back()) != spatial || !isFloat(grid))
    return n.refuse("expects input [N, C, ..] and a grid [N, .., axes]");
  if (!readAttributes() || !n.require(dimsOf(input)[0], dimsOf(grid)[0]))
    return {};
  SmallVector<Axis> axes;
  SmallVector<SmallVector<Tap>> choices;
  size_t combinations = 1;
  for (int64_t i = 0; i < spatial; ++i) {
    axes.push_back(axisAt(i));
    choices.push_back(taps(axes.back()));
    combinations *= choices.back().size();
  }
  Value sum;
  for (size_t combination = 0; combination < combinations; ++combination) {
    SmallVector<Tap> chosen;
    size_t rest = combination;
    for (ArrayRef<Tap> choice : choices) {
      chosen.push_back(choice[rest % choice.size()]);
      rest /= choice.size();
    }
    Value part = sample(chosen, axes);
    sum = sum ? n.add(sum, part) : part;
  }
  DimExprs dims{dimsOf(input)[0], dimsOf(input)[1]}, positions = dimsOf(grid);
  dims.append(positions.begin() + 1, positions.end() - 1);
  return n.reshape(sum, dims);
}

Values gridSample(Node &n) {
  Value input = n.in(0), grid = n.in(1);
  return {input && grid ? Sampler(n, input, grid).run() : Value()};
}

constexpr ConverterEntry kTable[] = {{"GridSample", 16, kNewest, gridSample}};

} // namespace

llvm::ArrayRef<ConverterEntry> sampleConverters() { return kTable; }

} // namespace lathe::importer
