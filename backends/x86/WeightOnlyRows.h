// Few rows times integer weights: the weights are dequantized in registers.
#pragma once

#include "backends/x86/WeightOnlyVectors.h"

namespace lathe::x86 {

/// Emits the product of `tile.rows` rows or fewer, from `first` on. A row's activations are copied once, each multiplied by its
/// slot's factor, so that a slot of the weights needs no shift: sum over slots of (words & mask) * x. What the sum then lacks is
/// made up per group from sums of activations: with w = n - zero, and n - half in the last slot,
///   sum(w * x) = sum(slot * x') + half * sum(x in last slots) - zero * sum(x).
class WeightOnlyRows {
public:
  /// Emits the epilogue's stack memory: to be constructed at the start of the function.
  WeightOnlyRows(EmitContext &context, const WeightOnlyRoot &root, const WeightOnlyShape &shape, TileShape tile);

  virtual ~WeightOnlyRows() = default;

  /// The first row of what follows; 0 at the beginning.
  void beginAt(mlir::Value row) { first = row; }
  /// Copies the rows to scratch memory.
  virtual void prepare();
  /// The rows times panels [begin, end).
  void multiply(mlir::Value begin, mlir::Value end);

protected:
  /// How many of the tile's rows there are.
  virtual mlir::Value rowsInside();
  /// `totals` and the product of a group.
  virtual Accumulators group(WeightVectors::Place place, mlir::ValueRange totals);

  EmitContext &s;
  WeightOnlyRoot root;
  WeightOnlyShape shape;
  TileShape tile;
  WeightVectors weights;
  mlir::Value first;

private:
  void prepareGroup(mlir::Value source, mlir::Value row, mlir::Value group);
  mlir::Value activations(mlir::Value source, mlir::Value begin, mlir::Value end);
  void chunk(mlir::Value panel, int64_t column);
  Accumulators initial(WeightVectors::Place place);
  mlir::Value numbersOf(mlir::Value row, mlir::Value group);
  mlir::Value copyOf(mlir::Value row, mlir::Value group);

  int sumsPerTotal; // independent sums, enough of them to hide an FMA's latency
  TileEpilogue epilogue;
  mlir::Value rows;
};

} // namespace lathe::x86
