#include "backends/x86/Elements.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
/// Input and output axes of a reshape that cover the same elements: [inBegin, inEnd) and [outBegin, outEnd).
struct AxisGroup {
  unsigned inBegin, inEnd, outBegin, outEnd;
};

/// Cuts a reshape into groups of axes with equal products, so that index arithmetic stays inside of a group.
/// [2, 3, s0, 64] -> [6, s0, 8, 8]: (2, 3 | 6), (s0 | s0), (64 | 8, 8).
SmallVector<AxisGroup> groupAxes(ArrayRef<AffineExpr> in, ArrayRef<AffineExpr> out, MLIRContext *context) {
  SmallVector<AxisGroup> groups;
  unsigned i = 0, o = 0;
  while (i < in.size() || o < out.size()) {
    AxisGroup group{i, i, o, o};
    AffineExpr inProduct = dimConstant(context, 1), outProduct = inProduct;
    auto takeIn = [&] { inProduct = simplifyDim(inProduct * in[i++]); };
    auto takeOut = [&] { outProduct = simplifyDim(outProduct * out[o++]); };
    if (i < in.size())
      takeIn();
    if (o < out.size())
      takeOut();
    while (inProduct != outProduct && (i < in.size() || o < out.size())) {
      auto inSize = constantDim(inProduct), outSize = constantDim(outProduct);
      bool isInSmaller = inSize && outSize ? *inSize < *outSize : i - group.inBegin <= o - group.outBegin;
      if (o == out.size() || (isInSmaller && i < in.size()))
        takeIn();
      else
        takeOut();
    }
    group.inEnd = i;
    group.outEnd = o;
    groups.push_back(group);
  }
  return groups;
}

/// The same values as the element numbers `numbers` of a list; chosen by comparing.
Value chooseElement(EmitContext &c, IndexList indices, ArrayRef<AffineExpr> values) {
  if (values.empty())
    return c.index(0);
  Value result = c.dim(values[0]);
  for (size_t i = 1; i < values.size(); ++i)
    result = c.select(c.eqI(indices[0], c.index(i)), c.dim(values[i]), result);
  return result;
}
} // namespace

Value element(EmitContext &c, nn::ReshapeOp op, IndexList indices) {
  if (auto argument = dyn_cast<BlockArgument>(op.getInput()); argument && !c.isBound(argument)) // memory has no shape
    return c.load(c.inputs[argument.getArgNumber()], elementType(argument),
                  c.linearize(indices, c.dims(op.getOutput())));
  auto in = tensorType(op.getInput()), out = tensorType(op.getOutput());
  Values inSizes = c.dims(in), outSizes = c.dims(out);
  Indices own;
  for (AxisGroup group : groupAxes(dimExprs(in), dimExprs(out), op.getContext())) {
    unsigned inCount = group.inEnd - group.inBegin, outCount = group.outEnd - group.outBegin;
    if (inCount == 1 && outCount == 1) {
      own.push_back(indices[group.outBegin]);
      continue;
    }
    Value linear =
        c.linearize(indices.slice(group.outBegin, outCount), ArrayRef(outSizes).slice(group.outBegin, outCount));
    own.append(c.delinearize(linear, ArrayRef(inSizes).slice(group.inBegin, inCount)));
  }
  return c.elementAt(op.getInput(), own);
}

Value element(EmitContext &c, nn::TransposeOp op, IndexList indices) {
  Indices own(indices.size());
  for (auto [axis, source] : llvm::enumerate(op.getPermutation()))
    own[source] = indices[axis];
  return c.elementAt(op.getInput(), own);
}

Value element(EmitContext &c, nn::BroadcastOp op, IndexList indices) {
  return broadcastElement(c, op.getInput(), indices);
}

Value element(EmitContext &c, nn::TileOp op, IndexList indices) {
  DimExprs in = dimExprs(tensorType(op.getInput())), out = dimExprs(tensorType(op.getOutput()));
  Indices own;
  for (auto [axis, index] : llvm::enumerate(indices))
    own.push_back(in[axis] == out[axis]        ? index
                  : constantDim(in[axis]) == 1 ? c.index(0)
                                               : c.remU(index, c.dim(in[axis])));
  return c.elementAt(op.getInput(), own);
}

