#include "dialects/reference/Evaluate.h"
#include "dialects/reference/Binding.h"
#include "dialects/reference/Kernels.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace lathe::reference {

llvm::Expected<SmallVector<int64_t>> evaluateMap(AffineMap map, ArrayRef<int64_t> symbols) {
  SmallVector<int64_t> values;
  for (AffineExpr expr : map.getResults()) {
    auto value = evaluateDim(expr, symbols);
    if (!value)
      return error("expects a value for ", map);
    values.push_back(*value);
  }
  return values;
}

namespace {

/// The static type a value has for these symbols.
llvm::Expected<RankedTensorType> staticType(Type type, ArrayRef<int64_t> symbols) {
  auto tensor = cast<RankedTensorType>(type);
  if (!isSupported(tensor.getElementType()) || !hasSymbolicDims(tensor))
    return error("expects a tensor of numbers with known sizes, got ", type);
  SmallVector<int64_t> shape;
  uint64_t count = 1;
  for (AffineExpr dim : dimExprs(tensor)) {
    auto size = evaluateDim(dim, symbols);
    if (!size || *size < 0)
      return error("expects sizes of 0 or more in ", type, ", got ", size.value_or(-1));
    shape.push_back(*size);
    if (llvm::MulOverflow<int64_t>(int64_t(count), std::max<int64_t>(*size, 1), reinterpret_cast<int64_t &>(count)) ||
        count > uint64_t(1) << 40)
      return error("expects a tensor that fits into memory, got ", type);
  }
  return RankedTensorType::get(shape, tensor.getElementType());
}

Result evaluateKind(Operation *op, const Args &args) {
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<nn::UnaryOp, nn::BinaryOp, nn::SelectOp, nn::CastOp, nn::BitcastOp, nn::QuantizeOp, nn::DequantizeOp,
            nn::ReduceOp, nn::ArgReduceOp, nn::CumulativeOp, nn::SoftmaxOp, nn::LayerNormOp, nn::LrnOp, nn::MatmulOp,
            nn::AttentionOp, nn::ConvOp, nn::ConvTransposeOp, nn::PoolOp, nn::MaxPoolIndicesOp, nn::RecurrentOp,
            nn::ReshapeOp, nn::TransposeOp, nn::BroadcastOp, nn::TileOp, nn::SliceOp, nn::ConcatOp, nn::PadOp,
            nn::GatherOp, nn::GatherElementsOp, nn::GatherNdOp, nn::ScatterElementsOp, nn::ScatterNdOp, nn::TopKOp,
            nn::NonZeroOp, nn::NonMaxSuppressionOp, nn::IotaOp, nn::ShapeOfOp, nn::DimValuesOp, nn::ResizeOp,
            nn::FusedOp, nn::ConstantOp>([&](auto kind) { return evaluate(kind, args); })
      .Default(
          [](Operation *other) { return error("expects an operation of the nn dialect, got ", other->getName()); });
}

llvm::Error located(Operation *op, llvm::Error failure) {
  return error(op->getLoc(), ": ", op->getName(), ": ", llvm::toString(std::move(failure)));
}

using Values = llvm::DenseMap<Value, Tensor>;

Tensors lookUp(ValueRange values, const Values &known) {
  Tensors tensors;
  for (Value value : values)
    tensors.push_back(known.lookup(value));
  return tensors;
}

/// Runs the operations of a block up to its terminator and gives the terminator's operands. Tensors are
/// dropped after their last use. `bindLate` takes late symbols.
template <typename Bind>
Result runBlock(Block &block, Values known, llvm::function_ref<ArrayRef<int64_t>()> symbols, Bind bindLate) {
  llvm::DenseMap<Value, int64_t> uses;
  for (Operation &op : block.without_terminator()) {
    Tensors operands = lookUp(op.getOperands(), known);
    if (auto late = dyn_cast<nn::LateSymbolOp>(op)) {
      if (auto failure = bindLate(late, operands[0]))
        return located(&op, std::move(failure));
      continue;
    }
    auto results = evaluate(&op, operands, symbols());
    if (!results)
      return located(&op, results.takeError());
    for (auto [value, tensor] : llvm::zip(op.getResults(), *results))
      known[value] = tensor;
    for (Value operand : op.getOperands())
      if (++uses[operand] == std::distance(operand.use_begin(), operand.use_end()))
        known.erase(operand);
  }
  return lookUp(block.getTerminator()->getOperands(), known);
}

Values argumentsOf(Block &block, ArrayRef<Tensor> tensors) {
  Values known;
  for (auto [argument, tensor] : llvm::zip(block.getArguments(), tensors))
    known[argument] = tensor;
  return known;
}

} // namespace

