// Result types of matrix product, convolution and attention.
#include "dialects/nn/NNCheck.h"

using namespace mlir;

namespace lathe::nn {

namespace {
/// Rows and columns of a matrix operand, read transposed or not.
std::pair<AffineExpr, AffineExpr> matrixDims(ArrayRef<AffineExpr> dims, bool transposed) {
  AffineExpr rows = dims[dims.size() - 2], columns = dims[dims.size() - 1];
  return transposed ? std::pair(columns, rows) : std::pair(rows, columns);
}

/// A zero point (may be null) of an operand whose axis `depth` from the end (1: the last) is summed over.
LogicalResult checkZero(Loc loc, Value zero, Value operand, size_t depth) {
  if (!zero)
    return success();
  DimExprs dims = dimsOf(zero), whole = dimsOf(operand);
  bool isWide = dims.size() >= depth && constantDim(dims[dims.size() - depth]) != 1;
  auto broadcast = broadcastDims(whole, dims);
  if (isByte(elementType(zero)) && elementType(zero) == elementType(operand) && !isWide && succeeded(broadcast) &&
      mayBeEqual(*broadcast, whole))
    return success();
  return refuse(loc, "nn.matmul C5: expects a zero point of 8-bit integers for ", operand.getType(), ", got ",
                zero.getType());
}
} // namespace

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  if (failed(checkSymbolic(loc, op.getOperands())))
    return failure();
  DimExprs lhs = dimsOf(op.getLhs()), rhs = dimsOf(op.getRhs());
  if (lhs.size() < 2 || rhs.size() < 2)
    return refuse(loc, "nn.matmul C1: expects ranks to be at least 2, got ", lhs.size(), " and ", rhs.size());
  auto [m, k] = matrixDims(lhs, op.getTransLhs());
  auto [rhsK, n] = matrixDims(rhs, op.getTransRhs());
  if (!mayBeEqual(k, rhsK))
    return refuse(loc, "nn.matmul C2: expects rhs to have K = ", *constantDim(k), ", got ", *constantDim(rhsK));
  auto batch = broadcastDims(ArrayRef(lhs).drop_back(2), ArrayRef(rhs).drop_back(2));
  if (failed(batch))
    return refuse(loc, "nn.matmul C3: expects batch axes to broadcast, got ", op.getLhs().getType(), " and ",
                  op.getRhs().getType());
  if (failed(checkFactors(loc, "nn.matmul C4", op.getLhs(), op.getRhs())) ||
      failed(checkZero(loc, op.getLhsZero(), op.getLhs(), op.getTransLhs() ? 2 : 1)) ||
      failed(checkZero(loc, op.getRhsZero(), op.getRhs(), op.getTransRhs() ? 1 : 2)))
    return failure();
  batch->append({m, n});
  types.push_back(makeTensorType(*batch, sumType(elementType(op.getLhs()))));
  return success();
}

namespace {

struct ConvDims {
  AffineExpr batch, channels;
  DimExprs spatial;
};

ConvDims splitImage(ArrayRef<AffineExpr> dims, bool channelsLast) {
  ConvDims result{dims[0], channelsLast ? dims.back() : dims[1], {}};
  auto spatial = channelsLast ? dims.drop_front().drop_back() : dims.drop_front(2);
  result.spatial.assign(spatial.begin(), spatial.end());
  return result;
}

DimExprs joinImage(const ConvDims &dims, bool channelsLast) {
  DimExprs result{dims.batch};
  if (!channelsLast)
    result.push_back(dims.channels);
  result.append(dims.spatial.begin(), dims.spatial.end());
  if (channelsLast)
    result.push_back(dims.channels);
  return result;
}

LogicalResult checkConvChannels(Loc loc, ConvOp::Adaptor op, AffineExpr channels, ArrayRef<AffineExpr> filter) {
  int64_t group = op.getGroup();
  if (group <= 0)
    return refuse(loc, "nn.conv C3: expects group to be positive, got ", group);
  auto found = constantDim(channels), perGroup = constantDim(filter[1]), out = constantDim(filter[0]);
  if (found && perGroup && *found != *perGroup * group)
    return refuse(loc, "nn.conv C3: expects input channels to be ", *perGroup * group, ", got ", *found);
  if (out && *out % group)
    return refuse(loc, "nn.conv C4: expects filter's first axis to be a multiple of ", group, ", got ", *out);
  Value bias = op.getBias();
  if (bias && (rankOf(bias) != 1 || !mayBeEqual(dimsOf(bias)[0], filter[0])))
    return refuse(loc, "nn.conv C5: expects bias to have one entry per output channel, got ", bias.getType());
  return success();
}

LogicalResult checkZeros(Loc loc, ConvOp::Adaptor op, AffineExpr filters) {
  auto check = [&](Value zero, Value operand, bool mayBePerFilter) -> LogicalResult {
    if (!zero)
      return success();
    DimExprs dims = dimsOf(zero);
    bool isOne = llvm::all_of(dims, [](AffineExpr dim) { return constantDim(dim) == 1; });
    bool isPerFilter = mayBePerFilter && dims.size() == 1 && mayBeEqual(dims[0], filters);
    if (isByte(elementType(zero)) && elementType(zero) == elementType(operand) && (isOne || isPerFilter))
      return success();
    return refuse(loc, "nn.conv C10: expects a zero point of 8-bit integers for ", operand.getType(), ", got ",
                  zero.getType());
  };
  return success(succeeded(check(op.getInputZero(), op.getInput(), false)) &&
                 succeeded(check(op.getFilterZero(), op.getFilter(), true)));
}

LogicalResult checkConv(Loc loc, ConvOp::Adaptor op, ArrayRef<int64_t> kernel) {
  WindowAttrs window{kernel, op.getStrides(), op.getPads(), op.getDilations()};
  if (failed(checkWindowLengths(loc, "nn.conv C2", window, kernel.size())) ||
      failed(checkWindowPositive(loc, "nn.conv C6", window)))
    return failure();
  if (llvm::any_of(kernel, ShapedType::isDynamic))
    return refuse(loc, "nn.conv C7: expects kernel sizes to be static, got ", op.getFilter().getType());
  if (failed(checkFactors(loc, "nn.conv C9", op.getInput(), op.getFilter())))
    return failure();
  Type sum = sumType(elementType(op.getInput()));
  if (op.getBias() && elementType(op.getBias()) != sum)
    return refuse(loc, "nn.conv C9: expects bias to be of ", sum, ", got ", elementType(op.getBias()));
  return success();
}

} // namespace