Value element(EmitContext &c, nn::SliceOp op, IndexList indices) {
  Indices own;
  for (auto [axis, index] : llvm::enumerate(indices)) {
    Value start = c.dim(op.getStarts().getResult(axis));
    own.push_back(c.add(start, c.mul(index, c.index(op.getSteps()[axis]))));
  }
  return c.elementAt(op.getInput(), own);
}

Value element(EmitContext &c, nn::ConcatOp op, IndexList indices) {
  int64_t axis = op.getAxis();
  Type type = computedType(elementType(op.getOutput()));
  // Branches, not choices: only the input that has the element may be read.
  std::function<Value(size_t, Value)> choose = [&](size_t number, Value offset) -> Value {
    Value input = op.getInputs()[number];
    Indices own(indices);
    own[axis] = c.sub(indices[axis], offset);
    if (number + 1 == op.getInputs().size())
      return c.elementAt(input, own);
    Value end = c.add(offset, c.dimOf(input, axis));
    return c.when(
        c.ltS(indices[axis], end), {type}, [&] { return Values{c.elementAt(input, own)}; },
        [&] { return Values{choose(number + 1, end)}; })[0];
  };
  return choose(0, c.index(0));
}

//===- pad -===//

namespace {
/// The source position of position `i` (input coordinates, maybe outside) along an axis of `size`.
Value reflectIndex(EmitContext &c, Value i, Value size) {
  // A period of 2 (size - 1): forth and back without repeating the ends.
  Value period = c.maxS(c.mul(c.index(2), c.sub(size, c.index(1))), c.index(1));
  Value position = c.floorMod(i, period);
  return c.select(c.ltS(position, size), position, c.sub(period, position));
}
} // namespace

Value element(EmitContext &c, nn::PadOp op, IndexList indices) {
  auto in = tensorType(op.getInput());
  DimExprs inExprs = dimExprs(in), outExprs = dimExprs(tensorType(op.getOutput()));
  Indices own;
  Value isInside = c.boolean(true);
  for (auto [axis, index] : llvm::enumerate(indices)) {
    AffineExpr low = op.getLow().getResult(axis);
    if (constantDim(low) == 0 && inExprs[axis] == outExprs[axis]) {
      own.push_back(index);
      continue;
    }
    Value i = c.sub(index, c.dim(low)), size = c.dim(inExprs[axis]), last = c.sub(size, c.index(1));
    switch (op.getMode()) {
    case nn::PadMode::constant:
      isInside = c.andI(isInside, c.cmp(arith::CmpIPredicate::ult, i, size));
      own.push_back(i);
      break;
    case nn::PadMode::reflect:
      own.push_back(reflectIndex(c, i, size));
      break;
    case nn::PadMode::edge:
      own.push_back(c.clampS(i, c.index(0), last));
      break;
    case nn::PadMode::wrap:
      own.push_back(c.floorMod(i, c.maxS(size, c.index(1))));
      break;
    }
  }
  if (op.getMode() != nn::PadMode::constant)
    return c.elementAt(op.getInput(), own);
  Type type = computedType(in.getElementType());
  Value outside = op.getValue() ? c.elementAt(op.getValue(), {}) : c.number(0, type);
  if (constantOf(isInside))
    return c.elementAt(op.getInput(), own);
  return c.when(
      isInside, {type}, [&] { return Values{c.elementAt(op.getInput(), own)}; }, [&] { return Values{outside}; })[0];
}

//===- sizes as values -===//

Value element(EmitContext &c, nn::IotaOp op, IndexList indices) {
  Type i64 = IntegerType::get(op.getContext(), 64);
  return emitCast(c, indices[op.getAxis()], i64, elementType(op.getOutput()));
}

Value element(EmitContext &c, nn::ShapeOfOp op, IndexList indices) {
  return chooseElement(c, indices, dimExprs(tensorType(op.getInput())));
}

Value element(EmitContext &c, nn::DimValuesOp op, IndexList indices) {
  return chooseElement(c, indices, op.getValues().getResults());
}

} // namespace lathe::x86
