#include "compiler/import/Importer.h"
#include "compiler/import/DimExpression.h"
#include "compiler/import/Tensors.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace lathe::importer {

Importer::Importer(ModelFile &file, const ImportOptions &options, MLIRContext *context, std::vector<NodeReport> *report)
    : file(file), options(options), context(context), report(report), builder(context) {
  for (const auto &entry : file.model().opset_import())
    opsets[entry.domain() == "ai.onnx" ? "" : entry.domain()] = entry.version();
  for (const auto &function : file.model().functions())
    functions[function.domain() + ":" + function.name() + ":" + function.overload()] = &function;
  main.opsets = &opsets;
}

Value Importer::refuseModel(const Twine &reason) {
  emitError(NameLoc::get(builder.getStringAttr(file.name())), reason);
  hasFailed = true;
  return {};
}

OwningOpRef<ModuleOp> Importer::run() {
  Location loc = NameLoc::get(builder.getStringAttr("graph"));
  module = ModuleOp::create(loc);
  builder.setInsertionPointToEnd(module->getBody());
  function = builder.create<func::FuncOp>(loc, "main", builder.getFunctionType({}, {}));
  builder.setInsertionPointToEnd(function.addEntryBlock());
  contents = std::make_unique<Contents>(function, symbols);
  addInputs();
  importNodes(file.model().graph().node(), main);
  SmallVector<Value> outputs;
  if (!addOutputs(outputs) || hasFailed)
    return {};
  finish(outputs);
  if (failed(verify(*module)))
    return {};
  return std::move(module);
}

//===- inputs and outputs of the graph -===//

/// After a refused input the nodes are looked at all the same: all that is wrong is said in one run.
static void setNarrow(Entry &entry, int32_t type) { entry.narrow = narrowBits(type) != 0 ? type : 0; }

void Importer::addInputs() {
  nameDims();
  SmallVector<Type> types;
  SmallVector<StringAttr> names;
  for (const onnx::ValueInfoProto &input : file.model().graph().input()) {
    if (file.initializer(input.name()))
      continue;
    RankedTensorType type = inputType(input, int64_t(types.size()));
    if (!type) {
      main.values[input.name()] = Entry::failed();
      continue;
    }
    Value value = function.getBody().addArgument(type, NameLoc::get(builder.getStringAttr(input.name())));
    types.push_back(type);
    main.values[input.name()].value = value;
    setNarrow(main.values[input.name()], input.type().tensor_type().elem_type());
    names.push_back(builder.getStringAttr(input.name()));
  }
  function.setFunctionType(builder.getFunctionType(types, {}));
  for (auto [index, name] : llvm::enumerate(names))
    function.setArgAttr(index, "nn.name", name);
  for (const auto &option : options.dims)
    if (!usedDims.contains(option.first())) {
      refuseModel("no input has a dimension named '" + option.first() + "'");
      if (options.hasUnknownDim)
        *options.hasUnknownDim = true;
    }
}

/// Gives all plain names a symbol first if there are expressions: those use names of later inputs too.
void Importer::nameDims() {
  using Visit = llvm::function_ref<void(const onnx::TensorShapeProto::Dimension &, StringRef, int64_t, int64_t)>;
  auto forDims = [&](Visit visit) {
    int64_t index = 0;
    for (const onnx::ValueInfoProto &input : file.model().graph().input()) {
      if (file.initializer(input.name()))
        continue;
      for (auto [axis, dim] : llvm::enumerate(input.type().tensor_type().shape().dim()))
        visit(dim, input.name(), index, int64_t(axis));
      ++index;
    }
  };
  bool hasExpressions = false;
  forDims(
      [&](const auto &dim, StringRef, int64_t, int64_t) { hasExpressions |= looksLikeDimExpression(dim.dim_param()); });
  if (hasExpressions)
    forDims([&](const auto &dim, StringRef input, int64_t index, int64_t axis) {
      if (isPlainDimName(dim.dim_param()))
        inputDim(dim, input, index, axis);
    });
}