LogicalResult ConvOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor op, Types &types) {
  if (failed(checkSymbolic(loc, op.getOperands())))
    return failure();
  DimExprs input = dimsOf(op.getInput()), filter = dimsOf(op.getFilter());
  if (input.size() != filter.size() || input.size() < 3)
    return refuse(loc, "nn.conv C1: expects equal ranks of 3 or more, got ", input.size(), " and ", filter.size());
  SmallVector<int64_t> kernel = staticSizes(ArrayRef(filter).drop_front(2));
  ConvDims image = splitImage(input, op.getChannelsLast());
  if (failed(checkConv(loc, op, kernel)) || failed(checkConvChannels(loc, op, image.channels, filter)) ||
      failed(checkZeros(loc, op, filter[0])))
    return failure();
  image.channels = filter[0];
  for (auto [i, dim] : llvm::enumerate(image.spatial)) {
    dim = windowDim(dim, kernel[i], op.getStrides()[i], op.getPads()[i], op.getPads()[i + kernel.size()],
                    op.getDilations()[i]);
    if (auto size = constantDim(dim); size && *size <= 0)
      return refuse(loc, "nn.conv C8: expects the window to fit into the padded input on spatial axis ", i);
  }
  types.push_back(makeTensorType(joinImage(image, op.getChannelsLast()), sumType(elementType(op.getInput()))));
  return success();
}

/// True unless the heads of queries are known to be no multiple of those of keys.
static bool mayShareHeads(AffineExpr query, AffineExpr key) {
  auto heads = constantDim(query), groups = constantDim(key);
  return heads && groups ? *groups > 0 && *heads % *groups == 0 : mayBeEqual(query, key) || groups == 1;
}

LogicalResult AttentionOp::inferReturnTypes(MLIRContext *context, Loc loc, Adaptor op, Types &types) {
  if (failed(checkSymbolic(loc, op.getOperands())))
    return failure();
  for (Value value : {op.getQuery(), op.getKey(), op.getValue()})
    if (rankOf(value) != 4)
      return refuse(loc, "nn.attention C1: expects rank 4, got ", value.getType());
  DimExprs query = dimsOf(op.getQuery()), key = dimsOf(op.getKey()), value = dimsOf(op.getValue());
  if (!mayBeEqual(query[3], key[3]) || !mayBeEqual(ArrayRef(key).take_front(3), ArrayRef(value).take_front(3)) ||
      !mayBeEqual(query[0], key[0]) || !mayShareHeads(query[1], key[1]))
    return refuse(loc, "nn.attention C2: expects [B, H, S, D], [B, G, T, D] and [B, G, T, Dv], H a multiple of G, got ",
                  op.getQuery().getType(), ", ", op.getKey().getType(), " and ", op.getValue().getType());
  if (failed(checkFloat(loc, "nn.attention C3", elementType(op.getQuery()))) ||
      failed(checkSameElementType(loc, "nn.attention C3", op.getQuery(), op.getKey())) ||
      failed(checkSameElementType(loc, "nn.attention C3", op.getQuery(), op.getValue())))
    return failure();
  if (Value mask = op.getMask()) {
    DimExprs scores{query[0], query[1], query[2], key[2]};
    auto dims = broadcastDims(scores, dimsOf(mask));
    if (failed(dims) || !mayBeEqual(*dims, scores) || elementType(mask) != elementType(op.getQuery()))
      return refuse(loc, "nn.attention C4: expects mask to broadcast to [B, H, S, T], got ", mask.getType());
  }
  if (APFloat cap = op.getCap(); !cap.isFinite() || (cap.isNegative() && !cap.isZero()))
    return refuse(loc, "nn.attention C5: expects a finite cap of at least 0, got ", cap.convertToDouble());
  query[3] = value[3];
  types.push_back(makeTensorType(query, elementType(op.getQuery())));
  return success();
}

} // namespace lathe::nn
