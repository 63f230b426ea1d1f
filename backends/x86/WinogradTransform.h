// The matrices of Winograd's minimal filtering F(m x m, 3 x 3): with d a patch of the picture and g a filter,
//
//   Y = A^T [ (G g G^T) . (B^T d B) ] A           (. is element-wise; patches are (m + 2) x (m + 2), results m x m)
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
  static constexpr int kTaps = 3;
  /// `outputs` (m): 2 or 4.
  explicit WinogradTransform(int outputs);

  int outputs, points; // m, m + 2
  Matrix input;        // B^T, points x points
  Matrix filter;       // G, points x 3
  Matrix output;       // A^T, outputs x points
};

/// Filters [columns][depth][3][3] stored transformed, as [panel][point y * points + point x][depth][nr]; the last panel is
/// filled up with zeros.
struct WinogradPacking {
  int64_t columns = 0, depth = 0, outputs = 0, nr = 0;

  int64_t panels() const { return (columns + nr - 1) / nr; }
  int64_t products() const { return (outputs + 2) * (outputs + 2); }
  int64_t panelElements() const { return products() * depth * nr; }
  int64_t sizeBytes() const { return panels() * panelElements() * 4; }
  void pack(const float *source, float *out) const;

  mlir::DictionaryAttr toAttribute(mlir::MLIRContext *context) const;
  static WinogradPacking of(mlir::DictionaryAttr packing);
};

} // namespace lathe::x86
