#include "compiler/import/Contents.h"
#include "compiler/import/ContentRules.h"
#include "compiler/import/Emit.h"
#include "dialects/reference/Evaluate.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

constexpr int64_t kMaxElements = 1024;
constexpr unsigned kMaxDepth = 400;

using Found = std::optional<ContentList>;
/// Contents of the operands, in order.
using Operands = ArrayRef<ContentList>;

/// Position in `from` (sizes broadcast to `to`) of the element with flat position `flat` in `to`.
int64_t broadcastIndex(int64_t flat, ArrayRef<int64_t> to, ArrayRef<int64_t> from) {
  int64_t index = 0, stride = 1;
  for (size_t i = 1; i <= to.size(); ++i) {
    int64_t at = flat % to[to.size() - i];
    flat /= to[to.size() - i];
    if (i > from.size())
      continue;
    if (from[from.size() - i] != 1)
      index += at * stride;
    stride *= from[from.size() - i];
  }
  return index;
}

ArrayRef<int64_t> shapeOf(Value value) { return typeOf(value).getShape(); }

Content pick(Operation *op, unsigned operand, Operands contents, int64_t flat) {
  return contents[operand][broadcastIndex(flat, shapeOf(op->getResult(0)), shapeOf(op->getOperand(operand)))];
}

/// Applies a rule to every element of the result.
Found each(Operation *op, llvm::function_ref<MaybeContent(int64_t)> rule) {
  ContentList result;
  for (int64_t i = 0; i < typeOf(op->getResult(0)).getNumElements(); ++i) {
    MaybeContent content = rule(i);
    if (!content)
      return std::nullopt;
    result.push_back(*content);
  }
  return result;
}

Found ofSlice(SliceOp op, Operands contents) {
  ArrayRef<int64_t> in = shapeOf(op.getInput()), out = shapeOf(op.getOutput());
  SmallVector<int64_t> starts;
  for (AffineExpr start : op.getStarts().getResults()) {
    auto value = constantDim(start);
    if (!value)
      return std::nullopt;
    starts.push_back(*value);
  }
  return each(op, [&](int64_t flat) -> MaybeContent {
    int64_t index = 0, stride = 1;
    for (int64_t axis = int64_t(out.size()) - 1; axis >= 0; --axis) {
      index += (starts[axis] + flat % out[axis] * op.getSteps()[axis]) * stride;
      flat /= out[axis];
      stride *= in[axis];
    }
    return index >= 0 && index < int64_t(contents[0].size()) ? MaybeContent(contents[0][index]) : std::nullopt;
  });
}

Found ofGather(GatherOp op, Operands contents) {
  ArrayRef<int64_t> in = shapeOf(op.getInput());
  int64_t axis = op.getAxis(), length = in[axis], count = contents[1].size();
  int64_t inner = std::accumulate(in.begin() + axis + 1, in.end(), int64_t(1), std::multiplies<>());
  return each(op, [&](int64_t flat) -> MaybeContent {
    int64_t low = flat % inner, middle = flat / inner % count, high = flat / inner / count;
    auto index = contents[1][middle].number();
    if (!index || *index < -length || *index >= length)
      return std::nullopt;
    int64_t at = int64_t(*index) + (*index < 0 ? length : 0);
    return contents[0][(high * length + at) * inner + low];
  });
}

Found ofConcat(ConcatOp op, Operands contents) {
  if (typeOf(op.getOutput()).getRank() != 1)
    return std::nullopt;
  ContentList result;
  for (const ContentList &part : contents)
    result.append(part);
  return result;
}

Found ofReduce(ReduceOp op, Operands contents, Symbols &symbols) {
  int64_t rank = typeOf(op.getInput()).getRank();
  if (int64_t(op.getAxes().size()) != rank || (isFloat(op.getInput()) && typeOf(op.getInput()).getNumElements() > 1))
    return std::nullopt;
  auto result = applyReduce(op.getKind(), contents[0], symbols, op.getContext());
  return result ? Found(ContentList{*result}) : std::nullopt;
}

Found ofIota(IotaOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getOutput());
  int64_t axis = op.getAxis();
  int64_t inner = std::accumulate(shape.begin() + axis + 1, shape.end(), int64_t(1), std::multiplies<>());
  return each(op, [&](int64_t flat) -> MaybeContent {
    return Content{dimConstant(op.getContext(), flat / inner % shape[axis]), 1.0};
  });
}

