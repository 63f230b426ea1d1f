// Result types of element-wise operations, reductions and norms.
#include "dialects/nn/NNCheck.h"

using namespace mlir;

namespace lathe::nn {

namespace {

bool acceptsUnary(UnaryKind kind, Type type) {
  switch (kind) {
  case UnaryKind::abs:
  case UnaryKind::neg:
  case UnaryKind::sign:
  case UnaryKind::relu:
    return isFloat(type) || isInteger(type);
  case UnaryKind::logical_not:
    return isBool(type);
  case UnaryKind::bitwise_not:
    return isInteger(type);
  default:
    return isFloat(type);
  }
}

bool acceptsBinary(BinaryKind kind, Type type) {
  switch (kind) {
  case BinaryKind::logical_and:
  case BinaryKind::logical_or:
  case BinaryKind::logical_xor:
    return isBool(type);
  case BinaryKind::bit_and:
  case BinaryKind::bit_or:
  case BinaryKind::bit_xor:
  case BinaryKind::shift_left:
  case BinaryKind::shift_right:
    return isInteger(type);
  case BinaryKind::equal:
  case BinaryKind::less:
  case BinaryKind::less_equal:
  case BinaryKind::greater:
  case BinaryKind::greater_equal:
    return isFloat(type) || isa<IntegerType>(type);
  default:
    return isFloat(type) || isInteger(type);
  }
}

bool isComparison(BinaryKind kind) { return kind >= BinaryKind::equal; }

/// `axes` taken out of, or set to one in, the sizes of `input`.
DimExprs reducedDims(Value input, ArrayRef<int64_t> axes, bool keepdims) {
  DimExprs result;
  for (auto [axis, dim] : llvm::enumerate(dimsOf(input)))
    if (!llvm::is_contained(axes, int64_t(axis)))
      result.push_back(dim);
    else if (keepdims)
      result.push_back(dimConstant(input.getContext(), 1));
  return result;
}

} // namespace

LogicalResult UnaryOp::inferReturnTypes(MLIRContext *context, Loc loc, Adaptor op, Types &types) {
  Type type = elementType(op.getInput());
  if (failed(checkSymbolic(loc, op.getOperands())))
    return failure();
  if (!acceptsUnary(op.getKind(), type))
    return refuse(loc, "nn.unary C1: ", stringifyUnaryKind(op.getKind()), " does not take element type ", type);
  bool isTest = op.getKind() == UnaryKind::is_nan || op.getKind() == UnaryKind::is_inf;
  types.push_back(withElementType(tensorType(op.getInput()), isTest ? IntegerType::get(context, 1) : type));
  return success();
}

LogicalResult BinaryOp::inferReturnTypes(MLIRContext *context, Loc loc, Adaptor op, Types &types) {
  Type type = elementType(op.getLhs());
  if (failed(checkSymbolic(loc, op.getOperands())))
    return failure();
  if (op.getKind() != BinaryKind::pow && failed(checkSameElementType(loc, "nn.binary C1", op.getLhs(), op.getRhs())))
    return failure();
  if (!acceptsBinary(op.getKind(), type) || !acceptsBinary(op.getKind(), elementType(op.getRhs())))
    return refuse(loc, "nn.binary C1: ", stringifyBinaryKind(op.getKind()), " does not take element types ", type,
                  " and ", elementType(op.getRhs()));
  auto dims = broadcastDims(dimsOf(op.getLhs()), dimsOf(op.getRhs()));
  if (failed(dims))
    return refuse(loc, "nn.binary C2: expects shapes to broadcast, got ", op.getLhs().getType(), " and ",
                  op.getRhs().getType());
  types.push_back(makeTensorType(*dims, isComparison(op.getKind()) ? IntegerType::get(context, 1) : type));
  return success();
}

LogicalResult SelectOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  if (failed(checkSymbolic(loc, op.getOperands())))
    return failure();
  if (!isBool(elementType(op.getCondition())))
    return refuse(loc, "nn.select C1: expects the condition to be i1, got ", elementType(op.getCondition()));
  if (failed(checkSameElementType(loc, "nn.select C2", op.getLhs(), op.getRhs())))
    return failure();
  auto values = broadcastDims(dimsOf(op.getLhs()), dimsOf(op.getRhs()));
  auto dims = failed(values) ? values : broadcastDims(*values, dimsOf(op.getCondition()));
  if (failed(dims))
    return refuse(loc, "nn.select C3: expects shapes to broadcast, got ", op.getCondition().getType(), ", ",
                  op.getLhs().getType(), " and ", op.getRhs().getType());
  types.push_back(makeTensorType(*dims, elementType(op.getLhs())));
  return success();
}

