// The matrices of Winograd's minimal filtering F(m, r) along an axis: m outputs of a filter of r taps from m + r - 1 products.
// With d a patch of the picture and g a filter, the nested form for two axes (y, x) is
//
//   Y = Ay^T [ (Gy g Gx^T) . (By^T d Bx) ] Ax           (. is element-wise)
//
// Made from interpolation points by the Toom-Cook construction. Lavin and Gray, Fast Algorithms for Convolutional Neural
// Networks, 2016; choice of points: Barabasz et al., Error Analysis and Improving the Accuracy of Winograd Convolution, 2020.
#pragma once

#include "backends/x86/Scalar.h"
#include <vector>

namespace lathe::x86 {

/// Row-major, in double precision.
struct Matrix {
  int rows = 0, columns = 0;
  std::vector<double> values;

  Matrix(int rows, int columns) : rows(rows), columns(columns), values(size_t(rows) * columns) {}
  double &at(int row, int column) { return values[size_t(row) * columns + column]; }
  double at(int row, int column) const { return values[size_t(row) * columns + column]; }
};

/// matrix * x, vector by vector; sums that mirrored rows or columns have in common are made once.
Values multiply(Scalar &s, const Matrix &matrix, llvm::ArrayRef<mlir::Value> x);

struct WinogradTransform {
  /// `taps` (r) is 1, 3, 5 or 7; an axis of one tap has one output and nothing to transform. `outputs` (m): 2 or 4, with
  /// outputs + taps - 2 points known to interpolationPoints.
  WinogradTransform(int outputs, int taps);

  int outputs, taps, points; // m, r, m + r - 1
  Matrix input;              // B^T, points x points
  Matrix filter;             // G, points x taps
  Matrix output;             // A^T, outputs x points
};

/// Filters [columns][depth][taps y][taps x] stored transformed, as [panel][point y][point x][depth][nr]; the last panel is
/// filled up with zeros.
struct WinogradPacking {
  int64_t columns = 0, depth = 0, nr = 0;
  int64_t outputs[2] = {1, 1}, taps[2] = {1, 1}; // y, x

  int64_t panels() const { return (columns + nr - 1) / nr; }
  int64_t points(int axis) const { return outputs[axis] + taps[axis] - 1; }
  int64_t products() const { return points(0) * points(1); }
  int64_t panelElements() const { return products() * depth * nr; }
  int64_t sizeBytes() const { return panels() * panelElements() * 4; }
  WinogradTransform transform(int axis) const { return {int(outputs[axis]), int(taps[axis])}; }
  void pack(const float *source, float *out) const;

  mlir::DictionaryAttr toAttribute(mlir::MLIRContext *context) const;
  static WinogradPacking of(mlir::DictionaryAttr packing);
};

} // namespace lathe::x86
