// One walk over the function, in order. Storage (Storage.h) has decided in whose memory each value lies; here the memory gets
// its operations (plan.input, output, weights, alloc, view), and each computation its kernel and call.
#include "compiler/pipeline/LowerToPlan.h"
#include "compiler/pipeline/KernelBuilder.h"
#include "compiler/pipeline/Storage.h"
#include "dialects/plan/CallValues.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace lathe {

namespace {

class Lowering {
public:
  Lowering(func::FuncOp function, Backend &backend, const Target &target, StringRef name, ChoosePlan choosePlan)
      : function(function), backend(backend), b(function.getContext()), storage(function),
        program(createProgram(target, name)), kernels(program, std::move(choosePlan)) {}

  FailureOr<plan::ProgramOp> run();

private:
  plan::ProgramOp createProgram(const Target &target, StringRef name);
  LogicalResult lowerOp(Operation *op);
  LogicalResult lowerConcat(nn::ConcatOp concat, ArrayRef<unsigned> copies);
  LogicalResult lowerCall(Operation *op, ArrayRef<Value> outputs = {});
  LogicalResult lowerLateSymbol(nn::LateSymbolOp late);
  LogicalResult copy(Value from, Value toBuffer, Location location);
  SmallVector<int64_t> shareMemory(Operation *op, KernelUse &use);
  bool canShare(Operation *op, const KernelUse &use, unsigned input, unsigned output);

  Value bufferOf(Value value);
  Value rootBuffer(const Place &place);
  Value rangeOf(Value root, AffineExpr offset, AffineExpr size, AffineExpr rootSize, Location location);
  Value weights(ElementsAttr value, Attribute packing, Location location);
  Type bufferType() { return plan::BufferType::get(b.getContext()); }
  AffineMap map(AffineExpr expr) { return symbolMap(expr, b.getContext()); }

