#include "backends/x86/Reductions.h"
#include "backends/x86/Elements.h"

using namespace mlir;

namespace lathe::x86 {

Accumulator::Accumulator(EmitContext &c, nn::ReduceKind kind, Type elementType, bool areMagnitudes)
    : c(c), kind(kind), element(elementType), type(areMagnitudes ? c.i32() : computedType(elementType)),
      areMagnitudes(areMagnitudes) {
  if (isa<FloatType>(element) || kind == nn::ReduceKind::max || kind == nn::ReduceKind::min)
    return;
  type = kind == nn::ReduceKind::l2 ? c.f64() : c.i64();
}

Value Accumulator::widen(Value x) {
  if (type == x.getType())
    return x;
  return emitCast(c, x, element, type);
}

Value Accumulator::init() {
  switch (kind) {
  case nn::ReduceKind::max:
    return areMagnitudes ? c.integer(0, type) : lowestOf(c, element);
  case nn::ReduceKind::min:
    return highestOf(c, element);
  case nn::ReduceKind::prod:
    return c.number(1, type);
  default:
    return c.number(0, type);
  }
}

Value Accumulator::term(Value x) {
  switch (kind) {
  case nn::ReduceKind::max:
  case nn::ReduceKind::min:
    return areMagnitudes ? c.bits(x, type) : x;
  case nn::ReduceKind::l1:
    return widen(emitUnary(c, nn::UnaryKind::abs, x, element, 0, 0));
  case nn::ReduceKind::l2:
  case nn::ReduceKind::sum_square:
    return c.mul(widen(x), widen(x));
  default:
    return widen(x);
  }
}

Value Accumulator::join(Value a, Value b) {
  switch (kind) {
  case nn::ReduceKind::max:
    if (areMagnitudes)
      return c.maxS(a, b);
    return isa<FloatType>(type) ? c.accumulateMaximum(a, b) : emitMax(c, a, b, element);
  case nn::ReduceKind::min:
    return isa<FloatType>(type) ? c.accumulateMinimum(a, b) : emitMin(c, a, b, element);
  case nn::ReduceKind::prod:
    return c.accumulateProduct(a, b);
  default:
    return c.accumulate(a, b);
  }
}

Value Accumulator::finish(Value sum, Value count) {
  if (areMagnitudes)
    return c.bits(sum, computedType(element));
  if (kind == nn::ReduceKind::mean)
    sum = emitBinary(c, nn::BinaryKind::div, sum, emitCast(c, count, c.i64(), type), type, type);
  if (kind == nn::ReduceKind::l2)
    sum = c.sqrt(sum);
  return sum.getType() == computedType(element) ? sum : emitCast(c, sum, type, element);
}

Values loopNest(EmitContext &c, IndexList sizes, Values inits,
                llvm::function_ref<Values(IndexList indices, ValueRange carried)> body) {
  Indices indices;
  std::function<Values(ValueRange)> nest = [&](ValueRange carried) -> Values {
    if (indices.size() == sizes.size())
      return body(indices, carried);
    return c.loop(c.index(0), sizes[indices.size()], carried, [&](Value i, ValueRange inner) {
      indices.push_back(i);
      Values next = nest(inner);
      indices.pop_back();
      return next;
    });
  };
  return nest(inits);
}

Value element(EmitContext &c, nn::ReduceOp op, IndexList indices) {
  Value input = op.getInput();
  ArrayRef<int64_t> axes = op.getAxes();
  Accumulator accumulator(c, op.getKind(), elementType(input));
  Values sizes;
  for (int64_t axis : axes)
    sizes.push_back(c.dimOf(input, axis));
  // Where each axis of the input comes from: a kept index, or a loop.
  auto position = [&](IndexList inner) {
    Indices own;
    size_t kept = 0, reduced = 0;
    for (int64_t axis = 0; axis < tensorType(input).getRank(); ++axis) {
      if (!llvm::is_contained(axes, axis)) {
        own.push_back(indices[kept++]);
        continue;
      }
      own.push_back(inner[reduced++]);
      kept += op.getKeepdims();
    }
    return own;
  };
  Values sum = loopNest(c, sizes, {accumulator.init()}, [&](IndexList inner, ValueRange carried) {
    return Values{accumulator.combine(carried[0], c.elementAt(input, position(inner)))};
  });
  return accumulator.finish(sum[0], c.product(sizes));
}

Value element(EmitContext &c, nn::ArgReduceOp op, IndexList indices) {
  Value input = op.getInput();
  Type type = elementType(input);
  int64_t axis = op.getAxis();
  bool isMax = op.getKind() == nn::ArgKind::arg_max, isFloat = isa<FloatType>(type);
  Indices own(indices);
  if (!op.getKeepdims())
    own.insert(own.begin() + axis, Value());
  auto kind = op.getSelectLast() ? (isMax ? nn::BinaryKind::greater_equal : nn::BinaryKind::less_equal)
                                 : (isMax ? nn::BinaryKind::greater : nn::BinaryKind::less);
  own[axis] = c.index(0);
  Value first = c.elementAt(input, own);
  Values best = c.loop(c.index(1), c.dimOf(input, axis), {first, c.index(0)}, [&](Value i, ValueRange carried) {
    own[axis] = i;
    Value x = c.elementAt(input, own);
    Value isBetter = emitBinary(c, kind, x, carried[0], type, type);
    if (isFloat) // a NaN wins, the first one unless the last is wanted
      isBetter = c.orI(isBetter, op.getSelectLast() ? c.isNan(x) : c.andI(c.isNan(x), c.notB(c.isNan(carried[0]))));
    return Values{c.select(isBetter, x, carried[0]), c.select(isBetter, i, carried[1])};
  });
  return best[1];
}

//===- softmax and norms -===//

Value element(EmitContext &c, nn::SoftmaxOp op, IndexList indices) {
  Value input = op.getInput();
  Type type = computedType(elementType(input));
  int64_t axis = op.getAxis();
  Value size = c.dimOf(input, axis), x = c.elementAt(input, indices);
  Indices own(indices);
  auto at = [&](Value i) {
    own[axis] = i;
    return c.elementAt(input, own);
  };
  Value largest = c.loop(c.index(0), size, {lowestOf(c, type)}, [&](Value i, ValueRange carried) {
    return Values{c.accumulateMaximum(carried[0], at(i))};
  })[0];
  Value sum = c.loop(c.index(0), size, {c.real(0, type)}, [&](Value i, ValueRange carried) {
    return Values{c.accumulate(carried[0], emitExpNegative(c, c.sub(at(i), largest)))};
  })[0];
  Value shifted = c.sub(x, largest);
  return op.getLog() ? c.sub(shifted, emitLog(c, sum)) : c.divF(emitExpNegative(c, shifted), sum);
}

Value element(EmitContext &c, nn::LayerNormOp op, IndexList indices) {
  Value input = op.getInput();
  Type type = computedType(elementType(input));
  unsigned axis = op.getAxis();
  Values sizes = c.dims(input);
  IndexList reduced = ArrayRef(sizes).drop_front(axis);
  auto sum = [&](llvm::function_ref<Value(Value)> term) {
    return loopNest(c, reduced, {c.real(0, type)}, [&](IndexList inner, ValueRange carried) {
      Indices own(indices.take_front(axis));
      own.append(inner.begin(), inner.end());
      return Values{c.accumulate(carried[0], term(c.elementAt(input, own)))};
    })[0];
  };
  Value count = c.toFloatS(c.product(reduced), type), mean = c.real(0, type);
  if (!op.getRms())
    mean = c.divF(sum([&](Value x) { return x; }), count);
  Value squares = sum([&](Value x) {
    Value centred = op.getRms() ? x : c.sub(x, mean);
    return c.mul(centred, centred);
  });
  Value variance = c.add(c.divF(squares, count), c.real(op.getEpsilon().convertToDouble(), type));
  Value x = c.elementAt(input, indices);
  return normalize(c, op, op.getRms() ? x : c.sub(x, mean), c.divF(c.real(1, type), c.sqrt(variance)), indices);
}

Value normalize(EmitContext &c, nn::LayerNormOp op, Value centred, Value inverse, IndexList indices) {
  Value result = c.mul(centred, inverse);
  if (op.getScale())
    result = c.mul(result, broadcastElement(c, op.getScale(), indices));
  return op.getBias() ? c.add(result, broadcastElement(c, op.getBias(), indices)) : result;
}

Value element(EmitContext &c, nn::LrnOp op, IndexList indices) {
  Value input = op.getInput();
  Type type = elementType(input), computed = computedType(type);
  int64_t size = op.getSize();
  Value begin = c.maxS(c.sub(indices[1], c.index((size - 1) / 2)), c.index(0));
  Value end = c.minS(c.add(indices[1], c.index(size / 2 + 1)), c.dimOf(input, 1));
  Value sum = c.loop(begin, end, {c.real(0, computed)}, [&](Value channel, ValueRange carried) {
    Indices own(indices);
    own[1] = channel;
    Value x = c.elementAt(input, own);
    return Values{c.accumulate(carried[0], c.mul(x, x))};
  })[0];
  Value base = c.fma(sum, c.real(op.getAlpha().convertToDouble() / double(size), computed),
                     c.real(op.getBias().convertToDouble(), computed));
  Value power =
      emitBinary(c, nn::BinaryKind::pow, base, c.real(op.getBeta().convertToDouble(), computed), computed, computed);
  return c.divF(c.elementAt(input, indices), power);
}

} // namespace lathe::x86
