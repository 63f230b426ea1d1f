// A transposed convolution becomes a convolution that computes each stride x stride block of the output as so many channels, and
// a rearrangement of these channels (sub-pixel convolution).
//
//   out = conv_transpose(x, w, b)                       stride s, kernel k, pads p
//   ->  y = conv(x, w', b')                             stride 1, kernel T = ceil(k / s), channels s * s * M
//       out = slice(interleave(y), p)
//
// Along one axis: output position q = o + p takes input i with q = i * s + kernel position; with q = j * s + r the kernel
// positions are r + s * t and the inputs j - t, t < T: a convolution over j for each phase r, with the kernel read backwards. Where
// the windows do not overlap (k = s) no product is added; else kernels are filled up with zeros to a multiple of s.
//
// Assumes channels last and constant filters; wrong for groups and dilations, which stay as they are.
// Shi et al., Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel CNN, 2016.
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"
#include "passes/support/Match.h"

using namespace mlir;

namespace lathe {
#define GEN_PASS_DEF_EXPANDCONVTRANSPOSE
#include "passes/Passes.h.inc"

namespace {
using namespace nn;

/// Operations on constants and shapes at one location.
struct Maker {
  OpBuilder &b;
  Location loc;

  AffineExpr constant(int64_t value) { return dimConstant(b.getContext(), value); }
  DimExprs constants(ArrayRef<int64_t> values) {
    DimExprs dims;
    for (int64_t value : values)
      dims.push_back(constant(value));
    return dims;
  }
  RankedTensorType typeOf(ArrayRef<AffineExpr> dims, Value like) {
    return makeTensorType(dims, tensorType(like).getElementType());
  }
  Value reshape(Value value, ArrayRef<AffineExpr> dims) { return createReshape(b, loc, value, dims); }
  Value reshape(Value value, ArrayRef<int64_t> dims) { return reshape(value, constants(dims)); }
  Value transpose(Value value, ArrayRef<int64_t> permutation) { return createTranspose(b, loc, value, permutation); }
  AffineMap map(ArrayRef<int64_t> values) { return symbolMap(constants(values), b.getContext()); }
};

/// Sizes of one transposed convolution.
struct Expansion {
  SmallVector<int64_t> stride, kernel, taps; // per spatial axis
  int64_t inputs, outputs, phases = 1;