RankedTensorType Importer::inputType(const onnx::ValueInfoProto &input, int64_t index) {
  auto refuseInput = [&](const Twine &reason) {
    refuseModel("input '" + input.name() + "' " + reason);
    return RankedTensorType();
  };
  if (!input.type().has_tensor_type())
    return refuseInput("is not a tensor; sequences, optionals and maps are not supported as inputs");
  const auto &tensor = input.type().tensor_type();
  Type element = convertElementType(tensor.elem_type(), context);
  if (!element)
    return refuseInput("has element type " + typeName(tensor.elem_type()) + ", which is not supported");
  if (!tensor.has_shape())
    return refuseInput("expects a known rank");
  DimExprs dims;
  SmallVector<int64_t> sizes;
  for (const auto &dim : tensor.shape().dim()) {
    // Some exporters write -1 for a size that is not known.
    if (dim.has_dim_value() && dim.dim_value() < -1)
      return refuseInput("expects dims not to be negative, got " + Twine(dim.dim_value()));
    dims.push_back(inputDim(dim, input.name(), index, int64_t(dims.size())));
    sizes.push_back(constantDim(dims.back()).value_or(1));
  }
  auto count = countElements(sizes);
  if (!count)
    return refuseInput(llvm::toString(count.takeError()));
  return makeTensorType(dims, element);
}

AffineExpr Importer::inputDim(const onnx::TensorShapeProto::Dimension &dim, StringRef input, int64_t index,
                              int64_t axis) {
  if (dim.has_dim_value() && dim.dim_value() >= 0)
    return dimConstant(context, dim.dim_value());
  // "?" is no name: sizes written so need not be equal.
  bool isUnnamed = dim.dim_param().empty() || dim.dim_param() == "?" || dim.has_dim_value();
  std::string name = isUnnamed ? (input + "_" + Twine(axis)).str() : dim.dim_param();
  auto known = namedDims.find(name);
  if (known != namedDims.end())
    return known->second;
  if (AffineExpr expression = isUnnamed ? AffineExpr() : parseDimExpression(name, namedDims, context))
    return namedDims[name] = boundExpression(name, expression);
  Symbol symbol;
  symbol.name = name;
  symbol.input = index;
  symbol.index = axis;
  if (auto option = options.dims.find(name); option != options.dims.end()) {
    usedDims.insert(name);
    symbol.min = option->second.min;
    symbol.max = option->second.max;
  }
  bool isFixed = symbol.min == symbol.max;
  return namedDims[name] = isFixed ? dimConstant(context, symbol.min) : symbols.add(std::move(symbol), context);
}

/// A size given for an expression (`--dim "past + seq=513"`) must be what its names give.
AffineExpr Importer::boundExpression(StringRef name, AffineExpr expression) {
  auto option = options.dims.find(name);
  if (option == options.dims.end())
    return expression;
  usedDims.insert(name);
  auto [min, max] = std::pair(option->second.min, option->second.max);
  if (auto value = constantDim(expression); value && (*value < min || *value > max))
    refuseModel("expects '" + name + "' to be " + Twine(*value) + ", as its names give, got " + Twine(min));
  else if (min == max)
    symbols.require(expression, dimConstant(context, min), name);
  return expression;
}

bool Importer::addOutputs(SmallVectorImpl<Value> &values) {
  for (const onnx::ValueInfoProto &output : file.model().graph().output()) {
    const Entry *entry = main.find(output.name());
    const onnx::TensorProto *tensor = entry ? nullptr : file.initializer(output.name());
    Entry made = tensor ? initializerEntry(*tensor) : entry ? *entry : Entry();
    if (made.isFailed)
      continue;
    if (made.isList)
      refuseModel("output '" + output.name() + "' is a sequence, which is not supported");
    else if (!made.value)
      refuseModel("output '" + output.name() + "' is not computed by any node");
    else
      checkOutputType(output, getElementTypeOrSelf(made.value.getType()));
    values.push_back(made.value);
  }
  return !hasFailed;
}

