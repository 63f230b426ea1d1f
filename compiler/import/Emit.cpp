#include "compiler/import/Emit.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

static bool anyNull(ValueRange values) {
  return llvm::any_of(values, [](Value value) { return !value; });
}

Value Emit::refuse(const Twine &reason) {
  emitError(loc) << reason;
  return {};
}

bool Emit::require(AffineExpr lhs, AffineExpr rhs) {
  auto a = constantDim(simplifyDim(lhs)), b = constantDim(simplifyDim(rhs));
  if (a && b && *a != *b)
    return refuse("expects sizes to be equal, got " + Twine(*a) + " and " + Twine(*b)), false;
  // Products of the same factors in another order are equal.
  if (constantDim(exactQuotient(lhs, rhs)) != 1)
    symbols.require(lhs, rhs, nodeName);
  return true;
}

//===- any operation -===//

/// Sizes that no machine has are refused here, before anything is allocated.
static bool hasSaneSizes(Emit &emit, Type type) {
  constexpr int64_t kMaxBytes = int64_t(1) << 36;
  auto tensor = cast<RankedTensorType>(type);
  int64_t bytes = elementSizeBytes(tensor.getElementType());
  for (int64_t size : tensor.getShape()) {
    if (ShapedType::isDynamic(size))
      continue;
    if (size < 0)
      return emit.refuse("expects sizes not to be negative, got " + Twine(size)), false;
    if (size > 0 && llvm::MulOverflow(bytes, size, bytes))
      bytes = INT64_MAX;
  }
  if (bytes > kMaxBytes && !llvm::is_contained(tensor.getShape(), 0))
    return emit.refuse("asks for a tensor of more than 64 GiB"), false;
  return true;
}

static Operation *keepIfSane(Emit &emit, Operation *op) {
  if (llvm::all_of(op->getResultTypes(), [&](Type type) { return hasSaneSizes(emit, type); }))
    return op;
  op->erase();
  return nullptr;
}

Operation *Emit::inferred(StringRef name, ValueRange operands, ArrayRef<NamedAttribute> attributes) {
  if (anyNull(operands))
    return nullptr;
  auto op = createChecked(builder, loc, name, operands, attributes);
  return succeeded(op) ? keepIfSane(*this, *op) : nullptr;
}

Value Emit::infer(StringRef name, ValueRange operands, ArrayRef<NamedAttribute> attributes) {
  Operation *op = inferred(name, operands, attributes);
  return op ? op->getResult(0) : Value();
}

Operation *Emit::sized(StringRef name, ValueRange operands, TypeRange types, ArrayRef<NamedAttribute> attributes) {
  if (anyNull(operands) || llvm::any_of(types, [](Type type) { return !type; }))
    return nullptr;
  OperationState state(loc, name);
  state.addOperands(operands);
  state.addTypes(types);
  state.addAttributes(attributes);
  Operation *op = builder.create(state);
  if (succeeded(op->getName().verifyInvariants(op)))
    return keepIfSane(*this, op);
  op->erase();
  return nullptr;
}

Value Emit::size(StringRef name, ValueRange operands, Type type, ArrayRef<NamedAttribute> attributes) {
  Operation *op = sized(name, operands, type, attributes);
  return op ? op->getResult(0) : Value();
}

//===- constants -===//

Value Emit::constant(ElementsAttr value) {
  return builder.create<ConstantOp>(loc, cast<RankedTensorType>(value.getShapedType()), value);
}

static Attribute numberAttr(double value, Type type) {
  if (auto floating = dyn_cast<FloatType>(type)) {
    llvm::APFloat number(value);
    bool lost;
    number.convert(floating.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &lost);
    return FloatAttr::get(type, number);
  }
  unsigned width = type.getIntOrFloatBitWidth();
  return IntegerAttr::get(type, llvm::APInt(64, uint64_t(int64_t(value))).trunc(width));
}

Value Emit::scalar(double value, Type elementType) { return floats(value, elementType); }

Value Emit::floats(ArrayRef<double> values, Type elementType) {
  SmallVector<Attribute> numbers;
  for (double value : values)
    numbers.push_back(numberAttr(value, elementType));
  bool isScalar = values.size() == 1;
  auto type =
      RankedTensorType::get(isScalar ? ArrayRef<int64_t>() : ArrayRef<int64_t>(int64_t(values.size())), elementType);
  return constant(DenseElementsAttr::get(type, numbers));
}

