// Weights of matrix products as 4-bit integers in groups along the depth, each group with a scale (and a zero point).
#pragma once

#include "dialects/reference/Tensor.h"
#include "passes/quantize/WeightedOperation.h"
#include <vector>

namespace lathe::nn {

/// The numbers (q - zero) * scale of integers q in 0..15; scale > 0, zero in 0..15. Symmetric: zero is 8.
struct Grid {
  float scale = 1, zero = 8;

  float nearest(float x) const; // the integer
  float value(float integer) const { return (integer - zero) * scale; }
};

/// The grid of `count` weights with the least sum of importance * squared error, searched for by shrinking their range, which clips a
/// few of them: with importances (null: 1), and the scale then fitted to the integers by least squares.
Grid fitGrid(const float *weights, const float *importance, int64_t count, bool isSymmetric);

/// A matrix of f32 weights seen as [rows: output channels][depth], dense.
struct WeightMatrix {
  int64_t rows = 0, depth = 0;
  std::vector<float> values;

  /// nullopt: not finite.
  static std::optional<WeightMatrix> of(const WeightedProduct &product);
  const float *row(int64_t number) const { return values.data() + number * depth; }
};

struct GroupedWeights {
  int64_t rows, depth, group;
  bool isSymmetric;
  std::vector<uint8_t> integers; // [rows][depth]
  std::vector<Grid> grids;       // [rows][groups]

  GroupedWeights(int64_t rows, int64_t depth, int64_t group, bool isSymmetric)
      : rows(rows), depth(depth), group(group), isSymmetric(isSymmetric), integers(rows * depth),
        grids(rows * groups()) {}
  int64_t groups() const { return (depth + group - 1) / group; } // the last one may be short
  const Grid &grid(int64_t row, int64_t k) const { return grids[row * groups() + k / group]; }
  float value(int64_t row, int64_t k) const { return grid(row, k).value(integers[row * depth + k]); }
};

/// Each weight becomes the nearest number of its group's grid (fitGrid). `importance` of the columns of the depth, or null.
GroupedWeights roundToNearest(const WeightMatrix &weights, const float *importance, int64_t group, bool isSymmetric);
/// Sum of importance * squared error.
double squaredError(const WeightMatrix &weights, const GroupedWeights &grouped, const float *importance);
/// Symmetric, unless zero points make the error smaller by more than they cost in bytes.
GroupedWeights roundToNearest(const WeightMatrix &weights, const float *importance, int64_t group);

/// The weights dequantized, in the orientation that the product (an nn.matmul) has.
mlir::Value createGrouped(mlir::OpBuilder &b, const WeightedProduct &product, const GroupedWeights &grouped);

} // namespace lathe::nn
