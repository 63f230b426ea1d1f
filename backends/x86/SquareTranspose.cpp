#include "backends/x86/SquareTranspose.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lathe::x86 {

Values transposeSquare(Scalar &s, ArrayRef<Value> rows) {
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < kSquare / 2; ++i) {
    low.append({i, kSquare + i});
    high.append({kSquare / 2 + i, kSquare + kSquare / 2 + i});
  }
  Values square(rows);
  for (int64_t round = 1; round < kSquare; round *= 2) {
    Values next;
    for (int64_t i = 0; i < kSquare / 2; ++i) {
      next.push_back(s.b.create<vector::ShuffleOp>(s.loc, square[i], square[i + kSquare / 2], low));
      next.push_back(s.b.create<vector::ShuffleOp>(s.loc, square[i], square[i + kSquare / 2], high));
    }
    square = next;
  }
  return square;
}

} // namespace lathe::x86
