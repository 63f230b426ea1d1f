#include "backends/x86/Reductions.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
/// Products of 8-bit integers are of their differences from zero points.
Value factor(EmitContext &c, Value operand, IndexList indices, Value zero) {
  Type type = elementType(operand);
  return type.isInteger(8) ? emitCentered(c, c.elementAt(operand, indices), zero, type) : c.elementAt(operand, indices);
}
} // namespace

Value element(EmitContext &c, nn::MatmulOp op, IndexList indices) {
  Type type = computedType(elementType(op.getOutput()));
  IndexList batch = indices.drop_back(2);
  Value row = indices[indices.size() - 2], column = indices.back();
  auto at = [&](Value operand, Value zero, bool isTransposed, Value i, Value j) {
    DimExprs sizes = dimExprs(tensorType(operand));
    size_t batchRank = sizes.size() - 2;
    Indices own(batch.take_back(batchRank));
    for (size_t axis = 0; axis < batchRank; ++axis)
      if (constantDim(sizes[axis]) == 1)
        own[axis] = c.index(0);
    own.append({isTransposed ? j : i, isTransposed ? i : j});
    return factor(c, operand, own, zero ? broadcastElement(c, zero, own) : Value());
  };
  int64_t lhsRank = tensorType(op.getLhs()).getRank();
  Value depth = c.dimOf(op.getLhs(), lhsRank - (op.getTransLhs() ? 2 : 1));
  return c.loop(c.index(0), depth, {c.number(0, type)}, [&](Value k, ValueRange carried) {
    Value product = c.mul(at(op.getLhs(), op.getLhsZero(), op.getTransLhs(), row, k),
                          at(op.getRhs(), op.getRhsZero(), op.getTransRhs(), k, column));
    return Values{c.accumulate(carried[0], product)};
  })[0];
}

namespace {
/// Index of a convolution's image: channels first or last.
Indices imageIndex(Value batch, Value channel, IndexList position, bool isChannelsLast) {
  Indices index{batch};
  if (!isChannelsLast)
    index.push_back(channel);
  index.append(position.begin(), position.end());
  if (isChannelsLast)
    index.push_back(channel);
  return index;
}

/// Parts of an image's index.
struct ImagePosition {
  Value batch, channel;
  IndexList spatial;

  ImagePosition(IndexList indices, bool isChannelsLast)
      : batch(indices[0]), channel(isChannelsLast ? indices.back() : indices[1]),
        spatial(isChannelsLast ? indices.slice(1, indices.size() - 2) : indices.drop_front(2)) {}
};

/// `value` where the condition holds, else `otherwise`; computed only there.
Value guarded(EmitContext &c, Value condition, llvm::function_ref<Value()> value, Value otherwise) {
  return c.when(
      condition, {otherwise.getType()}, [&] { return Values{value()}; }, [&] { return Values{otherwise}; })[0];
}
} // namespace

namespace {
/// A zero point with one element in all, or one per output channel; null if absent.
Value entryOf(EmitContext &c, Value zero, Value channel) {
  if (!zero)
    return {};
  Indices indices(tensorType(zero).getRank(), channel);
  return broadcastElement(c, zero, indices);
}
} // namespace

Value element(EmitContext &c, nn::ConvOp op, IndexList indices) {
  Type type = computedType(elementType(op.getOutput()));
  bool isLast = op.getChannelsLast();
  ImagePosition at(indices, isLast);
  Values imageSizes = c.dims(op.getInput()), filterSizes = c.dims(op.getFilter());
  ImagePosition image(imageSizes, isLast);
  Value inputZero = entryOf(c, op.getInputZero(), at.channel), filterZero = entryOf(c, op.getFilterZero(), at.channel);
  Value perGroup = c.divU(c.dimOf(op.getFilter(), 0), c.index(op.getGroup()));
  Value firstChannel = c.mul(c.divU(at.channel, perGroup), filterSizes[1]);
  Values sizes(filterSizes.begin() + 1, filterSizes.end()); // channels of the group, kernel..
  Values sum = loopNest(c, sizes, {c.number(0, type)}, [&](IndexList inner, ValueRange carried) {
    Indices position;
    Value isInside = c.boolean(true);
    for (auto [axis, k] : llvm::enumerate(inner.drop_front())) {
      Value start = c.sub(c.mul(at.spatial[axis], c.index(op.getStrides()[axis])), c.index(op.getPads()[axis]));
      position.push_back(c.add(start, c.mul(k, c.index(op.getDilations()[axis]))));
      isInside = c.andI(isInside, c.cmp(arith::CmpIPredicate::ult, position.back(), image.spatial[axis]));
    }
    Value product = guarded(
        c, isInside,
        [&] {
          Value channel = c.add(firstChannel, inner[0]);
          Indices filter{at.channel};
          filter.append(inner.begin(), inner.end());
          return c.mul(factor(c, op.getInput(), imageIndex(at.batch, channel, position, isLast), inputZero),
                       factor(c, op.getFilter(), filter, filterZero));
        },
        c.number(0, type));
    return Values{c.accumulate(carried[0], product)};
  });
  return op.getBias() ? c.add(sum[0], c.elementAt(op.getBias(), {at.channel})) : sum[0];
}

