// What 4-bit weights are multiplied by becomes integers of 8 bits.
//
//   matmul(x, dequantize(w, s) {block = 32, bits = 4})
//     ->  matmul(dequantize(quantize(x * (1 / t), 1), t) {block = 32, bits = 8}, dequantize(w, s) {block = 32, bits = 4})
//   t = max(|x|) / 127 of each group, at run time; one division per group
//
// The product reads both as integers: a weight is no number of its own any more, which is what a product of one row takes its
// time for. Of products that say so (`lathe.int4_activations`). Groups are those of the weights, so that each sum of
// integers has one scale. Costs precision: the error is below 1/254 of a group's largest magnitude, a hundredth of what 4-bit
// weights lose.
#include "dialects/support/Decisions.h"
#include "passes/Passes.h"
#include "passes/quantize/Precision.h"
#include "passes/quantize/Uniform.h"
#include <limits>

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_ROUNDACTIVATIONS
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

constexpr double kMostInteger = 127;

/// The size of the groups that the product's operands are cut into; nullopt: its activations stay f32.
std::optional<int64_t> groupOf(MatmulOp matmul) {
  auto weights = matmul.getRhs().getDefiningOp<DequantizeOp>();
  RankedTensorType x = tensorType(matmul.getLhs());
  if (!weights || weights.getBits() != 4 || weights.getBlock() < kLeastGroupSize || matmul.getTransLhs() ||
      x.getRank() < 2 || x.isDynamicDim(x.getRank() - 1))
    return std::nullopt;
  int64_t depth = x.getShape().back(), group = weights.getBlock();
  return depth > 0 && depth % group == 0 && llvm::isPowerOf2_64(uint64_t(group)) ? std::optional(group) : std::nullopt;
}

Value reshaped(Value x, ArrayRef<AffineExpr> dims, OpBuilder &b) {
  return b.create<ReshapeOp>(x.getLoc(), makeTensorType(dims, tensorType(x).getElementType()), x);
}

struct Scales {
  Value scales, inverses;
};

/// Largest magnitudes by the largest integer, more than 0.
Scales scalesOf(Value groups, OpBuilder &b) {
  Location location = groups.getLoc();
  int64_t last = tensorType(groups).getRank() - 1;
  Value most = b.create<ReduceOp>(location, ReduceKind::max, createUnary(b, location, UnaryKind::abs, groups),
                                  ArrayRef<int64_t>{last}, /*keepdims=*/true);
  auto number = [&](double value) { return createScalar(b, location, b.getF32Type(), value); };
  auto binary = [&](BinaryKind kind, Value x, Value y) -> Value {
    return b.create<BinaryOp>(location, most.getType(), kind, x, y);
  };
  // The inverse is finite.
  most = binary(BinaryKind::max, most, number(kMostInteger * double(std::numeric_limits<float>::min())));
  return {binary(BinaryKind::mul, most, number(1 / kMostInteger)), binary(BinaryKind::div, number(kMostInteger), most)};
}

/// x, rounded in groups along its last axis.
Value rounded(Value x, int64_t group, OpBuilder &b) {
  DimExprs shape = dimExprs(tensorType(x)), scales = shape, groups = shape;
  scales.back() = groups.back() = simplifyDim(shape.back().floorDiv(group));
  groups.push_back(b.getAffineConstantExpr(group));
  Value grouped = reshaped(x, groups, b);
  auto [scale, inverse] = scalesOf(grouped, b);
  Value scaled = b.create<BinaryOp>(x.getLoc(), grouped.getType(), BinaryKind::mul, grouped, inverse);
  Value one = createScalar(b, x.getLoc(), b.getF32Type(), 1);
  Value integers = createQuantize(b, x.getLoc(), scaled, one, {}, b.getIntegerType(8));
  auto result = b.create<DequantizeOp>(x.getLoc(), x.getType(), reshaped(integers, shape, b),
                                       reshaped(scale, scales, b), Value());
  result.setAxis(int64_t(shape.size()) - 1);
  result.setBlock(group);
  result.setBits(8);
  return result;
}

struct RoundActivations : impl::RoundActivationsBase<RoundActivations> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    function.walk([&](MatmulOp matmul) {
      bool isAsked = bool(matmul->removeAttr(kRoundedActivations));
      std::optional<int64_t> group = isAsked ? groupOf(matmul) : std::nullopt;
      OpBuilder b(matmul);
      if (!group)
        return;
      matmul.getLhsMutable().assign(rounded(matmul.getLhs(), *group, b));
      decisions.push_back({nodeName(matmul.getLoc()), "quantize", true,
                           "activations become integers of 8 bits, in groups of " + std::to_string(*group)});
    });
    addDecisions(function, decisions);
    decisions.clear();
  }

  std::vector<Decision> decisions;
};

} // namespace
} // namespace lathe
