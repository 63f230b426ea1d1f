// Dense f32 matrix arithmetic for quantization at compile time: products, and the factor of second moments. Uses all cores; the same
// bits for any number of them. Functions may be called from several threads.
#pragma once

#include <cstdint>
#include <vector>

namespace lathe {

/// A matrix of the caller's, elements at data[row * rowStride + column * columnStride].
struct MatrixView {
  const float *data;
  int64_t rows, columns, rowStride, columnStride = 1;

  MatrixView transposed() const { return {data, columns, rows, columnStride, rowStride}; }
  MatrixView part(int64_t row, int64_t column, int64_t height, int64_t width) const {
    return {data + row * rowStride + column * columnStride, height, width, rowStride, columnStride};
  }
};

/// A row-major matrix of the caller's, to be written.
struct MatrixTarget {
  float *data;
  int64_t rows, columns, rowStride;
};

enum class MatrixPart { whole, upper }; // upper: what lies below the diagonal is not computed (but may be written)

/// c += factor * a * b, the depth summed in blocks in f32.
void addProduct(MatrixTarget c, MatrixView a, MatrixView b, float factor, MatrixPart part = MatrixPart::whole);

/// Replaces the symmetric `matrix` (size x size, row-major, the upper part is read) by the upper triangle R with R * transposed(R) =
/// matrix; below the diagonal are zeros. False: it is not positive definite as far as f32 tells; the contents are lost then.
bool factorUpper(std::vector<float> &matrix, int64_t size);

/// Sum of squares of the elements of a * R, for dense row-major `a` [rows][size]: what an error of weights `a` does to a product of
/// inputs with these second moments.
double squaredNormOfProduct(const std::vector<float> &a, const std::vector<float> &r, int64_t rows, int64_t size);

} // namespace lathe