/// Declared shapes are often wrong and not needed; a wrong element type is a mistake of another kind.
void Importer::checkOutputType(const onnx::ValueInfoProto &output, Type element) {
  if (!output.type().has_tensor_type() || output.type().tensor_type().elem_type() == onnx::TensorProto::UNDEFINED)
    return;
  int32_t declared = output.type().tensor_type().elem_type();
  if (convertElementType(declared, context) == element)
    return;
  std::string text;
  llvm::raw_string_ostream(text) << element;
  refuseModel("output '" + output.name() + "' is declared as " + typeName(declared) + ", but computed as " + text);
}

void Importer::finish(ArrayRef<Value> outputs) {
  builder.create<func::ReturnOp>(function.getLoc(), outputs);
  SmallVector<Type> types;
  for (Value output : outputs)
    types.push_back(output.getType());
  function.setFunctionType(builder.getFunctionType(function.getArgumentTypes(), types));
  for (auto [i, output] : llvm::enumerate(file.model().graph().output()))
    function.setResultAttr(unsigned(i), "nn.name", builder.getStringAttr(output.name()));
  symbols.store(function);
  foldSizes();
  eraseDeadOps();
}

namespace {
constexpr int64_t kMaxFolded = 64; // elements

/// Numbers that are known to be exact as an attribute of this type.
ElementsAttr numbersAttr(ArrayRef<double> numbers, RankedTensorType type) {
  Type element = type.getElementType();
  SmallVector<Attribute> values;
  for (double number : numbers)
    values.push_back(isa<FloatType>(element) ? Attribute(FloatAttr::get(element, number))
                                             : Attribute(IntegerAttr::get(element, int64_t(number))));
  return DenseElementsAttr::get(type, values);
}
} // namespace

/// Sizes that were picked from a shape, cast or computed with become constants or nn.dim_values: often they are known though
/// other sizes of the same shape are not (the depth of attention heads, from which exporters compute the scale).
void Importer::foldSizes() {
  for (Operation &op : llvm::make_early_inc_range(function.getBody().front())) {
    bool readsSizes = llvm::any_of(op.getOperands(), [](Value v) { return v.getDefiningOp<nn::DimValuesOp>(); });
    // What late symbols are read from is known in their terms only.
    bool definesSizes = llvm::any_of(op.getUsers(), [](Operation *user) { return isa<nn::LateSymbolOp>(user); });
    if (!readsSizes || definesSizes || op.getNumResults() != 1)
      continue;
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    if (!type.hasStaticShape() || type.getNumElements() > kMaxFolded)
      continue;
    builder.setInsertionPoint(&op);
    Value known;
    if (auto numbers = contents->numbers(op.getResult(0)))
      known = builder.create<nn::ConstantOp>(op.getLoc(), type, numbersAttr(*numbers, type));
    else if (auto sizes = contents->integers(op.getResult(0));
             sizes && type.getRank() <= 1 && type.getElementType().isInteger(64))
      known = builder.create<nn::DimValuesOp>(op.getLoc(), type, AffineMapAttr::get(symbolMap(*sizes, context)));
    if (known) // `op` itself stays till eraseDeadOps: contents are remembered by value
      op.getResult(0).replaceAllUsesWith(known);
  }
}

void Importer::eraseDeadOps() {
  Block &body = function.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

Entry Importer::initializerEntry(const onnx::TensorProto &tensor) {
  Entry entry;
  auto attribute = convertTensor(tensor);
  if (!attribute) {
    refuseModel(llvm::toString(attribute.takeError()));
    entry.isFailed = true;
  } else {
    entry.value = builder.create<nn::ConstantOp>(NameLoc::get(builder.getStringAttr(tensor.name())),
                                                 cast<RankedTensorType>(attribute->getShapedType()), *attribute);
    setNarrow(entry, tensor.data_type());
  }
  return entry;
}

llvm::Expected<ElementsAttr> Importer::convertTensor(const onnx::TensorProto &tensor) {
  return convertTensorProto(tensor, file, context);
}

} // namespace lathe::importer