Value Emit::integers(ArrayRef<int64_t> values) {
  return constant(DenseIntElementsAttr::get(RankedTensorType::get({int64_t(values.size())}, i64()), values));
}

Value Emit::dimValues(ArrayRef<AffineExpr> values, bool isScalar) {
  auto type = isScalar ? RankedTensorType::get({}, i64()) : RankedTensorType::get({int64_t(values.size())}, i64());
  SmallVector<int64_t> constants;
  for (AffineExpr value : values)
    if (auto number = constantDim(simplifyDim(value)))
      constants.push_back(*number);
  if (constants.size() == values.size())
    return constant(DenseIntElementsAttr::get(type, constants));
  return size("nn.dim_values", {}, type, mapAttr("values", values));
}

//===- element-wise -===//

Value Emit::unary(UnaryKind kind, Value input, double alpha, double beta) {
  return infer("nn.unary", input, {kindAttr<UnaryKindAttr>(kind), floatAttr("alpha", alpha), floatAttr("beta", beta)});
}

/// Axes that meet under broadcasting and are not known to be equal must be.
static bool requireBroadcast(Emit &emit, Value lhs, Value rhs) {
  DimExprs a = dimsOf(lhs), b = dimsOf(rhs);
  for (size_t i = 1; i <= std::min(a.size(), b.size()); ++i) {
    AffineExpr x = a[a.size() - i], y = b[b.size() - i];
    if (x != y && constantDim(x) != 1 && constantDim(y) != 1 && !emit.require(x, y))
      return false;
  }
  return true;
}

Value Emit::binary(BinaryKind kind, Value lhs, Value rhs) {
  if (!lhs || !rhs || !requireBroadcast(*this, lhs, rhs))
    return {};
  return infer("nn.binary", {lhs, rhs}, kindAttr<BinaryKindAttr>(kind));
}

Value Emit::binary(BinaryKind kind, Value lhs, double rhs) {
  return lhs ? binary(kind, lhs, scalar(rhs, elementOf(lhs))) : Value();
}

Value Emit::select(Value condition, Value lhs, Value rhs) {
  if (!condition || !lhs || !rhs || !requireBroadcast(*this, lhs, rhs) || !requireBroadcast(*this, condition, lhs) ||
      !requireBroadcast(*this, condition, rhs))
    return {};
  return infer("nn.select", {condition, lhs, rhs});
}

Value Emit::cast(Value input, Type elementType) {
  if (!input || !elementType || elementOf(input) == elementType)
    return elementType ? input : Value();
  return size("nn.cast", input, withElementType(typeOf(input), elementType));
}

//===- reductions, contractions -===//

Value Emit::reduce(ReduceKind kind, Value input, ArrayRef<int64_t> axes, bool keepdims) {
  if (!input)
    return {};
  SmallVector<int64_t> sorted;
  for (int64_t axis : axes)
    sorted.push_back(axis < 0 ? axis + rankOf(input) : axis);
  llvm::sort(sorted);
  return infer("nn.reduce", input,
               {kindAttr<ReduceKindAttr>(kind), intsAttr("axes", sorted), boolAttr("keepdims", keepdims)});
}

Value Emit::softmax(Value input, int64_t axis, bool log) {
  SmallVector<NamedAttribute> attributes{intAttr("axis", axis)};
  if (log)
    attributes.push_back(unitAttr("log"));
  return infer("nn.softmax", input, attributes);
}

Value Emit::matmul(Value lhs, Value rhs, bool transLhs, bool transRhs, Value lhsZero, Value rhsZero) {
  if (!lhs || !rhs)
    return {};
  SmallVector<NamedAttribute> attributes{segmentsAttr({1, 1, lhsZero ? 1 : 0, rhsZero ? 1 : 0})};
  SmallVector<Value> operands{lhs, rhs};
  for (Value zero : {lhsZero, rhsZero})
    if (zero)
      operands.push_back(zero);
  if (transLhs)
    attributes.push_back(unitAttr("trans_lhs"));
  if (transRhs)
    attributes.push_back(unitAttr("trans_rhs"));
  Value result = infer("nn.matmul", operands, attributes);
  if (!result)
    return {};
  DimExprs a = dimsOf(lhs), b = dimsOf(rhs);
  require(a[a.size() - (transLhs ? 2 : 1)], b[b.size() - (transRhs ? 1 : 2)]);
  for (size_t i = 3; i <= std::min(a.size(), b.size()); ++i)
    if (constantDim(a[a.size() - i]) != 1 && constantDim(b[b.size() - i]) != 1)
      require(a[a.size() - i], b[b.size() - i]);
  return result;
}