  explicit Expansion(ConvTransposeOp op) {
    auto filter = tensorType(op.getFilter());
    inputs = filter.getDimSize(0);
    outputs = filter.getDimSize(1);
    for (auto [axis, step] : llvm::enumerate(op.getStrides())) {
      stride.push_back(step);
      kernel.push_back(filter.getDimSize(axis + 2));
      taps.push_back(llvm::divideCeil(kernel.back(), step));
      phases *= step;
    }
  }
  size_t axes() const { return stride.size(); }
};

/// [C, M, k..] -> [phases.. * M, C, T..], kernels reversed.
Value phaseFilter(Maker make, Value filter, const Expansion &e) {
  size_t n = e.axes();
  SmallVector<int64_t> padded = {e.inputs, e.outputs}, split = padded, starts = {0, 0}, steps = {1, 1};
  for (size_t axis = 0; axis < n; ++axis) {
    padded.push_back(e.taps[axis] * e.stride[axis]);
    split.append({e.taps[axis], e.stride[axis]});
    starts.append({e.taps[axis] - 1, 0});
    steps.append({-1, 1});
  }
  SmallVector<int64_t> zeros(padded.size(), 0), permutation, final = {e.phases * e.outputs, e.inputs};
  Value value = make.b.create<PadOp>(make.loc, make.typeOf(make.constants(padded), filter), filter, Value(),
                                     make.map(zeros), PadMode::constant);
  value = make.reshape(value, split);
  value = make.b.create<SliceOp>(make.loc, value.getType(), value, make.map(starts), steps);
  for (size_t axis = 0; axis < n; ++axis)
    permutation.push_back(3 + 2 * axis);
  permutation.append({1, 0});
  for (size_t axis = 0; axis < n; ++axis) {
    permutation.push_back(2 + 2 * axis);
    final.push_back(e.taps[axis]);
  }
  return make.reshape(make.transpose(value, permutation), final);
}

/// [M] -> [phases * M]
Value phaseBias(Maker make, Value bias, const Expansion &e) {
  if (!bias)
    return {};
  DimExprs dims = make.constants({e.phases, e.outputs});
  Value repeated = make.b.create<BroadcastOp>(make.loc, make.typeOf(dims, bias), bias);
  return make.reshape(repeated, ArrayRef<int64_t>{e.phases * e.outputs});
}

/// [N, J.., phases.. * M] -> [N, J * stride.., M]
Value interleave(Maker make, Value value, const Expansion &e) {
  size_t n = e.axes();
  DimExprs dims = dimExprs(tensorType(value)), split(dims.begin(), dims.end() - 1), joined = {dims.front()};
  SmallVector<int64_t> permutation = {0};
  for (size_t axis = 0; axis < n; ++axis) {
    split.push_back(make.constant(e.stride[axis]));
    permutation.append({int64_t(1 + axis), int64_t(1 + n + axis)});
    joined.push_back(dims[1 + axis] * e.stride[axis]);
  }
  split.push_back(make.constant(e.outputs));
  permutation.push_back(1 + 2 * n);
  joined.push_back(make.constant(e.outputs));
  return make.reshape(make.transpose(make.reshape(value, split), permutation), joined);
}

struct ExpandToConv : OpRewritePattern<ConvTransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ConvTransposeOp op, PatternRewriter &b) const override {
    if (!op.getChannelsLast())
      return b.notifyMatchFailure(op, "expects channels last");
    if (op.getGroup() != 1 || llvm::any_of(op.getDilations(), [](int64_t d) { return d != 1; }))
      return b.notifyMatchFailure(op, "has groups or dilations");
    if (!isConstantExpression(op.getFilter()) || !tensorType(op.getFilter()).hasStaticShape())
      return b.notifyMatchFailure(op, "expects a constant filter");
    if (op.getBias() && !isConstantExpression(op.getBias()))
      return b.notifyMatchFailure(op, "expects a constant bias");

    Maker make{b, op.getLoc()};
    Expansion e(op);
    SmallVector<int64_t> ones(e.axes(), 1), pads, starts = {0}, steps(e.axes() + 2, 1);
    for (int side = 0; side < 2; ++side)
      for (int64_t taps : e.taps)
        pads.push_back(taps - 1);
    for (size_t axis = 0; axis < e.axes(); ++axis)
      starts.push_back(op.getPads()[axis]);
    starts.push_back(0);
    if (llvm::any_of(starts, [](int64_t start) { return start < 0; }))
      return b.notifyMatchFailure(op, "has negative pads");
    if (!fits(op, e))
      return b.notifyMatchFailure(op, "has output beyond the last window");
    Value conv = b.create<ConvOp>(op.getLoc(), op.getInput(), phaseFilter(make, op.getFilter(), e),
                                  phaseBias(make, op.getBias(), e), Value(), Value(), ones, pads, ones, 1, true);
    Value whole = interleave(make, conv, e);
    b.replaceOpWithNewOp<SliceOp>(op, op.getType(), whole, make.map(starts), steps);
    return success();
  }

  /// The output ends inside what the convolution covers: positions up to (in + taps - 1) * stride.
  static bool fits(ConvTransposeOp op, const Expansion &e) {
    DimExprs in = dimExprs(tensorType(op.getInput())), out = dimExprs(tensorType(op.getOutput()));
    for (size_t axis = 0; axis < e.axes(); ++axis) {
      AffineExpr spare = (in[1 + axis] + (e.taps[axis] - 1)) * e.stride[axis] - out[1 + axis] - op.getPads()[axis];
      auto known = constantDim(simplifyDim(spare));
      if (!known || *known < 0)
        return false;
    }
    return true;
  }
};

struct ExpandConvTranspose : impl::ExpandConvTransposeBase<ExpandConvTranspose> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandToConv>(&getContext());
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace lathe
