// nn.resize, one element: interpolation is separable, so an element is a sum over the neighbours along the first resized
// axis of sums along the next one. Coordinates and weights are in double precision; where they don't depend on the innermost
// loop LLVM moves them out of it.
#include "backends/x86/Elements.h"

using namespace mlir;
using arith::CmpFPredicate;

namespace lathe::x86 {

namespace {
struct ResizedAxis {
  unsigned axis;
  Value in, out;         // sizes, i64
  Value inReal, outReal; // the same, f64
  Value scale;           // f64
  double roiStart, roiEnd;
};

/// A neighbour of a coordinate: its index (cut to the input) and weight (of the summed type).
struct Tap {
  Value index, weight;
};

class ResizeEmitter {
public:
  ResizeEmitter(EmitContext &c, nn::ResizeOp op) : c(c), op(op), element(elementType(op.getInput())) {
    summed = element.isF64() || !isa<FloatType>(element) ? c.f64() : c.f32();
    auto in = dimExprs(tensorType(op.getInput())), out = dimExprs(tensorType(op.getOutput()));
    for (unsigned axis = 0; axis < in.size(); ++axis) {
      double scale = op.getScales()[axis];
      bool isSame = in[axis] == out[axis] && (scale == 0 || scale == 1);
      if (!isSame || op.getCoordinates() == nn::CoordinateMode::tf_crop_and_resize)
        addAxis(axis, in[axis], out[axis], scale);
    }
  }

  Value run(IndexList outputIndices) {
    indices.assign(outputIndices.begin(), outputIndices.end());
    if (op.getCoordinates() == nn::CoordinateMode::tf_crop_and_resize)
      for (const ResizedAxis &axis : axes)
        noteOutside(axis, origin(axis, c.toFloatS(indices[axis.axis], c.f64())));
    Value value = sumFrom(0);
    if (isOutside)
      value = c.select(isOutside, c.real(op.getExtrapolation().convertToDouble(), summed), value);
    if (isa<FloatType>(element))
      return value;
    return emitCast(c, value, summed, element);
  }

private:
  void addAxis(unsigned axis, AffineExpr in, AffineExpr out, double scale) {
    ResizedAxis resized;
    resized.axis = axis;
    resized.in = c.dim(in);
    resized.out = c.dim(out);
    resized.inReal = realOf(in);
    resized.outReal = realOf(out);
    if (scale != 0)
      resized.scale = real(scale);
    else if (auto a = constantDim(in), b = constantDim(out); a && b)
      resized.scale = real(double(*b) / double(std::max<int64_t>(*a, 1)));
    else
      resized.scale = c.divF(resized.outReal, resized.inReal);
    ArrayRef<double> roi = op.getRoi();
    resized.roiStart = roi.empty() ? 0 : roi[axis];
    resized.roiEnd = roi.empty() ? 1 : roi[axis + roi.size() / 2];
    axes.push_back(resized);
  }

  Value real(double value) { return c.real(value, c.f64()); }
  Value realOf(AffineExpr size) {
    if (auto constant = constantDim(size))
      return real(double(*constant));
    return c.toFloatS(c.dim(size), c.f64());
  }
  Value lessOne(Value x) { return c.sub(x, real(1)); }

  /// Input coordinate of output coordinate `x`.
  Value origin(const ResizedAxis &axis, Value x) {
    Value half = real(0.5), length = c.mul(axis.scale, axis.inReal);
    Value center = c.sub(c.divF(c.add(x, half), axis.scale), half);
    switch (op.getCoordinates()) {
    case nn::CoordinateMode::half_pixel:
      return center;
    case nn::CoordinateMode::asymmetric:
      return c.divF(x, axis.scale);
    case nn::CoordinateMode::align_corners: {
      Value isOne = c.eqF(length, real(1));
      Value span = c.select(isOne, real(1), lessOne(length));
      return c.select(isOne, real(0), c.divF(c.mul(x, lessOne(axis.inReal)), span));
    }
    case nn::CoordinateMode::pytorch_half_pixel:
      return c.select(c.gtF(length, real(1)), center, real(-0.5));
    case nn::CoordinateMode::half_pixel_symmetric: {
      Value rest = c.sub(real(1), c.divF(axis.outReal, length));
      return c.add(c.mul(c.mul(axis.inReal, half), rest), center);
    }
    case nn::CoordinateMode::tf_crop_and_resize: {
      Value last = lessOne(axis.inReal);
      Value isMany = c.gtF(axis.outReal, real(1));
      Value steps = c.select(isMany, lessOne(axis.outReal), real(1));
      Value walked = c.divF(c.mul(c.mul(x, real(axis.roiEnd - axis.roiStart)), last), steps);
      Value many = c.add(c.mul(real(axis.roiStart), last), walked);
      return c.select(isMany, many, c.mul(real(0.5 * (axis.roiStart + axis.roiEnd)), last));
    }
    case nn::CoordinateMode::tf_half_pixel_for_nn:
      return c.divF(c.add(x, half), axis.scale);
    }
    return center;
  }

  /// 1 if the right one of two neighbours is the nearest, `ratio` in (0, 1] from the left one.
  Value isRight(Value ratio) {
    switch (op.getNearest()) {
    case nn::NearestMode::round_prefer_floor:
      return c.gtF(ratio, real(0.5));
    case nn::NearestMode::round_prefer_ceil:
      return c.cmp(CmpFPredicate::OGE, ratio, real(0.5));
    case nn::NearestMode::nearest_floor:
      return c.eqF(ratio, real(1));
    case nn::NearestMode::nearest_ceil:
      return c.boolean(true);
    }
    return c.boolean(true);
  }