//===- shapes -===//

Value Emit::reshape(Value input, ArrayRef<AffineExpr> dims) {
  if (!input)
    return {};
  RankedTensorType type = makeTensorType(dims, elementOf(input));
  if (type == input.getType())
    return input;
  Value result = size("nn.reshape", input, type);
  if (result && !require(dimProduct(dimsOf(input), context()), dimProduct(dims, context())))
    return {};
  return result;
}

Value Emit::transpose(Value input, ArrayRef<int64_t> permutation) {
  return infer("nn.transpose", input, intsAttr("permutation", permutation));
}

Value Emit::broadcast(Value input, ArrayRef<AffineExpr> dims) {
  if (!input)
    return {};
  RankedTensorType type = makeTensorType(dims, elementOf(input));
  if (type == input.getType())
    return input;
  DimExprs from = dimsOf(input);
  for (size_t i = 1; i <= std::min(from.size(), dims.size()); ++i)
    if (constantDim(from[from.size() - i]) != 1 && !require(from[from.size() - i], dims[dims.size() - i]))
      return {};
  return size("nn.broadcast", input, type);
}

Value Emit::slice(Value input, ArrayRef<AffineExpr> starts, ArrayRef<AffineExpr> sizes, ArrayRef<int64_t> steps) {
  if (!input)
    return {};
  bool isWhole = makeTensorType(sizes, elementOf(input)) == input.getType() &&
                 llvm::all_of(starts, [](AffineExpr start) { return constantDim(start) == 0; }) &&
                 llvm::all_of(steps, [](int64_t step) { return step == 1; });
  if (isWhole)
    return input;
  return size("nn.slice", input, makeTensorType(sizes, elementOf(input)),
              {mapAttr("starts", starts), intsAttr("steps", steps)});
}

Value Emit::sliceAxis(Value input, int64_t axis, AffineExpr start, AffineExpr length, int64_t step) {
  if (!input)
    return {};
  DimExprs starts(rankOf(input), dim(0)), sizes = dimsOf(input);
  Ints steps(rankOf(input), 1);
  starts[axis] = start;
  sizes[axis] = length;
  steps[axis] = step;
  return slice(input, starts, sizes, steps);
}

Value Emit::concat(ValueRange inputs, int64_t axis) {
  if (anyNull(inputs))
    return {};
  if (inputs.size() == 1)
    return inputs.front();
  Value result = infer("nn.concat", inputs, intAttr("axis", axis));
  for (Value input : result ? inputs.drop_front() : ValueRange())
    for (int64_t i = 0; i < rankOf(input); ++i)
      if (i != axis && !require(dimsOf(inputs.front())[i], dimsOf(input)[i]))
        return {};
  return result;
}

Value Emit::gather(Value input, Value indices, int64_t axis) {
  return infer("nn.gather", {input, indices}, intAttr("axis", axis));
}

Value Emit::iota(ArrayRef<AffineExpr> dims, int64_t axis, Type elementType) {
  return size("nn.iota", {}, makeTensorType(dims, elementType), intAttr("axis", axis));
}

Value Emit::pad(Value input, Value value, ArrayRef<AffineExpr> low, ArrayRef<AffineExpr> dims, PadMode mode) {
  if (!input)
    return {};
  SmallVector<Value, 2> operands{input};
  if (value)
    operands.push_back(value);
  return size("nn.pad", operands, makeTensorType(dims, elementOf(input)),
              {mapAttr("low", low), kindAttr<PadModeAttr>(mode, "mode")});
}

Value Emit::unsqueeze(Value input, ArrayRef<int64_t> axes) {
  if (!input)
    return {};
  DimExprs dims = dimsOf(input);
  for (int64_t axis : axes)
    dims.insert(dims.begin() + std::clamp<int64_t>(axis, 0, dims.size()), dim(1));
  return reshape(input, dims);
}

} // namespace lathe::importer
