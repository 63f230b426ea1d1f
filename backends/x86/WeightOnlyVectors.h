// Packed integer weights, scales and zero points as vectors of columns.
#pragma once

#include "backends/x86/WeightOnlyPlan.h"

namespace lathe::x86 {

class WeightVectors {
public:
  WeightVectors(EmitContext &context, const WeightOnlyRoot &root, const WeightOnlyShape &shape, int lanes);

  /// Panel, group along the depth (both i64), and first column in the panel of what is read (i64).
  struct Place {
    mlir::Value panel, group;
    mlir::Value column;
  };
  /// Brings what lies some way behind a step's words, or a group's scales, to L2, in the order in which all are read.
  void prefetchWords(Place place, mlir::Value step, int64_t columns);
  void prefetchScales(Place place, int64_t columns);
  /// A vector of words (i32), those of the group's step `step`.
  mlir::Value words(Place place, mlir::Value step);
  /// The integers of a slot as numbers: n * 2^(bits * slot); the last slot's are n - half.
  mlir::Value scaledSlot(mlir::Value words, int64_t slot);
  /// What a slot's numbers are to be multiplied by.
  double slotFactor(int64_t slot) const;
  mlir::Value scales(Place place);
  mlir::Value zeros(Place place);
  /// The zero point of all weights, if it is one.
  std::optional<double> zeroNumber() const { return shape.zero.number; }

  mlir::VectorType floats() { return mlir::VectorType::get({lanes}, s.f32()); }
  mlir::Value spread(mlir::Value x);

private:
  mlir::Value wordsAt(Place place, mlir::Value step);
  mlir::Value entryOffset(const WeightEntries &entries, Place place);
  mlir::Value input(mlir::Value operand);

  EmitContext &s;
  WeightOnlyShape shape;
  int lanes;
  mlir::Value integerBase, scaleBase, zeroBase;
};

} // namespace lathe::x86