Result evaluate(nn::FusedOp op, const Args &args) {
  Block &body = op.getBody().front();
  auto refuse = [](nn::LateSymbolOp, const Tensor &) { return error("expects no nn.late_symbol in a fused region"); };
  return runBlock(body, argumentsOf(body, args.operands), [&] { return args.symbols; }, refuse);
}

llvm::Expected<Tensors> evaluate(Operation *op, ArrayRef<Tensor> operands, ArrayRef<int64_t> symbols) {
  SmallVector<RankedTensorType> types;
  for (Type type : op->getResultTypes()) {
    auto known = staticType(type, symbols);
    if (!known)
      return known.takeError();
    types.push_back(*known);
  }
  for (const Tensor &operand : operands)
    if (!operand.type())
      return error("expects all operands to be computed");
  return evaluateKind(op, Args{operands, types, symbols});
}

llvm::Expected<Tensors> evaluateFunction(func::FuncOp function, ArrayRef<Tensor> inputs) {
  auto binding = Binding::bind(function, inputs);
  if (!binding)
    return located(function, binding.takeError());
  auto bindLate = [&](nn::LateSymbolOp late, const Tensor &tensor) -> llvm::Error {
    if (int64_t(late.getElement()) >= tensor.size())
      return error("expects element below ", tensor.size(), ", got ", late.getElement());
    return binding->bindLate(late.getSymbol(), tensor.integers()[late.getElement()]);
  };
  Block &body = function.getBody().front();
  return runBlock(body, argumentsOf(body, inputs), [&] { return binding->values(); }, bindLate);
}

namespace {
/// A reshaped resource is the same resource with another type.
DenseResourceElementsAttr reshapedResource(Operation *op) {
  auto reshape = dyn_cast<nn::ReshapeOp>(op);
  auto constant = reshape ? reshape.getInput().getDefiningOp<nn::ConstantOp>() : nn::ConstantOp();
  auto resource = constant ? dyn_cast<DenseResourceElementsAttr>(constant.getValue()) : DenseResourceElementsAttr();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (!resource || !type.hasStaticShape() || type.getNumElements() != resource.getType().getNumElements())
    return {};
  return DenseResourceElementsAttr::get(type, resource.getRawHandle());
}
} // namespace

void releaseResource(DenseResourceElementsAttr attribute) {
  DenseResourceElementsHandle handle = attribute.getRawHandle();
  DenseResourceElementsHandle::getManagerInterface(attribute.getContext())
      .getBlobManager()
      .update(handle.getKey(), AsmResourceBlob());
}

std::optional<Tensor> constantTensor(Value value) {
  auto constant = value ? value.getDefiningOp<nn::ConstantOp>() : nn::ConstantOp();
  if (!constant)
    return std::nullopt;
  auto tensor = Tensor::fromAttribute(constant.getValue());
  if (tensor)
    return std::move(*tensor);
  llvm::consumeError(tensor.takeError());
  return std::nullopt;
}

llvm::Expected<SmallVector<ElementsAttr>> foldConstants(Operation *op) {
  if (auto shared = reshapedResource(op))
    return SmallVector<ElementsAttr>{shared};
  Tensors operands;
  for (Value operand : op->getOperands()) {
    auto constant = operand.getDefiningOp<nn::ConstantOp>();
    if (!constant)
      return error("expects constant operands");
    auto tensor = Tensor::fromAttribute(constant.getValue());
    if (!tensor)
      return tensor.takeError();
    operands.push_back(*tensor);
  }
  auto results = evaluate(op, operands);
  if (!results)
    return results.takeError();
  SmallVector<ElementsAttr> attributes;
  for (const Tensor &result : *results)
    attributes.push_back(result.toAttribute());
  return attributes;
}

} // namespace lathe::reference