Found ofExprs(ArrayRef<AffineExpr> exprs) {
  ContentList result;
  for (AffineExpr expr : exprs)
    result.push_back({expr, 1.0});
  return result;
}

template <typename T> double asDouble(const reference::Tensor &tensor, int64_t i) {
  return double(tensor.data<T>()[i]);
}

Found ofTensor(const reference::Tensor &tensor, MLIRContext *context) {
  ContentList result;
  bool isFloat = isa<FloatType>(tensor.elementType());
  SmallVector<int64_t> integers = isFloat ? SmallVector<int64_t>() : tensor.integers();
  for (int64_t i = 0; i < tensor.size(); ++i) {
    if (!isFloat) {
      result.push_back({dimConstant(context, integers[i]), 1.0});
      continue;
    }
    double value = tensor.elementType().isF64()   ? asDouble<double>(tensor, i)
                   : tensor.elementType().isF32() ? asDouble<float>(tensor, i)
                                                  : std::nan("");
    if (!std::isfinite(value))
      return std::nullopt;
    bool isInteger = value == std::floor(value) && std::abs(value) < 9e15;
    result.push_back(isInteger ? Content{dimConstant(context, int64_t(value)), 1.0}
                               : Content{dimConstant(context, 1), value});
  }
  return result;
}

Found ofConstant(ConstantOp op) {
  auto tensor = reference::constantTensor(op);
  return tensor ? ofTensor(*tensor, op.getContext()) : std::nullopt;
}

/// The rule of one operation, its operands' contents being known; nullopt if it has none.
Found applyRule(Operation *op, Operands contents, Symbols &symbols) {
  return llvm::TypeSwitch<Operation *, Found>(op)
      .Case<ReshapeOp>([&](auto) { return contents[0]; })
      .Case<CastOp>([&](CastOp cast) {
        return each(op, [&](int64_t i) {
          return applyCast(contents[0][i], elementOf(cast.getInput()), elementOf(cast.getOutput()), symbols);
        });
      })
      .Case<BinaryOp>([&](BinaryOp binary) {
        return each(op, [&](int64_t i) {
          return applyBinary(binary.getKind(), pick(op, 0, contents, i), pick(op, 1, contents, i),
                             isFloat(binary.getLhs()), symbols);
        });
      })
      .Case<UnaryOp>([&](UnaryOp unary) {
        return each(op, [&](int64_t i) { return applyUnary(unary.getKind(), contents[0][i], symbols); });
      })
      .Case<SelectOp>([&](auto) {
        return each(op, [&](int64_t i) -> MaybeContent {
          auto condition = pick(op, 0, contents, i).number();
          return condition ? MaybeContent(pick(op, *condition != 0 ? 1 : 2, contents, i)) : std::nullopt;
        });
      })
      .Case<BroadcastOp>(
          [&](auto) { return each(op, [&](int64_t i) { return MaybeContent(pick(op, 0, contents, i)); }); })
      .Case<SliceOp>([&](SliceOp slice) { return ofSlice(slice, contents); })
      .Case<GatherOp>([&](GatherOp gather) { return ofGather(gather, contents); })
      .Case<ConcatOp>([&](ConcatOp concat) { return ofConcat(concat, contents); })
      .Case<ReduceOp>([&](ReduceOp reduce) { return ofReduce(reduce, contents, symbols); })
      .Default([](Operation *) { return std::nullopt; });
}

/// The contents as a host tensor, if they are numbers.
std::optional<reference::Tensor> toTensor(const ContentList &contents, RankedTensorType type) {
  reference::Tensor tensor = reference::Tensor::allocate(RankedTensorType::get(type.getShape(), type.getElementType()));
  for (auto [i, content] : llvm::enumerate(contents)) {
    auto value = content.number();
    if (!value)
      return std::nullopt;
    Type element = type.getElementType();
    int64_t integer = content.factor == 1.0 ? *constantDim(content.expr) : int64_t(*value);
    if (element.isF32())
      tensor.mutableData<float>()[i] = float(*value);
    else if (element.isF64())
      tensor.mutableData<double>()[i] = *value;
    else if (element.isInteger(64))
      tensor.mutableData<int64_t>()[i] = integer;
    else if (element.isInteger(32))
      tensor.mutableData<int32_t>()[i] = int32_t(integer);
    else if (element.isInteger(8) || element.isInteger(1))
      tensor.mutableData<int8_t>()[i] = int8_t(integer);
    else
      return std::nullopt;
  }
  return tensor;
}

} // namespace

