#include "compiler/quantize/Matrix.h"
#include "llvm/Support/Parallel.h"
#include <algorithm>
#include <cmath>
#include <cstring>

// With FMA where the CPU has it.
#define LATHE_VECTORIZED __attribute__((target_clones("default", "arch=x86-64-v3")))

namespace lathe {

namespace {
constexpr int64_t kTileRows = 6, kTileColumns = 16, kDepth = 256; // of a tile of c, and of what is summed at once
using Vector = float __attribute__((vector_size(32)));

int64_t blocksOf(int64_t size, int64_t block) { return (size + block - 1) / block; }

/// Panels of `width` columns of a view [depth][columns], as [panel][depth][width], filled up with zeros.
void packPanels(MatrixView view, int64_t width, std::vector<float> &out) {
  const int64_t panels = blocksOf(view.columns, width);
  out.resize(size_t(panels * view.rows * width));
  for (int64_t panel = 0; panel < panels; ++panel) {
    const int64_t begin = panel * width, count = std::min(width, view.columns - begin);
    float *to = out.data() + panel * view.rows * width;
    for (int64_t k = 0; k < view.rows; ++k, to += width) {
      const float *from = view.data + k * view.rowStride + begin * view.columnStride;
      for (int64_t j = 0; j < count; ++j)
        to[j] = from[j * view.columnStride];
      std::fill(to + count, to + width, 0.0f);
    }
  }
}

/// tile = a * b for packed panels.
LATHE_VECTORIZED void multiplyPanels(const float *a, const float *b, int64_t depth, float *tile) {
  Vector sums[kTileRows][2] = {};
  for (int64_t k = 0; k < depth; ++k, a += kTileRows, b += kTileColumns) {
    Vector first, second;
    std::memcpy(&first, b, sizeof(Vector));
    std::memcpy(&second, b + 8, sizeof(Vector));
#pragma clang loop unroll(full)
    for (int64_t i = 0; i < kTileRows; ++i) {
      sums[i][0] += a[i] * first;
      sums[i][1] += a[i] * second;
    }
  }
  std::memcpy(tile, sums, sizeof(sums));
}

void addTile(MatrixTarget c, int64_t row, int64_t column, const float *tile, float factor) {
  const int64_t height = std::min(kTileRows, c.rows - row), width = std::min(kTileColumns, c.columns - column);
  for (int64_t i = 0; i < height; ++i)
    for (int64_t j = 0; j < width; ++j)
      c.data[(row + i) * c.rowStride + column + j] += factor * tile[i * kTileColumns + j];
}

/// x * transposed(r) = h for one row, r an upper triangle [size][stride]; from h to x.
LATHE_VECTORIZED void solveRow(float *x, const float *r, int64_t size, int64_t stride) {
#pragma clang fp reassociate(on) contract(fast)
  for (int64_t j = size - 1; j >= 0; --j) {
    float sum = 0;
    for (int64_t l = j + 1; l < size; ++l)
      sum += x[l] * r[j * stride + l];
    x[j] = (x[j] - sum) / r[j * stride + j];
  }
}

/// factorUpper of a small matrix with a stride.
bool factorBlock(float *matrix, int64_t size, int64_t stride) {
  for (int64_t j = size - 1; j >= 0; --j) {
    double pivot = matrix[j * stride + j];
    for (int64_t l = j + 1; l < size; ++l)
      pivot -= double(matrix[j * stride + l]) * matrix[j * stride + l];
    if (!(pivot > 0))
      return false;
    const double root = std::sqrt(pivot);
    matrix[j * stride + j] = float(root);
    for (int64_t i = 0; i < j; ++i) {
      double sum = matrix[i * stride + j];
      for (int64_t l = j + 1; l < size; ++l)
        sum -= double(matrix[i * stride + l]) * matrix[j * stride + l];
      matrix[i * stride + j] = float(sum / root);
    }
  }
  return true;
}
} // namespace

void addProduct(MatrixTarget c, MatrixView a, MatrixView b, float factor, MatrixPart part) {
  const int64_t panelsOfA = blocksOf(c.rows, kTileRows), panelsOfB = blocksOf(c.columns, kTileColumns);
  std::vector<float> left, right;
  for (int64_t begin = 0; begin < a.columns; begin += kDepth) {
    const int64_t depth = std::min(kDepth, a.columns - begin);
    packPanels(a.part(0, begin, a.rows, depth).transposed(), kTileRows, left);
    packPanels(b.part(begin, 0, depth, b.columns), kTileColumns, right);
    llvm::parallelFor(0, size_t(panelsOfA), [&](size_t panelOfA) {
      const int64_t row = int64_t(panelOfA) * kTileRows;
      const int64_t firstPanel = part == MatrixPart::upper ? row / kTileColumns : 0;
      float tile[kTileRows * kTileColumns];
      for (int64_t panelOfB = firstPanel; panelOfB < panelsOfB; ++panelOfB) {
        multiplyPanels(left.data() + row * depth, right.data() + panelOfB * kTileColumns * depth, depth, tile);
        addTile(c, row, panelOfB * kTileColumns, tile, factor);
      }
    });
  }
}

bool factorUpper(std::vector<float> &matrix, int64_t size) {
  constexpr int64_t block = 96;
  for (int64_t end = size; end > 0;) {
    const int64_t begin = std::max<int64_t>(0, end - block), width = end - begin;
    float *diagonal = matrix.data() + begin * size + begin;
    if (!factorBlock(diagonal, width, size))
      return false;
    llvm::parallelFor(0, size_t(begin), [&](size_t row) {
      solveRow(matrix.data() + int64_t(row) * size + begin, diagonal, width, size);
    });
    const MatrixView column{matrix.data() + begin, begin, width, size};
    if (begin > 0)
      addProduct({matrix.data(), begin, begin, size}, column, column.transposed(), -1, MatrixPart::upper);
    end = begin;
  }
  for (int64_t row = 1; row < size; ++row)
    std::fill_n(matrix.begin() + row * size, row, 0.0f);
  return true;
}

double squaredNormOfProduct(const std::vector<float> &a, const std::vector<float> &r, int64_t rows, int64_t size) {
  std::vector<float> product(a.size());
  addProduct({product.data(), rows, size, size}, {a.data(), rows, size, size}, {r.data(), size, size, size}, 1);
  double sum = 0;
  for (float value : product)
    sum += double(value) * value;
  return sum;
}

} // namespace lathe
