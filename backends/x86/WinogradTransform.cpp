#include "backends/x86/WinogradTransform.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>

using namespace mlir;

namespace lathe::x86 {

namespace {
/// `count` finite points; the last point of each transform is infinity. Pairs of opposite points halve the sums. Measured on
/// random data, the error against a direct sum in f32 is 0.8 times as large for F(2, 3), 1.0 for F(2, 5), 1.3 for F(4, 3)
/// and 2.4 for F(4, 5) along an axis, 1.6 for F(4 x 4, 3 x 3) (3.5 with the common points 0, +-1, +-2).
std::vector<double> interpolationPoints(int count) {
  if (count == 3)
    return {0, 1, -1};
  if (count == 5)
    return {0, 0.75, -0.75, 1.5, -1.5};
  assert(count == 7 && "no points for so many outputs and taps");
  return {0, 0.5, -0.5, 1, -1, 2, -2};
}

/// Coefficients, lowest first, of the product of (x - points[l]) over all l but `left_out`.
std::vector<double> polynomial(const std::vector<double> &points, size_t leftOut) {
  std::vector<double> coefficients = {1};
  for (size_t l = 0; l < points.size(); ++l) {
    if (l == leftOut)
      continue;
    coefficients.push_back(0);
    for (size_t i = coefficients.size() - 1; i > 0; --i)
      coefficients[i] = coefficients[i - 1] - points[l] * coefficients[i];
    coefficients[0] *= -points[l];
  }
  return coefficients;
}

/// Whether row + 1 is the row with its odd columns negated.
bool mirrorsRow(const Matrix &matrix, int row) {
  for (int column = 0; column < matrix.columns; ++column)
    if (row + 1 >= matrix.rows || matrix.at(row + 1, column) != (column % 2 ? -1 : 1) * matrix.at(row, column))
      return false;
  return true;
}

/// Whether column + 1 is the column with its odd rows negated.
bool mirrorsColumn(const Matrix &matrix, int column) {
  for (int row = 0; row < matrix.rows; ++row)
    if (column + 1 >= matrix.columns || matrix.at(row, column + 1) != (row % 2 ? -1 : 1) * matrix.at(row, column))
      return false;
  return true;
}

/// The sum of row[c] * x[c] over c = first, first + step, ...
Value weightedSum(Scalar &s, const Matrix &matrix, int row, ArrayRef<Value> x, int first, int step) {
  Value sum;
  for (int column = first; column < matrix.columns; column += step) {
    double factor = matrix.at(row, column);
    if (factor == 0 || !x[column])
      continue;
    auto type = cast<VectorType>(x[column].getType());
    Value constant = s.b.create<arith::ConstantOp>(s.loc, DenseElementsAttr::get(type, float(factor)));
    if (sum)
      sum = s.b.create<vector::FMAOp>(s.loc, x[column], constant, sum);
    else
      sum = factor == 1 ? x[column] : s.b.create<arith::MulFOp>(s.loc, x[column], constant).getResult();
  }
  return sum;
}

/// The product of (points[j] - points[l]) over all other l.
double spread(const std::vector<double> &points, size_t j) {
  double product = 1;
  for (size_t l = 0; l < points.size(); ++l)
    product *= l == j ? 1 : points[j] - points[l];
  return product;
}
} // namespace

Values multiply(Scalar &s, const Matrix &matrix, ArrayRef<Value> x) {
  Values even(x), odd(x); // what even and odd rows multiply
  for (int column = 0; column < matrix.columns; ++column)
    if (mirrorsColumn(matrix, column)) {
      even[column] = s.b.create<arith::AddFOp>(s.loc, x[column], x[column + 1]);
      odd[column] = s.b.create<arith::SubFOp>(s.loc, x[column], x[column + 1]);
      even[column + 1] = odd[column + 1] = Value();
      ++column;
    }
  Values products;
  for (int row = 0; row < matrix.rows; ++row) {
    if (!mirrorsRow(matrix, row)) {
      products.push_back(weightedSum(s, matrix, row, row % 2 ? odd : even, 0, 1));
      continue;
    }
    Value evenSum = weightedSum(s, matrix, row, x, 0, 2), oddSum = weightedSum(s, matrix, row, x, 1, 2);
    products.push_back(s.b.create<arith::AddFOp>(s.loc, evenSum, oddSum));
    products.push_back(s.b.create<arith::SubFOp>(s.loc, evenSum, oddSum));
    ++row;
  }
  return products;
}

WinogradTransform::WinogradTransform(int outputs, int taps)
    : outputs(outputs), taps(taps), points(outputs + taps - 1), input(points, points), filter(points, taps),
      output(outputs, points) {
  std::vector<double> finite = points == 1 ? std::vector<double>() : interpolationPoints(points - 1);
  for (int j = 0; j < points - 1; ++j) {
    double scale = spread(finite, j);
    std::vector<double> row = polynomial(finite, j);
    for (int i = 0; i < points - 1; ++i)
      input.at(j, i) = row[i];
    for (int k = 0; k < taps; ++k)
      filter.at(j, k) = std::pow(finite[j], k) / scale;
    for (int i = 0; i < outputs; ++i)
      output.at(i, j) = std::pow(finite[j], i);
  }
  std::vector<double> last = polynomial(finite, finite.size());
  for (int i = 0; i < points; ++i)
    input.at(points - 1, i) = last[i];
  filter.at(points - 1, taps - 1) = 1;
  output.at(outputs - 1, points - 1) = 1;
}

void WinogradPacking::pack(const float *source, float *out) const {
  const WinogradTransform ty = transform(0), tx = transform(1);
  for (int64_t column = 0; column < columns; ++column)
    for (int64_t k = 0; k < depth; ++k, source += taps[0] * taps[1]) {
      float *to = out + column / nr * panelElements() + k * nr + column % nr;
      for (int y = 0; y < ty.points; ++y) {
        std::vector<double> sums(tx.taps);
        for (int ky = 0; ky < ty.taps; ++ky)
          for (int kx = 0; kx < tx.taps; ++kx)
            sums[kx] += ty.filter.at(y, ky) * source[ky * tx.taps + kx];
        for (int x = 0; x < tx.points; ++x, to += depth * nr) {
          double value = 0;
          for (int kx = 0; kx < tx.taps; ++kx)
            value += tx.filter.at(x, kx) * sums[kx];
          *to = float(value);
        }
      }
    }
}

DictionaryAttr WinogradPacking::toAttribute(MLIRContext *context) const {
  Builder b(context);
  auto panels = b.getDenseI64ArrayAttr({columns, depth, nr, outputs[0], outputs[1], taps[0], taps[1]});
  return b.getDictionaryAttr({b.getNamedAttr("kind", b.getStringAttr("winograd")), b.getNamedAttr("panels", panels)});
}

WinogradPacking WinogradPacking::of(DictionaryAttr packing) {
  auto v = packing.getAs<DenseI64ArrayAttr>("panels").asArrayRef();
  return {v[0], v[1], v[2], {v[3], v[4]}, {v[5], v[6]}};
}

} // namespace lathe::x86