Value element(EmitContext &c, nn::ConvTransposeOp op, IndexList indices) {
  Type type = computedType(elementType(op.getOutput()));
  bool isLast = op.getChannelsLast();
  ImagePosition at(indices, isLast);
  Values imageSizes = c.dims(op.getInput()), filterSizes = c.dims(op.getFilter());
  ImagePosition image(imageSizes, isLast);
  Value outPerGroup = filterSizes[1], inPerGroup = c.divU(filterSizes[0], c.index(op.getGroup()));
  Value firstChannel = c.mul(c.divU(at.channel, outPerGroup), inPerGroup);
  Values sizes{inPerGroup};
  sizes.append(filterSizes.begin() + 2, filterSizes.end());
  Values sum = loopNest(c, sizes, {c.number(0, type)}, [&](IndexList inner, ValueRange carried) {
    Indices position;
    Value isInside = c.boolean(true);
    for (auto [axis, k] : llvm::enumerate(inner.drop_front())) {
      // o = i * stride - pad + k * dilation, solved for i
      Value shifted =
          c.sub(c.add(at.spatial[axis], c.index(op.getPads()[axis])), c.mul(k, c.index(op.getDilations()[axis])));
      Value stride = c.index(op.getStrides()[axis]);
      Value isMultiple = c.eqI(c.remS(shifted, stride), c.index(0));
      position.push_back(c.divS(shifted, stride));
      Value isImage = c.cmp(arith::CmpIPredicate::ult, position.back(), image.spatial[axis]);
      isInside = c.andI(isInside, c.andI(isMultiple, c.andI(isImage, c.geS(shifted, c.index(0)))));
    }
    Value product = guarded(
        c, isInside,
        [&] {
          Value channel = c.add(firstChannel, inner[0]);
          Indices filter{channel, c.remU(at.channel, outPerGroup)};
          filter.append(inner.begin() + 1, inner.end());
          return c.mul(c.elementAt(op.getInput(), imageIndex(at.batch, channel, position, isLast)),
                       c.elementAt(op.getFilter(), filter));
        },
        c.number(0, type));
    return Values{c.accumulate(carried[0], product)};
  });
  return op.getBias() ? c.add(sum[0], c.elementAt(op.getBias(), {at.channel})) : sum[0];
}

Value element(EmitContext &c, nn::AttentionOp op, IndexList indices) {
  Type type = computedType(elementType(op.getOutput()));
  Value zero = c.real(0, type), scale = c.real(op.getScale().convertToDouble(), type),
        cap = c.real(op.getCap().convertToDouble(), type);
  Value shared = c.divS(c.dimOf(op.getQuery(), 1), c.dimOf(op.getKey(), 1)), group = c.divS(indices[1], shared);
  auto score = [&](Value t) {
    Value dot = c.loop(c.index(0), c.dimOf(op.getQuery(), 3), {zero}, [&](Value d, ValueRange carried) {
      Value q = c.elementAt(op.getQuery(), {indices[0], indices[1], indices[2], d});
      return Values{c.accumulate(carried[0], c.mul(q, c.elementAt(op.getKey(), {indices[0], group, t, d})))};
    })[0];
    dot = c.mul(dot, scale);
    if (op.getCap().isNonZero())
      dot = c.mul(emitUnary(c, nn::UnaryKind::tanh, c.divF(dot, cap), type, 0, 0), cap);
    return op.getMask() ? c.add(dot, broadcastElement(c, op.getMask(), {indices[0], indices[1], indices[2], t})) : dot;
  };
  // One pass: the sum so far is scaled down whenever a larger score comes (Milakov and Gimelshein, 2018).
  Value lowest = lowestOf(c, type);
  Values state = c.loop(c.index(0), c.dimOf(op.getKey(), 2), {lowest, zero, zero}, [&](Value t, ValueRange carried) {
    Value s = score(t), largest = c.maximumF(carried[0], s);
    Value isFirst = c.eqF(largest, lowest); // only -inf so far: nothing to scale
    Value decay = c.select(isFirst, zero, emitExpNegative(c, c.sub(carried[0], largest)));
    Value weight = c.select(isFirst, zero, emitExpNegative(c, c.sub(s, largest)));
    Value v = c.elementAt(op.getValue(), {indices[0], group, t, indices[3]});
    return Values{largest, c.fma(carried[1], decay, weight), c.fma(carried[2], decay, c.mul(weight, v))};
  });
  Value result = c.divF(state[2], state[1]);
  return op.getNanToZero() ? c.select(c.gtF(state[1], zero), result, zero) : result;
}

} // namespace lathe::x86
