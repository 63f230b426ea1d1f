#include "backends/x86/StepProduct.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr unsigned kAlign = 4; // outputs of the caller, in which states are kept, promise no more

class StepProduct {
public:
  StepProduct(Scalar &s, ProductShape shape, ArrayRef<Value> states, Value panel)
      : s(s), shape(shape), states(states), panel(panel),
        type(VectorType::get({shape.lanes}, Float32Type::get(s.b.getContext()))) {
    constexpr int64_t kEnoughSums = 8, kMostParts = 4; // an FMA takes 4 cycles, two begin in each
    int64_t sums = states.size() * shape.gates;
    while (parts < kMostParts && parts * sums < kEnoughSums)
      parts *= 2;
  }

  Values run(Value isZero) {
    constexpr int64_t kUnroll = 4;
    Value zero = s.b.create<arith::ConstantOp>(s.loc, DenseElementsAttr::get(type, 0.0f));
    Values sums(parts * sumsPerPart(), zero);
    int64_t trips = shape.hidden / kUnroll;
    sums = steps(sums, s.index(0), s.select(isZero, s.index(0), s.index(trips)), kUnroll);
    if (shape.hidden % kUnroll)
      sums =
          steps(sums, s.index(trips * kUnroll), s.select(isZero, s.index(trips * kUnroll), s.index(shape.hidden)), 1);
    return joinParts(sums);
  }

private:
  size_t sumsPerPart() const { return states.size() * shape.gates; }

  /// Trips from `from` to `to` over `unroll` k each.
  Values steps(const Values &sums, Value from, Value to, int64_t unroll) {
    return s.loop(from, to, sums, [&](Value trip, ValueRange carried) {
      Values next(carried.begin(), carried.end());
      Value k = s.mul(trip, s.index(unroll));
      for (int64_t u = 0; u < unroll; ++u)
        step(MutableArrayRef(next).slice(u % parts * sumsPerPart(), sumsPerPart()), s.add(k, s.index(u)));
      return next;
    });
  }

  void step(MutableArrayRef<Value> sums, Value k) {
    const int64_t rows = states.size();
    auto addProduct = [&](Value state, Value weights, int64_t row, int64_t gate) {
      Value &sum = sums[row * shape.gates + gate];
      sum = s.b.create<vector::FMAOp>(s.loc, state, weights, sum);
    };
    Values kept; // the fewer of the two
    for (int64_t i = 0; i < std::min(rows, shape.gates); ++i)
      kept.push_back(rows < shape.gates ? stateAt(i, k) : weightsAt(i, k));
    for (int64_t i = 0; i < std::max(rows, shape.gates); ++i) {
      Value used = rows < shape.gates ? weightsAt(i, k) : stateAt(i, k);
      for (auto [j, other] : llvm::enumerate(kept))
        rows < shape.gates ? addProduct(other, used, j, i) : addProduct(used, other, i, j);
    }
  }

  Value stateAt(int64_t row, Value k) {
    return s.b.create<vector::BroadcastOp>(s.loc, type, s.loadRaw(states[row], s.f32(), k, kAlign));
  }
  Value weightsAt(int64_t gate, Value k) {
    Value offset = s.add(s.mul(k, s.index(shape.panelGates * shape.lanes)), s.index(gate * shape.lanes));
    if (!shape.isInteger)
      return s.b.create<LLVM::LoadOp>(s.loc, type, s.address(panel, s.f32(), offset), kAlign);
    Type bytes = VectorType::get({shape.lanes}, s.b.getI8Type());
    Type words = VectorType::get({shape.lanes}, s.b.getI32Type());
    Value integers = s.b.create<LLVM::LoadOp>(s.loc, bytes, s.address(panel, s.i8(), offset), 1);
    return s.b.create<arith::SIToFPOp>(s.loc, type, s.b.create<arith::ExtSIOp>(s.loc, words, integers));
  }

  Values joinParts(const Values &sums) {
    Values joined(sums.begin(), sums.begin() + sumsPerPart());
    for (int64_t part = 1; part < parts; ++part)
      for (size_t i = 0; i < joined.size(); ++i)
        joined[i] = s.add(joined[i], sums[part * sumsPerPart() + i]);
    return joined;
  }

  Scalar &s;
  ProductShape shape;
  ArrayRef<Value> states;
  Value panel;
  VectorType type;
  int64_t parts = 1;
};
} // namespace

Values stepProduct(Scalar &s, ProductShape shape, ArrayRef<Value> states, Value panel, Value isZero) {
  return StepProduct(s, shape, states, panel).run(isZero);
}

} // namespace lathe::x86
