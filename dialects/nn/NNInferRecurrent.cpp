// Result types and constraints of nn.recurrent.
#include "dialects/nn/NNCheck.h"

using namespace mlir;

namespace lathe::nn {

namespace {

int64_t gateCount(CellKind cell) { return cell == CellKind::lstm ? 4 : cell == CellKind::gru ? 3 : 1; }
/// Activation functions per direction: RNN f; GRU f, g; LSTM f, g, h.
int64_t activationCount(CellKind cell) { return cell == CellKind::lstm ? 3 : cell == CellKind::gru ? 2 : 1; }

LogicalResult checkShape(Loc loc, StringRef name, Value value, ArrayRef<AffineExpr> expected) {
  if (!value || mayBeEqual(dimsOf(value), expected))
    return success();
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(expected, os);
  return refuse(loc, "nn.recurrent C1: expects ", name, " to have shape [", text, "], got ", value.getType());
}

LogicalResult checkActivations(Loc loc, RecurrentOp::Adaptor op, int64_t directions) {
  size_t expected = activationCount(op.getCell()) * directions;
  if (op.getActivations().size() != expected)
    return refuse(loc, "nn.recurrent C2: expects ", expected, " activations, got ", op.getActivations().size());
  if (op.getAlphas().size() != expected || op.getBetas().size() != expected)
    return refuse(loc, "nn.recurrent C2: expects ", expected, " alphas and betas, got ", op.getAlphas().size(), " and ",
                  op.getBetas().size());
  for (Attribute attr : op.getActivations())
    if (!symbolizeUnaryKind(cast<StringAttr>(attr).getValue()) && cast<StringAttr>(attr).getValue() != "affine")
      return refuse(loc, "nn.recurrent C3: expects a unary kind or affine as activation, got ", attr);
  return success();
}

LogicalResult checkElementTypes(Loc loc, RecurrentOp::Adaptor op) {
  Type type = elementType(op.getInput());
  if (failed(checkFloat(loc, "nn.recurrent C4", type)))
    return failure();
  Value scale = op.getRecurrenceScale();
  if (scale && !(elementType(op.getRecurrence()).isSignlessInteger(8) && type.isF32()))
    return refuse(loc, "nn.recurrent C4: expects a recurrence of i8 and an input of f32 with recurrence_scale, got ",
                  elementType(op.getRecurrence()), " and ", type);
  for (Value value : {op.getWeights(), scale ? scale : op.getRecurrence(), op.getBias(), op.getInitialH(),
                      op.getInitialC(), op.getPeepholes()})
    if (value && elementType(value) != type)
      return refuse(loc, "nn.recurrent C4: expects element type ", type, ", got ", elementType(value));
  if (op.getSequenceLens() && !elementType(op.getSequenceLens()).isSignlessInteger(32))
    return refuse(loc, "nn.recurrent C4: expects sequence_lens to be i32, got ", elementType(op.getSequenceLens()));
  return success();
}

} // namespace

LogicalResult RecurrentOp::inferReturnTypes(MLIRContext *context, Loc loc, Adaptor op, Types &types) {
  if (failed(checkSymbolic(loc, op.getOperands())))
    return failure();
  for (Value value : {op.getInput(), op.getWeights(), op.getRecurrence()})
    if (value && rankOf(value) != 3)
      return refuse(loc, "nn.recurrent C1: expects input, weights and recurrence of rank 3, got ", value.getType());
  DimExprs input = dimsOf(op.getInput());
  int64_t directions = op.getDirection() == Direction::bidirectional ? 2 : 1, gates = gateCount(op.getCell());
  AffineExpr dirs = dimConstant(context, directions), hidden = dimsOf(op.getRecurrence())[2], batch = input[1];
  AffineExpr rows = hidden * gates;
  if (!op.getWeights() && failed(checkShape(loc, "input", op.getInput(), {input[0], batch, dirs * rows})))
    return failure();
  if (failed(checkShape(loc, "weights", op.getWeights(), {dirs, rows, input[2]})) ||
      failed(checkShape(loc, "recurrence", op.getRecurrence(), {dirs, rows, hidden})) ||
      failed(checkShape(loc, "bias", op.getBias(), {dirs, rows * 2})) ||
      failed(checkShape(loc, "sequence_lens", op.getSequenceLens(), {batch})) ||
      failed(checkShape(loc, "initial_h", op.getInitialH(), {dirs, batch, hidden})) ||
      failed(checkShape(loc, "initial_c", op.getInitialC(), {dirs, batch, hidden})) ||
      failed(checkShape(loc, "peepholes", op.getPeepholes(), {dirs, hidden * 3})) ||
      failed(checkShape(loc, "recurrence_scale", op.getRecurrenceScale(), {dirs, rows})) ||
      failed(checkActivations(loc, op, directions)) || failed(checkElementTypes(loc, op)))
    return failure();
  Type element = elementType(op.getInput());
  types.push_back(makeTensorType({input[0], dirs, batch, hidden}, element));
  types.append(op.getCell() == CellKind::lstm ? 2 : 1, makeTensorType({dirs, batch, hidden}, element));
  return success();
}

} // namespace lathe::nn
