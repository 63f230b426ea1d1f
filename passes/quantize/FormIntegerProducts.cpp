// Products of dequantized operands are computed in integers.
//
//   matmul(dequantize(a, sa, za), dequantize(b, sb, zb))  ->  dequantize(matmul(a, b) {zeros za, zb}, sa * sb)
//   conv(dequantize(x, sx, zx), dequantize(w, sw, zw), bias)  ->  dequantize(conv(x, w) {zeros zx, zw}, sx * sw) + bias
//
// Exact but for rounding: sums are i32, where f32 would round each of them. Assumes 8-bit integers, one scale along what is summed
// over (per tensor, per row of the left or per column of the right operand), and a constant right operand: kernels pack it.
// Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, 2018, section 2.
#include "dialects/support/Decisions.h"
#include "dialects/support/Origin.h"
#include "passes/Passes.h"
#include "passes/quantize/Uniform.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_FORMINTEGERPRODUCTS
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

/// One entry, or all of them along `axis` (counted from the end, the last being 1).
bool liesAlong(Value entries, int64_t axis) {
  DimExprs dims = dimExprs(tensorType(entries));
  for (auto [i, dim] : llvm::enumerate(llvm::reverse(dims)))
    if (int64_t(i) + 1 != axis && constantDim(dim) != 1)
      return false;
  return true;
}

/// `entries` of a tensor's axis `axis` of `rank`, as a vector; a scalar if there is one only. Null stays null.
Value asVector(Value entries, OpBuilder &b) {
  if (!entries)
    return {};
  if (hasOneElement(entries))
    return createReshape(b, entries.getLoc(), entries, {});
  return createReshape(b, entries.getLoc(), entries, {dimProduct(dimExprs(tensorType(entries)), b.getContext())});
}

/// A vector along axis `axis` from the end of a tensor; scalars stay.
Value alongAxis(Value vector, int64_t axis, OpBuilder &b) {
  DimExprs dims = dimExprs(tensorType(vector));
  if (dims.empty())
    return vector;
  dims.append(axis - 1, dimConstant(b.getContext(), 1));
  return createReshape(b, vector.getLoc(), vector, dims);
}

Value product(Value lhs, Value rhs, Location location, OpBuilder &b) {
  auto dims = broadcastDims(dimExprs(tensorType(lhs)), dimExprs(tensorType(rhs)));
  return b.create<BinaryOp>(location, makeTensorType(*dims, b.getF32Type()), BinaryKind::mul, lhs, rhs);
}

/// Why `operand` (null if it isn't dequantized) can't be a factor whose entries lie along `axis`; empty if it can.
std::string reasonAgainst(const std::optional<Uniform> &operand, StringRef name, int64_t axis) {
  if (!operand)
    return (name + " is not quantized").str();
  if (!isByte(operand->integers))
    return (name + " is not of 8-bit integers").str();
  if (!liesAlong(operand->scale, axis) || (operand->zero && !liesAlong(operand->zero, axis)))
    return ("the scales of " + name + " differ along what is summed over").str();
  return "";
}

std::string firstOf(std::string first, llvm::function_ref<std::string()> second) {
  return first.empty() ? second() : first;
}

//===- matrix products -===//

std::string reasonAgainst(MatmulOp op) {
  auto lhs = Uniform::of(op.getLhs()), rhs = Uniform::of(op.getRhs());
  return firstOf(reasonAgainst(lhs, "the left operand", op.getTransLhs() ? 1 : 2), [&] {
    return firstOf(reasonAgainst(rhs, "the right operand", op.getTransRhs() ? 2 : 1), [&]() -> std::string {
      return isConstantExpression(rhs->integers) ? "" : "no operand is constant";
    });
  });
}

/// The left integers with their rows as rows: kernels read no others.
Value rowsOf(MatmulOp op, Value integers, OpBuilder &b) {
  if (!op.getTransLhs())
    return integers;
  auto axes = llvm::to_vector(llvm::seq<int64_t>(0, tensorType(integers).getRank()));
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return createTranspose(b, op.getLoc(), integers, axes);
}

void form(MatmulOp op, OpBuilder &b) {
  auto lhs = Uniform::of(op.getLhs()), rhs = Uniform::of(op.getRhs());
  Location location = fusedLocation({lhs->op, rhs->op, op});
  auto type = makeTensorType(dimExprs(tensorType(op)), b.getI32Type());
  Value sums = b.create<MatmulOp>(location, type, rowsOf(op, lhs->integers, b), rhs->integers, lhs->zero, rhs->zero,
                                  /*trans_lhs=*/false, op.getTransRhs());
  Value rows = alongAxis(asVector(lhs->scale, b), 2, b), columns = asVector(rhs->scale, b);
  Value result = createDequantize(b, location, sums, product(rows, columns, location, b), {});
  moveOrigin(op, result.getDefiningOp());
  op.replaceAllUsesWith(result);
}

//===- convolutions -===//

std::string reasonAgainst(ConvOp op) {
  auto input = Uniform::of(op.getInput()), filter = Uniform::of(op.getFilter());
  return firstOf(reasonAgainst(input, "the input", 0), [&] {
    return firstOf(reasonAgainst(filter, "the filter", tensorType(op.getFilter()).getRank()), [&]() -> std::string {
      return isConstantExpression(filter->integers) ? "" : "the filter is not constant";
    });
  });
}

void form(ConvOp op, OpBuilder &b) {
  auto input = Uniform::of(op.getInput()), filter = Uniform::of(op.getFilter());
  Location location = fusedLocation({input->op, filter->op, op});
  int64_t channelAxis = op.getChannelsLast() ? 1 : tensorType(op).getRank() - 1;
  auto type = makeTensorType(dimExprs(tensorType(op)), b.getI32Type());
  Value sums = b.create<ConvOp>(location, type, input->integers, filter->integers, Value(), asVector(input->zero, b),
                                asVector(filter->zero, b), op.getStrides(), op.getPads(), op.getDilations(),
                                op.getGroup(), op.getChannelsLast());
  Value scale = product(asVector(input->scale, b), asVector(filter->scale, b), location, b);
  Value result = createDequantize(b, location, sums, alongAxis(scale, channelAxis, b), {});
  if (Value bias = op.getBias())
    result = b.create<BinaryOp>(location, op.getType(), BinaryKind::add, result, alongAxis(bias, channelAxis, b));
  moveOrigin(op, result.getDefiningOp());
  op.replaceAllUsesWith(result);
}

struct FormIntegerProducts : impl::FormIntegerProductsBase<FormIntegerProducts> {
  template <class OpT> void visit(OpT op) {
    // Only what somebody has quantized asks for an answer.
    bool isQuantized = llvm::any_of(op->getOperands(), [](Value operand) { return Uniform::of(operand).has_value(); });
    if (!isQuantized)
      return;
    std::string reason = reasonAgainst(op);
    decisions.push_back({nodeName(op->getLoc()), "quantize", reason.empty(),
                         reason.empty() ? "computed in integers" : "computed in f32: " + reason});
    if (!reason.empty())
      return;
    OpBuilder b(op);
    form(op, b);
    op->erase();
  }

  void runOnOperation() override {
    SmallVector<Operation *> products;
    getOperation().walk([&](Operation *op) {
      if (isa<MatmulOp, ConvOp>(op))
        products.push_back(op);
    });
    for (Operation *op : products)
      if (auto matmul = dyn_cast<MatmulOp>(op))
        visit(matmul);
      else
        visit(cast<ConvOp>(op));
    addDecisions(getOperation(), decisions);
    decisions.clear();
  }

  std::vector<Decision> decisions;
};

} // namespace
} // namespace lathe