std::optional<double> Content::number() const {
  auto constant = constantDim(expr);
  return constant ? std::optional(double(*constant) * factor) : std::nullopt;
}

Found Contents::of(Value value, bool bind) {
  if (!value)
    return std::nullopt;
  mayBind = bind;
  unknown.clear();
  return find(value, 0);
}

Found Contents::find(Value value, unsigned depth) {
  auto it = known.find(value);
  if (it != known.end())
    return it->second;
  auto type = typeOf(value);
  bool isTooLarge = !type.hasStaticShape() || type.getNumElements() > kMaxElements;
  if (depth > kMaxDepth || isTooLarge || unknown.contains(value))
    return std::nullopt;
  Found found = compute(value, depth);
  if (found && int64_t(found->size()) == type.getNumElements())
    known[value] = *found;
  else
    unknown.insert(value);
  return found;
}

Found Contents::compute(Value value, unsigned depth) {
  if (auto blockArgument = dyn_cast<BlockArgument>(value))
    return argument(blockArgument);
  Operation *op = value.getDefiningOp();
  if (auto constant = dyn_cast<ConstantOp>(op))
    return ofConstant(constant);
  if (auto values = dyn_cast<DimValuesOp>(op))
    return ofExprs(values.getValues().getResults());
  if (auto shape = dyn_cast<ShapeOfOp>(op))
    return ofExprs(dimsOf(shape.getInput()));
  if (auto iota = dyn_cast<IotaOp>(op))
    return ofIota(iota);
  return op->getNumResults() == 1 ? evaluate(op, depth) : std::nullopt;
}

/// Elements of an integer argument are sizes that the caller chooses.
Found Contents::argument(BlockArgument argument) {
  if (!mayBind || argument.getOwner() != &function.getBody().front() || isFloat(argument) ||
      typeOf(argument).getNumElements() > 64)
    return std::nullopt;
  ContentList result;
  for (int64_t i = 0; i < typeOf(argument).getNumElements(); ++i) {
    Symbol symbol;
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "nn.name");
    symbol.name = (name ? name.getValue().str() : "input") + "[" + std::to_string(i) + "]";
    symbol.kind = SymbolKind::inputValue;
    symbol.input = argument.getArgNumber();
    symbol.index = i;
    symbol.min = INT64_MIN;
    result.push_back({symbols.add(std::move(symbol), function.getContext()), 1.0});
  }
  return result;
}

Found Contents::evaluate(Operation *op, unsigned depth) {
  SmallVector<ContentList> contents;
  for (Value operand : op->getOperands()) {
    Found found = find(operand, depth + 1);
    if (!found)
      return std::nullopt;
    contents.push_back(std::move(*found));
  }
  if (Found result = applyRule(op, contents, symbols))
    return result;
  SmallVector<reference::Tensor> tensors;
  for (auto [operand, content] : llvm::zip_equal(op->getOperands(), contents)) {
    auto tensor = toTensor(content, typeOf(operand));
    if (!tensor)
      return std::nullopt;
    tensors.push_back(std::move(*tensor));
  }
  auto results = reference::evaluate(op, tensors);
  if (results)
    return ofTensor(results->front(), op->getContext());
  llvm::consumeError(results.takeError());
  return std::nullopt;
}

std::optional<DimExprs> Contents::integers(Value value, bool bind) {
  Found found = of(value, bind);
  DimExprs result;
  for (const Content &content : found.value_or(ContentList())) {
    if (content.factor != 1.0)
      return std::nullopt;
    result.push_back(content.expr);
  }
  return found ? std::optional(result) : std::nullopt;
}

std::optional<SmallVector<double>> Contents::numbers(Value value) {
  Found found = of(value);
  SmallVector<double> result;
  for (const Content &content : found.value_or(ContentList())) {
    auto number = content.number();
    if (!number)
      return std::nullopt;
    result.push_back(*number);
  }
  return found ? std::optional(result) : std::nullopt;
}

std::optional<SmallVector<int64_t>> Contents::integerNumbers(Value value) {
  auto exprs = integers(value);
  SmallVector<int64_t> result;
  for (AffineExpr expr : exprs.value_or(DimExprs())) {
    auto number = constantDim(expr);
    if (!number)
      return std::nullopt;
    result.push_back(*number);
  }
  return exprs ? std::optional(result) : std::nullopt;
}

void Contents::remember(Value value, ArrayRef<AffineExpr> exprs) { known[value] = *ofExprs(exprs); }

} // namespace lathe::importer