  func::FuncOp function;
  Backend &backend;
  OpBuilder b;
  Storage storage;
  plan::ProgramOp program;
  KernelBuilder kernels;
  llvm::DenseMap<Value, Value> roots, buffers;
  llvm::DenseMap<std::pair<Attribute, Attribute>, Value> packed;
  SmallVector<Value> inputs, outputs;
  Operation *lastWeights = nullptr;
};

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// `nn.name` of each argument or result; argument 2 without a name is "input2".
ArrayAttr borderNames(func::FuncOp function, bool isInput, Builder &b) {
  SmallVector<Attribute> names;
  unsigned count = isInput ? function.getNumArguments() : function.getNumResults();
  for (unsigned i = 0; i < count; ++i) {
    auto name = isInput ? function.getArgAttrOfType<StringAttr>(i, "nn.name")
                        : function.getResultAttrOfType<StringAttr>(i, "nn.name");
    names.push_back(name ? name : b.getStringAttr((isInput ? "input" : "output") + Twine(i)));
  }
  return b.getArrayAttr(names);
}

plan::ProgramOp Lowering::createProgram(const Target &target, StringRef name) {
  b.setInsertionPointAfter(function);
  auto created = b.create<plan::ProgramOp>(function.getLoc(), name, function.getFunctionType(),
                                           borderNames(function, true, b), borderNames(function, false, b),
                                           target.toAttribute(b.getContext()), nullptr, nullptr, nullptr, nullptr);
  Symbols::of(function).store(created);
  b.setInsertionPointToStart(&created.getBody().emplaceBlock());
  return created;
}

//===- Buffers -===//

/// `root` itself where the range is all of it, else a view.
Value Lowering::rangeOf(Value root, AffineExpr offset, AffineExpr size, AffineExpr rootSize, Location location) {
  if (constantDim(offset) == 0 && size == rootSize)
    return root;
  return b.create<plan::ViewOp>(location, bufferType(), root, map(offset), map(size));
}

Value Lowering::bufferOf(Value value) {
  if (Value known = buffers.lookup(value))
    return known;
  Place place = storage.placeOf(value);
  Value buffer =
      rangeOf(rootBuffer(place), place.offset, sizeBytes(typeOf(value)), sizeBytes(typeOf(place.root)), value.getLoc());
  return buffers[value] = buffer;
}

Value Lowering::rootBuffer(const Place &place) {
  if (place.output >= 0)
    return outputs[place.output];
  if (auto argument = dyn_cast<BlockArgument>(place.root))
    return inputs[argument.getArgNumber()];
  if (auto constant = place.root.getDefiningOp<nn::ConstantOp>())
    return weights(constant.getValue(), b.getUnitAttr(), constant.getLoc());
  Value &root = roots[place.root];
  if (!root)
    root = b.create<plan::AllocOp>(place.root.getLoc(), bufferType(), map(sizeBytes(typeOf(place.root))), nullptr,
                                   nullptr, nullptr);
  return root;
}

/// Weights stand together, behind inputs and outputs, so that they dominate all calls.
Value Lowering::weights(ElementsAttr value, Attribute packing, Location location) {
  Value &known = packed[{value, packing}];
  if (known)
    return known;
  OpBuilder::InsertionGuard guard(b);
  if (lastWeights)
    b.setInsertionPointAfter(lastWeights);
  else
    b.setInsertionPointToStart(&program.getBody().front());
  auto type = cast<RankedTensorType>(value.getType());
  int64_t size = isa<UnitAttr>(packing) ? type.getNumElements() * elementSizeBytes(type.getElementType())
                                        : backend.packedSizeBytes(type, packing);
  auto op = b.create<plan::WeightsOp>(location, bufferType(), value, packing, size);
  lastWeights = op;
  return known = op;
}

//===- Calls -===//

/// An input can be overwritten if it has memory of its own that nobody reads later, and the kernel has read each element
/// when it writes it.
bool Lowering::canShare(Operation *op, const KernelUse &use, unsigned input, unsigned output) {
  Value value = op->getOperand(use.operands[input]), result = op->getResult(output);
  Place from = storage.placeOf(value), to = storage.placeOf(result);
  if (to.root != result || to.output >= 0 || from.output >= 0 || isa<BlockArgument>(from.root) ||
      from.root.getDefiningOp<nn::ConstantOp>())
    return false;
  if (sizeBytes(typeOf(from.root)) != sizeBytes(typeOf(value)) || storage.lastUse(from.root) > storage.position(op))
    return false;
  // The same memory may come in by another operand, which must be read in step too.
  for (auto [other, operand] : llvm::enumerate(use.operands))
    if (storage.placeOf(op->getOperand(operand)).root == from.root && other != input)
      return false;
  return readsInStep(use.kernel, input, output);
}

SmallVector<int64_t> Lowering::shareMemory(Operation *op, KernelUse &use) {
  SmallVector<int64_t> pairs;
  llvm::SmallDenseSet<unsigned> taken;
  if (use.kernel.getKind() != "map")
    return pairs;
  for (unsigned output = 0; output < op->getNumResults(); ++output)
    for (unsigned input = 0; input < use.operands.size(); ++input)
      if (!taken.contains(input) && canShare(op, use, input, output)) {
        taken.insert(input);
        storage.share(op->getResult(output), storage.placeOf(op->getOperand(use.operands[input])).root);
        pairs.append({input, output});
        break;
      }
  return pairs;
}

LogicalResult Lowering::lowerCall(Operation *op, ArrayRef<Value> outputs) {
  SmallVector<ElementsAttr> constants = llvm::map_to_vector(op->getOperands(), constantValue);
  FailureOr<KernelUse> use = kernels.build(op, constants);
  if (failed(use))
    return failure();
  SmallVector<int64_t> pairs = outputs.empty() ? shareMemory(op, *use) : SmallVector<int64_t>();
  for (size_t i = 0; i < pairs.size(); i += 2)
    storage.decisions.push_back({nodeName(op->getLoc()), "in-place", true, "the input is not read later"});
  plan::KernelOp kernel = kernels.withInPlace(use->kernel, pairs);
  SmallVector<Value> ins, outs(outputs);
  AffineExpr moved = b.getAffineConstantExpr(0);
  for (auto [index, operand] : llvm::enumerate(use->operands)) {
    Value value = op->getOperand(operand);
    moved = moved + readBytes(kernel, index);
    ElementsAttr constant = constants[operand];
    ins.push_back(constant ? weights(constant, kernel.getPacking()[index], value.getLoc()) : bufferOf(value));
  }
  for (Value result : op->getResults()) {
    moved = moved + sizeBytes(typeOf(result));
    if (outputs.empty())
      outs.push_back(bufferOf(result));
  }
  auto call = b.create<plan::CallOp>(op->getLoc(), kernel.getSymName(), ins, outs, map(use->flops), map(moved));
  plan::recordValues(call, op);
  return success();
}

/// A kernel that yields its input.
LogicalResult Lowering::copy(Value from, Value toBuffer, Location location) {
  OpBuilder outside(function.front().getTerminator());
  auto identity = outside.create<nn::FusedOp>(location, TypeRange(from.getType()), from, "map");
  Block &block = identity.getBody().emplaceBlock();
  BlockArgument argument = block.addArgument(from.getType(), location);
  OpBuilder::atBlockEnd(&block).create<nn::YieldOp>(location, ValueRange(argument));
  LogicalResult result = lowerCall(identity, toBuffer);
  identity.erase();
  return result;
}

LogicalResult Lowering::lowerConcat(nn::ConcatOp concat, ArrayRef<unsigned> copies) {
  Place place = storage.placeOf(concat.getOutput());
  AffineExpr offset = place.offset;
  for (auto [index, input] : llvm::enumerate(concat.getInputs())) {
    AffineExpr size = sizeBytes(typeOf(input));
    if (llvm::is_contained(copies, index)) {
      Value range =
          rangeOf(rootBuffer(place), simplifyDim(offset), size, sizeBytes(typeOf(place.root)), concat.getLoc());
      if (failed(copy(input, range, concat.getLoc())))
        return failure();
    }
    offset = offset + size;
  }
  return success();
}

/// The runtime reads the symbol after a call: what no call computes (an input, a constant) is copied by one.
LogicalResult Lowering::lowerLateSymbol(nn::LateSymbolOp late) {
  Place place = storage.placeOf(late.getInput());
  if (!typeOf(late.getInput()).getElementType().isSignlessInteger(64))
    return late.emitError("expects a tensor of i64, got ") << late.getInput().getType();
  Value source = bufferOf(late.getInput());
  if (isa<BlockArgument>(place.root) || place.root.getDefiningOp<nn::ConstantOp>()) {
    source = b.create<plan::AllocOp>(late.getLoc(), bufferType(), map(sizeBytes(typeOf(late.getInput()))), nullptr,
                                     nullptr, nullptr);
    if (failed(copy(late.getInput(), source, late.getLoc())))
      return failure();
  }
  b.create<plan::LateSymbolOp>(late.getLoc(), source, late.getSymbol(), late.getElement());
  return success();
}

LogicalResult Lowering::lowerOp(Operation *op) {
  if (isa<nn::ConstantOp>(op) || storage.isAlias(op))
    return success();
  if (!isa<nn::NNDialect>(op->getDialect()))
    return op->emitOpError("has no place in a plan");
  if (auto late = dyn_cast<nn::LateSymbolOp>(op))
    return lowerLateSymbol(late);
  SmallVector<unsigned> copies;
  if (storage.isInPlaceConcat(op, copies))
    return lowerConcat(cast<nn::ConcatOp>(op), copies);
  return lowerCall(op);
}

FailureOr<plan::ProgramOp> Lowering::run() {
  Location location = function.getLoc();
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    inputs.push_back(b.create<plan::InputOp>(location, bufferType(), i));
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    outputs.push_back(b.create<plan::OutputOp>(location, bufferType(), i));
  lastWeights = program.getBody().front().empty() ? nullptr : &program.getBody().front().back();
  bool failedAny = false; // all operations without a kernel are reported at once
  SmallVector<Operation *> ops;
  for (Operation &op : function.front().without_terminator())
    ops.push_back(&op);
  for (Operation *op : ops)
    failedAny |= failed(lowerOp(op));
  Operation *end = function.front().getTerminator();
  for (unsigned index : storage.outputCopies())
    failedAny |= failed(copy(end->getOperand(index), outputs[index], end->getOperand(index).getLoc()));
  if (failedAny) {
    program.erase();
    return failure();
  }
  std::vector<Decision> decisions = decisionsOf(function);
  llvm::append_range(decisions, storage.decisions);
  addDecisions(program, decisions);
  return program;
}

} // namespace

FailureOr<plan::ProgramOp> lowerToPlan(func::FuncOp function, Backend &backend, const Target &target, StringRef name,
                                       ChoosePlan choosePlan) {
  return Lowering(function, backend, target, name, std::move(choosePlan)).run();
}

FailureOr<plan::ProgramOp> lowerToPlan(func::FuncOp function, Backend &backend, const Target &target, StringRef name) {
  auto choose = [&](Operation *op, ArrayRef<bool> isConstant) { return backend.planKernel(op, isConstant, target); };
  return lowerToPlan(function, backend, target, name, choose);
}

} // namespace lathe