  Value kernelWeight(Value distance) {
    Value x = c.absF(distance), one = real(1), zero = real(0);
    if (op.getMode() == nn::ResizeMode::linear) {
      Value weight = c.sub(one, x);
      return c.select(c.ltF(weight, zero), zero, weight);
    }
    double a = op.getCubicA().convertToDouble();
    Value near = c.add(c.mul(c.mul(c.sub(c.mul(real(a + 2), x), real(a + 3)), x), x), one);
    Value far = c.mul(real(a), c.sub(c.mul(c.add(c.mul(c.sub(x, real(5)), x), real(8)), x), real(4)));
    Value inner = c.cmp(CmpFPredicate::OLE, x, one);
    return c.select(inner, near, c.select(c.ltF(x, real(2)), far, zero));
  }

  Tap tapAt(const ResizedAxis &axis, Value left, Value step, Value weight) {
    Value index = c.add(left, step);
    if (op.getExcludeOutside())
      weight = c.select(c.cmp(arith::CmpIPredicate::ult, index, axis.in), weight, real(0));
    return {c.clampS(index, c.index(0), c.sub(axis.in, c.index(1))), c.resizeF(weight, summed)};
  }

  /// Sum over the neighbours along resized axis `number` and all later ones.
  Value sumFrom(size_t number) {
    if (number == axes.size())
      return toSummed(c.elementAt(op.getInput(), indices));
    const ResizedAxis &axis = axes[number];
    Value own = indices[axis.axis];
    Value at = origin(axis, c.toFloatS(own, c.f64()));
    Value leftReal = lessOne(c.ceilF(at)), ratio = c.sub(at, leftReal);
    // By way of i32: there are vector conversions for it.
    Value left = c.resizeS(c.b.create<arith::FPToSIOp>(c.loc, c.i32(), leftReal), c.i64());
    auto term = [&](Tap tap) {
      indices[axis.axis] = tap.index;
      return c.mul(tap.weight, sumFrom(number + 1));
    };
    Value result;
    if (op.getMode() == nn::ResizeMode::nearest)
      result = nearest(axis, left, ratio, number);
    else if (op.getAntialias())
      result = antialiased(axis, left, ratio, term);
    else
      result = interpolated(axis, left, ratio, term);
    indices[axis.axis] = own;
    return result;
  }

  Value nearest(const ResizedAxis &axis, Value left, Value ratio, size_t number) {
    Value index = c.select(isRight(ratio), c.add(left, c.index(1)), left);
    indices[axis.axis] = c.clampS(index, c.index(0), c.sub(axis.in, c.index(1)));
    return sumFrom(number + 1);
  }

  Value interpolated(const ResizedAxis &axis, Value left, Value ratio, llvm::function_ref<Value(Tap)> term) {
    bool isCubic = op.getMode() == nn::ResizeMode::cubic;
    Value sum, weights;
    for (int64_t step = isCubic ? -1 : 0; step < (isCubic ? 3 : 2); ++step) {
      Tap tap = tapAt(axis, left, c.index(step), kernelWeight(c.sub(real(double(step)), ratio)));
      Value next = term(tap);
      sum = sum ? c.add(sum, next) : next;
      weights = weights ? c.add(weights, tap.weight) : tap.weight;
    }
    return op.getExcludeOutside() ? c.divF(sum, weights) : sum;
  }

  /// A kernel as wide as the inputs that one output covers.
  Value antialiased(const ResizedAxis &axis, Value left, Value ratio, llvm::function_ref<Value(Tap)> term) {
    Value shrink = c.minimumF(axis.scale, real(1));
    Value reach = real(op.getMode() == nn::ResizeMode::cubic ? 2 : 1);
    Value lowest = c.floorF(c.neg(c.divF(reach, shrink)));
    Value first = c.add(c.b.create<arith::FPToSIOp>(c.loc, c.i64(), lowest), c.index(1));
    Value zero = c.real(0, summed);
    Values sums = c.loop(first, c.sub(c.index(2), first), {zero, zero}, [&](Value step, ValueRange carried) {
      Value distance = c.mul(c.sub(c.toFloatS(step, c.f64()), ratio), shrink);
      Tap tap = tapAt(axis, left, step, kernelWeight(distance));
      return Values{c.add(carried[0], term(tap)), c.add(carried[1], tap.weight)};
    });
    return c.divF(sums[0], sums[1]);
  }

  void noteOutside(const ResizedAxis &axis, Value at) {
    Value outside = c.orI(c.ltF(at, real(0)), c.gtF(at, lessOne(axis.inReal)));
    isOutside = isOutside ? c.orI(isOutside, outside) : outside;
  }

  Value toSummed(Value x) { return isa<FloatType>(element) ? x : emitCast(c, x, element, summed); }

  EmitContext &c;
  nn::ResizeOp op;
  Type element, summed;
  SmallVector<ResizedAxis> axes;
  Indices indices;
  Value isOutside;
};
} // namespace

Value element(EmitContext &c, nn::ResizeOp op, IndexList indices) { return ResizeEmitter(c, op).run(indices); }

} // namespace lathe::x86
