// Constraints of operations whose result sizes stand in their type: data movement, conversion, fusion.
#include "dialects/nn/NNCheck.h"

using namespace mlir;

namespace lathe::nn {

namespace {

LogicalResult verifySymbolic(Operation *op) {
  SmallVector<Value> values(op->getOperands());
  values.append(op->result_begin(), op->result_end());
  for (Value value : values)
    if (!hasSymbolicDims(tensorType(value)))
      return op->emitOpError("expects every dynamic axis to have a symbolic size, got ") << value.getType();
  return success();
}

LogicalResult verifySameShape(Operation *op, StringRef label, Value input, Value output) {
  if (mayBeEqual(dimsOf(input), dimsOf(output)))
    return success();
  return op->emitOpError(label) << ": expects equal shapes, got " << input.getType() << " and " << output.getType();
}

LogicalResult verifySameElement(Operation *op, StringRef label, Value input, Value output) {
  if (elementType(input) == elementType(output))
    return success();
  return op->emitOpError(label) << ": expects equal element types, got " << elementType(input) << " and "
                                << elementType(output);
}

LogicalResult verifySameRank(Operation *op, StringRef label, Value input, Value output) {
  if (rankOf(input) == rankOf(output))
    return success();
  return op->emitOpError(label) << ": expects equal ranks, got " << rankOf(input) << " and " << rankOf(output);
}

LogicalResult verifyPerAxisMap(Operation *op, StringRef label, StringRef name, AffineMap map, int64_t expected) {
  if (map.getNumDims() != 0)
    return op->emitOpError(label) << ": expects " << name << " to use symbols only, got " << map.getNumDims()
                                  << " dims";
  if (int64_t(map.getNumResults()) == expected)
    return success();
  return op->emitOpError(label) << ": expects " << name << " to have " << expected << " results, got "
                                << map.getNumResults();
}

} // namespace

LogicalResult CastOp::verify() {
  return failed(verifySymbolic(*this)) ? failure() : verifySameShape(*this, "C1", getInput(), getOutput());
}

namespace {
/// Scale or zero point: broadcasts to the input, or has an entry per block along `axis`.
bool fitsBlocks(Value entries, Value input, int64_t axis, int64_t block) {
  DimExprs dims = dimsOf(entries), whole = dimsOf(input);
  if (block == 0) {
    auto broadcast = broadcastDims(whole, dims);
    return succeeded(broadcast) && mayBeEqual(*broadcast, whole);
  }
  if (block < 0 || axis < 0 || axis >= int64_t(whole.size()))
    return false;
  whole[axis] = simplifyDim(whole[axis].ceilDiv(block));
  return mayBeEqual(dims, whole);
}

/// What nn.quantize and nn.dequantize share: C3 to C5. `integers` is the side that zero belongs to.
template <class OpT> LogicalResult verifyUniform(OpT op, Value integers) {
  for (Value entries : {op.getScale(), op.getZero()})
    if (entries && !fitsBlocks(entries, op.getInput(), op.getAxis(), op.getBlock()))
      return op.emitOpError("C3: expects one entry, or one per axis or block of ")
             << op.getInput().getType() << ", got " << entries.getType();
  if (op.getZero() && elementType(op.getZero()) != elementType(integers))
    return op.emitOpError("C4: expects zero to be of ")
           << elementType(integers) << ", got " << elementType(op.getZero());
  return verifySameShape(op, "C5", op.getInput(), op.getOutput());
}
} // namespace

LogicalResult QuantizeOp::verify() {
  if (failed(verifySymbolic(*this)))
    return failure();
  if (!elementType(getInput()).isF32() || !elementType(getScale()).isF32())
    return emitOpError("C1: expects input and scale to be of f32, got ")
           << getInput().getType() << " and " << getScale().getType();
  Type type = elementType(getOutput());
  if (!isInteger(type) || type.getIntOrFloatBitWidth() > 16)
    return emitOpError("C2: expects integers of up to 16 bits, got ") << type;
  return verifyUniform(*this, getOutput());
}

LogicalResult DequantizeOp::verify() {
  if (failed(verifySymbolic(*this)))
    return failure();
  Type type = elementType(getInput());
  if (!isInteger(type) || type.getIntOrFloatBitWidth() > 32)
    return emitOpError("C1: expects integers of up to 32 bits, got ") << type;
  if (!elementType(getScale()).isF32() || !elementType(getOutput()).isF32())
    return emitOpError("C2: expects scale and result to be of f32, got ")
           << getScale().getType() << " and " << getOutput().getType();
  if (getBits() != 0 && ((getBits() != 4 && getBits() != 8) || !type.isInteger(8)))
    return emitOpError("C6: expects bits to be 0, or 4 or 8 of 8-bit integers, got ") << getBits() << " of " << type;
  return verifyUniform(*this, getInput());
}

LogicalResult BitcastOp::verify() {
  if (failed(verifySymbolic(*this)) || failed(verifySameShape(*this, "C1", getInput(), getOutput())))
    return failure();
  int64_t from = elementSizeBytes(elementType(getInput())), to = elementSizeBytes(elementType(getOutput()));
  if (from != to)
    return emitOpError("C2: expects elements of ") << from << " bytes, got " << to;
  return success();
}

LogicalResult ReshapeOp::verify() {
  if (failed(verifySymbolic(*this)) || failed(verifySameElement(*this, "C1", getInput(), getOutput())))
    return failure();
  AffineExpr before = dimProduct(dimsOf(getInput()), getContext()),
             after = dimProduct(dimsOf(getOutput()), getContext());
  if (!mayBeEqual(before, after))
    return emitOpError("C2: expects ") << *constantDim(before) << " elements, got " << *constantDim(after);
  return success();
}

LogicalResult BroadcastOp::verify() {
  if (failed(verifySymbolic(*this)) || failed(verifySameElement(*this, "C2", getInput(), getOutput())))
    return failure();
  DimExprs output = dimsOf(getOutput());
  auto dims = broadcastDims(output, dimsOf(getInput()));
  if (failed(dims) || !mayBeEqual(*dims, output))
    return emitOpError("C1: expects the input to broadcast to ")
           << getOutput().getType() << ", got " << getInput().getType();
  return success();
}

LogicalResult TileOp::verify() {
  return success(succeeded(verifySymbolic(*this)) && succeeded(verifySameRank(*this, "C1", getInput(), getOutput())) &&
                 succeeded(verifySameElement(*this, "C1", getInput(), getOutput())));
}

LogicalResult SliceOp::verify() {
  if (failed(verifySymbolic(*this)) || failed(verifySameElement(*this, "C2", getInput(), getOutput())) ||
      failed(verifySameRank(*this, "C2", getInput(), getOutput())) ||
      failed(verifyPerAxisMap(*this, "C1", "starts", getStarts(), rankOf(getInput()))))
    return failure();
  if (int64_t(getSteps().size()) != rankOf(getInput()))
    return emitOpError("C1: expects ") << rankOf(getInput()) << " steps, got " << getSteps().size();
  if (llvm::is_contained(getSteps(), 0))
    return emitOpError("C1: expects steps not to be 0");
  DimExprs sizes = dimsOf(getInput()), counts = dimsOf(getOutput());
  for (int64_t axis = 0; axis < rankOf(getInput()); ++axis) {
    auto size = constantDim(sizes[axis]), count = constantDim(counts[axis]),
         start = constantDim(getStarts().getResult(axis));
    if (!size || !count || !start || *count == 0)
      continue;
    int64_t last = *start + (*count - 1) * getSteps()[axis];
    if (*start < 0 || *start >= *size || last < 0 || last >= *size)
      return emitOpError("C3: expects elements read on axis ")
             << axis << " to be in [0, " << *size << "), got " << *start << " to " << last;
  }
  return success();
}

LogicalResult PadOp::verify() {
  if (failed(verifySymbolic(*this)) || failed(verifyPerAxisMap(*this, "C1", "low", getLow(), rankOf(getInput()))) ||
      failed(verifySameElement(*this, "C2", getInput(), getOutput())) ||
      failed(verifySameRank(*this, "C2", getInput(), getOutput())))
    return failure();
  if (!getValue())
    return success();
  if (getMode() != PadMode::constant)
    return emitOpError("C3: expects a value in mode constant only");
  if (rankOf(getValue()) != 0 || elementType(getValue()) != elementType(getInput()))
    return emitOpError("C3: expects a value of rank 0 and type ")
           << elementType(getInput()) << ", got " << getValue().getType();
  return success();
}

LogicalResult TopKOp::verify() {
  if (failed(verifySymbolic(*this)) || failed(checkAxis(getLoc(), "nn.top_k C1", getAxis(), rankOf(getInput()))))
    return failure();
  if (!mayBeEqual(dimsOf(getValues()), dimsOf(getIndices())) || rankOf(getValues()) != rankOf(getInput()))
    return emitOpError("C2: expects results of one shape, got ")
           << getValues().getType() << " and " << getIndices().getType();
  if (!elementType(getIndices()).isSignlessInteger(64))
    return emitOpError("C3: expects indices to be i64, got ") << elementType(getIndices());
  return verifySameElement(*this, "C3", getInput(), getValues());
}

LogicalResult IotaOp::verify() {
  if (failed(verifySymbolic(*this)))
    return failure();
  return checkAxis(getLoc(), "nn.iota C1", getAxis(), rankOf(getOutput()));
}

LogicalResult DimValuesOp::verify() {
  auto type = tensorType(getOutput());
  if (!type.hasStaticShape() || type.getRank() > 1 || !type.getElementType().isSignlessInteger(64))
    return emitOpError("C2: expects a static i64 result of rank 0 or 1, got ") << type;
  return verifyPerAxisMap(*this, "C1", "values", getValues(), type.getNumElements());
}

LogicalResult NonZeroOp::verify() {
  if (failed(verifySymbolic(*this)))
    return failure();
  auto type = tensorType(getOutput());
  if (type.getRank() == 2 && type.getElementType().isSignlessInteger(64) &&
      constantDim(dimsOf(getOutput())[0]) == rankOf(getInput()))
    return success();
  return emitOpError("C1: expects an i64 result [") << rankOf(getInput()) << ", count], got " << type;
}

LogicalResult NonMaxSuppressionOp::verify() {
  if (failed(verifySymbolic(*this)))
    return failure();
  auto isFloats = [](Value value, int64_t rank) { return elementType(value).isF32() && rankOf(value) == rank; };
  if (!isFloats(getBoxes(), 3) || !isFloats(getScores(), 3) ||
      !mayBeEqual(dimsOf(getBoxes())[1], dimsOf(getScores())[2]) ||
      !mayBeEqual(dimsOf(getBoxes())[0], dimsOf(getScores())[0]) || constantDim(dimsOf(getBoxes())[2]) != 4)
    return emitOpError("C1: expects f32 boxes [B, N, 4] and scores [B, C, N], got ")
           << getBoxes().getType() << " and " << getScores().getType();
  auto isOne = [](Value value) {
    return tensorType(value).hasStaticShape() && tensorType(value).getNumElements() == 1;
  };
  if (!isOne(getMaxBoxes()) || !elementType(getMaxBoxes()).isSignlessInteger(64))
    return emitOpError("C2: expects max_boxes to be one i64, got ") << getMaxBoxes().getType();
  for (Value threshold : {getIouThreshold(), getScoreThreshold()})
    if (threshold && (!isOne(threshold) || !elementType(threshold).isF32()))
      return emitOpError("C2: expects a threshold to be one f32, got ") << threshold.getType();
  bool isI64 = elementType(getSelected()).isSignlessInteger(64) && elementType(getCount()).isSignlessInteger(64);
  if (!isI64 || rankOf(getSelected()) != 2 || constantDim(dimsOf(getSelected())[1]) != 3 || rankOf(getCount()) != 1 ||
      constantDim(dimsOf(getCount())[0]) != 1)
    return emitOpError("C3: expects i64 results [rows, 3] and [1], got ")
           << getSelected().getType() << " and " << getCount().getType();
  return success();
}

LogicalResult LateSymbolOp::verify() {
  if (!isIndexInteger(elementType(getInput())))
    return emitOpError("C1: expects i32 or i64, got ") << elementType(getInput());
  auto type = tensorType(getInput());
  if (type.hasStaticShape() && int64_t(getElement()) >= type.getNumElements())
    return emitOpError("C2: expects element below ") << type.getNumElements() << ", got " << getElement();
  return success();
}

LogicalResult FusedOp::verify() {
  Block &body = getBody().front();
  if (!areCompatibleTypes(body.getArgumentTypes(), getInputs().getTypes()))
    return emitOpError("C1: expects the region's arguments to have the operands' types");
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || !areCompatibleTypes(yield.getValues().getTypes(), getOutputs().getTypes()))
    return emitOpError("C2: expects the region to yield the results' types");
  return success();
}

} // namespace lathe::nn