LogicalResult ReduceOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  if (failed(checkSymbolic(loc, op.getOperands())))
    return failure();
  ArrayRef<int64_t> axes = op.getAxes();
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (failed(checkAxis(loc, "nn.reduce C1", axis, rankOf(op.getInput()))))
      return failure();
    if (i > 0 && axes[i - 1] >= axis)
      return refuse(loc, "nn.reduce C1: expects axes to be unique and sorted, got ", axes[i - 1], " before ", axis);
  }
  if (isBool(elementType(op.getInput())))
    return refuse(loc, "nn.reduce C2: expects a floating-point or integer element type, got i1");
  types.push_back(makeTensorType(reducedDims(op.getInput(), axes, op.getKeepdims()), elementType(op.getInput())));
  return success();
}

LogicalResult ArgReduceOp::inferReturnTypes(MLIRContext *context, Loc loc, Adaptor op, Types &types) {
  int64_t axis = op.getAxis();
  if (failed(checkSymbolic(loc, op.getOperands())) ||
      failed(checkAxis(loc, "nn.arg_reduce C1", axis, rankOf(op.getInput()))))
    return failure();
  types.push_back(makeTensorType(reducedDims(op.getInput(), axis, op.getKeepdims()), IntegerType::get(context, 64)));
  return success();
}

LogicalResult CumulativeOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  if (failed(checkSymbolic(loc, op.getOperands())) ||
      failed(checkAxis(loc, "nn.cumulative C1", op.getAxis(), rankOf(op.getInput()))))
    return failure();
  types.push_back(op.getInput().getType());
  return success();
}

LogicalResult SoftmaxOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  if (failed(checkSymbolic(loc, op.getOperands())) ||
      failed(checkAxis(loc, "nn.softmax C1", op.getAxis(), rankOf(op.getInput()))) ||
      failed(checkFloat(loc, "nn.softmax C2", elementType(op.getInput()))))
    return failure();
  types.push_back(op.getInput().getType());
  return success();
}

namespace {
LogicalResult checkAffine(Loc loc, StringRef name, Value input, Value parameter) {
  if (!parameter)
    return success();
  if (elementType(parameter) != elementType(input))
    return refuse(loc, "nn.layer_norm C3: expects ", name, " to have element type ", elementType(input), ", got ",
                  elementType(parameter));
  auto dims = broadcastDims(dimsOf(input), dimsOf(parameter));
  if (failed(dims) || rankOf(parameter) > rankOf(input) || !mayBeEqual(*dims, dimsOf(input)))
    return refuse(loc, "nn.layer_norm C3: expects ", name, " to broadcast to ", input.getType(), ", got ",
                  parameter.getType());
  return success();
}
} // namespace

LogicalResult LayerNormOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  Value input = op.getInput();
  if (failed(checkSymbolic(loc, op.getOperands())) ||
      failed(checkAxis(loc, "nn.layer_norm C1", op.getAxis(), rankOf(input))) ||
      failed(checkFloat(loc, "nn.layer_norm C2", elementType(input))) ||
      failed(checkAffine(loc, "scale", input, op.getScale())) || failed(checkAffine(loc, "bias", input, op.getBias())))
    return failure();
  types.push_back(input.getType());
  return success();
}

LogicalResult LrnOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  if (failed(checkSymbolic(loc, op.getOperands())) || failed(checkFloat(loc, "nn.lrn C1", elementType(op.getInput()))))
    return failure();
  if (rankOf(op.getInput()) < 3)
    return refuse(loc, "nn.lrn C1: expects rank to be 3 or more, got ", rankOf(op.getInput()));
  if (int64_t(op.getSize()) <= 0)
    return refuse(loc, "nn.lrn C2: expects size to be positive, got ", int64_t(op.getSize()));
  types.push_back(op.getInput().getType());
  return success();
}

} // namespace lathe::nn
