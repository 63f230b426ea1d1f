// Few rows of 8-bit integers times 4-bit weights: a weight is a byte, no number.
#pragma once

#include "backends/x86/WeightOnlyRows.h"

namespace lathe::x86 {

/// The product of `tile.rows` rows, no less, integers with a scale per group. Weights, 0 to 15, are multiplied as unsigned bytes:
///   sum(w * x) = scales * (sum(n * q) - zero * sum(q))   in each group
/// Sums are exact: by dot products of the processor, or in i16 (vpmaddubsw) over 32 steps of the depth, where 16 * 15 * 128 fit.
class WeightOnlyBytes : public WeightOnlyRows {
public:
  using WeightOnlyRows::WeightOnlyRows;

  /// Sums of the rows' groups, to scratch memory.
  void prepare() override;

protected:
  mlir::Value rowsInside() override { return s.index(tile.rows); }
  Accumulators group(WeightVectors::Place place, mlir::ValueRange totals) override;

private:
  mlir::Value sumOf(mlir::Value row, mlir::Value group);
  mlir::Value bytes(mlir::Value row, mlir::Value group, mlir::Value offset);
  Accumulators integers(WeightVectors::Place place);
  void addSteps(Accumulators &sums, WeightVectors::Place place, mlir::Value first, int64_t count);
  void addDots(Accumulators &sums, WeightVectors::Place place, mlir::Value step);
  void addWords(Accumulators &words, WeightVectors::Place place, mlir::Value step);
  mlir::Value half(mlir::Value words, bool isUpper);
  WeightVectors::Place placeOf(WeightVectors::Place place, int v);
};

} // namespace lathe::x86
