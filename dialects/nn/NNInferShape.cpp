// Result types of operations that move data by axis or by index.
#include "dialects/nn/NNCheck.h"

using namespace mlir;

namespace lathe::nn {

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  if (failed(checkSymbolic(loc, op.getOperands())))
    return failure();
  DimExprs dims = dimsOf(op.getInput()), result;
  SmallVector<bool> seen(dims.size());
  for (int64_t axis : op.getPermutation()) {
    if (axis < 0 || axis >= int64_t(dims.size()) || seen[axis])
      return refuse(loc, "nn.transpose C1: expects a permutation of ", dims.size(), " axes, got ", axis,
                    " out of range or twice");
    seen[axis] = true;
    result.push_back(dims[axis]);
  }
  if (result.size() != dims.size())
    return refuse(loc, "nn.transpose C1: expects a permutation of ", dims.size(), " axes, got ", result.size());
  types.push_back(makeTensorType(result, elementType(op.getInput())));
  return success();
}

namespace {
LogicalResult joinConcatInput(Loc loc, DimExprs &dims, Value input, int64_t axis) {
  DimExprs other = dimsOf(input);
  bool fits = other.size() == dims.size();
  for (int64_t i = 0; fits && i < int64_t(dims.size()); ++i) {
    if (i == axis)
      dims[i] = simplifyDim(dims[i] + other[i]);
    else if ((fits = mayBeEqual(dims[i], other[i])))
      dims[i] = joinDims(dims[i], other[i]);
  }
  return fits ? success()
              : refuse(loc, "nn.concat C2: expects equal ranks and equal sizes but on axis ", axis, ", got ",
                       input.getType());
}
} // namespace

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  if (op.getInputs().empty())
    return refuse(loc, "nn.concat C1: expects at least one input");
  Value first = op.getInputs().front();
  if (failed(checkSymbolic(loc, op.getOperands())) ||
      failed(checkAxis(loc, "nn.concat C3", op.getAxis(), rankOf(first))))
    return failure();
  DimExprs dims = dimsOf(first);
  for (Value input : op.getInputs().drop_front())
    if (failed(checkSameElementType(loc, "nn.concat C2", first, input)) ||
        failed(joinConcatInput(loc, dims, input, op.getAxis())))
      return failure();
  types.push_back(makeTensorType(dims, elementType(first)));
  return success();
}

LogicalResult GatherOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  int64_t axis = op.getAxis();
  bool areBytes = elementType(op.getIndices()).isUnsignedInteger(8);
  if (failed(checkSymbolic(loc, op.getOperands())) ||
      failed(checkAxis(loc, "nn.gather C1", axis, rankOf(op.getInput()))) ||
      (!areBytes && failed(checkIndices(loc, "nn.gather C2", elementType(op.getIndices())))))
    return failure();
  DimExprs dims = dimsOf(op.getInput()), indices = dimsOf(op.getIndices()), result;
  result.append(dims.begin(), dims.begin() + axis);
  result.append(indices.begin(), indices.end());
  result.append(dims.begin() + axis + 1, dims.end());
  types.push_back(makeTensorType(result, elementType(op.getInput())));
  return success();
}

LogicalResult GatherElementsOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  int64_t rank = rankOf(op.getInput());
  if (failed(checkSymbolic(loc, op.getOperands())))
    return failure();
  if (rankOf(op.getIndices()) != rank)
    return refuse(loc, "nn.gather_elements C1: expects indices of rank ", rank, ", got ", rankOf(op.getIndices()));
  if (failed(checkIndices(loc, "nn.gather_elements C2", elementType(op.getIndices()))) ||
      failed(checkAxis(loc, "nn.gather_elements C3", op.getAxis(), rank)))
    return failure();
  types.push_back(makeTensorType(dimsOf(op.getIndices()), elementType(op.getInput())));
  return success();
}

namespace {
/// Length of the index tuples: the static last axis of `indices`.
FailureOr<int64_t> tupleLength(Loc loc, StringRef label, Value indices, int64_t limit) {
  DimExprs dims = dimsOf(indices);
  auto length = dims.empty() ? std::nullopt : constantDim(dims.back());
  if (!length || *length < 0 || *length > limit)
    return refuse(loc, label, ": expects the last axis of indices to be static and at most ", limit, ", got ",
                  indices.getType());
  return *length;
}
} // namespace

LogicalResult GatherNdOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  DimExprs dims = dimsOf(op.getInput()), indices = dimsOf(op.getIndices());
  int64_t batch = op.getBatchDims(), rank = dims.size();
  if (failed(checkSymbolic(loc, op.getOperands())) ||
      failed(checkIndices(loc, "nn.gather_nd C2", elementType(op.getIndices()))))
    return failure();
  if (batch < 0 || batch >= rank || batch >= int64_t(indices.size()))
    return refuse(loc, "nn.gather_nd C3: expects batch_dims below both ranks, got ", batch);
  auto length = tupleLength(loc, "nn.gather_nd C1", op.getIndices(), rank - batch);
  if (failed(length))
    return failure();
  DimExprs result(indices.begin(), indices.end() - 1);
  result.append(dims.begin() + batch + *length, dims.end());
  types.push_back(makeTensorType(result, elementType(op.getInput())));
  return success();
}

LogicalResult ScatterElementsOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  int64_t rank = rankOf(op.getInput());
  if (failed(checkSymbolic(loc, op.getOperands())))
    return failure();
  if (rankOf(op.getIndices()) != rank || !mayBeEqual(dimsOf(op.getIndices()), dimsOf(op.getUpdates())))
    return refuse(loc, "nn.scatter_elements C1: expects indices and updates of one shape of rank ", rank, ", got ",
                  op.getIndices().getType(), " and ", op.getUpdates().getType());
  if (failed(checkIndices(loc, "nn.scatter_elements C2", elementType(op.getIndices()))) ||
      failed(checkAxis(loc, "nn.scatter_elements C3", op.getAxis(), rank)) ||
      failed(checkSameElementType(loc, "nn.scatter_elements C4", op.getInput(), op.getUpdates())))
    return failure();
  types.push_back(op.getInput().getType());
  return success();
}

LogicalResult ScatterNdOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  DimExprs dims = dimsOf(op.getInput()), indices = dimsOf(op.getIndices());
  if (failed(checkSymbolic(loc, op.getOperands())) ||
      failed(checkIndices(loc, "nn.scatter_nd C2", elementType(op.getIndices()))))
    return failure();
  auto length = tupleLength(loc, "nn.scatter_nd C1", op.getIndices(), dims.size());
  if (failed(length))
    return failure();
  DimExprs expected(indices.begin(), indices.end() - 1);
  expected.append(dims.begin() + *length, dims.end());
  if (!mayBeEqual(dimsOf(op.getUpdates()), expected))
    return refuse(loc, "nn.scatter_nd C3: expects updates to be ", makeTensorType(expected, elementType(op.getInput())),
                  ", got ", op.getUpdates().getType());
  if (failed(checkSameElementType(loc, "nn.scatter_nd C4", op.getInput(), op.getUpdates())))
    return failure();
  types.push_back(op.getInput().getType());
  return success();
}

LogicalResult ShapeOfOp::inferReturnTypes(MLIRContext *context, Loc loc, Adaptor op, Types &types) {
  types.push_back(RankedTensorType::get({rankOf(op.getInput())}, IntegerType::get(context, 64)));
  return success();
}

} // namespace lathe::nn
