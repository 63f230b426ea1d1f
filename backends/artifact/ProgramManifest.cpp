#include "backends/artifact/ProgramManifest.h"
#include "backends/artifact/ExprTable.h"
#include "backends/onednn/LibraryKernel.h"
#include "dialects/plan/CallValues.h"
#include "dialects/support/Decisions.h"
#include "passes/memory/PlanArena.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lathe {

artifact::DType dtypeOf(Type type) {
  using artifact::DType;
  if (type.isF32())
    return DType::F32;
  if (type.isF64())
    return DType::F64;
  if (type.isF16())
    return DType::F16;
  if (type.isBF16())
    return DType::BF16;
  bool isUnsigned = type.isUnsignedInteger();
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return DType::Bool;
  case 8:
    return isUnsigned ? DType::U8 : DType::I8;
  case 16:
    return isUnsigned ? DType::U16 : DType::I16;
  case 32:
    return isUnsigned ? DType::U32 : DType::I32;
  default:
    return isUnsigned ? DType::U64 : DType::I64;
  }
}

namespace {

class ProgramDescriber {
public:
  ProgramDescriber(plan::ProgramOp program, const CodeImage &code, const WeightsStore &weights)
      : program(program), code(code), weights(weights), symbols(Symbols::of(program)) {}

  FailureOr<std::unique_ptr<artifact::ProgramT>> run();

private:
  void describeTarget();
  void describeSymbols();
  void describeTensors(TypeRange types, ArrayAttr names, std::vector<std::unique_ptr<artifact::TensorInfoT>> &tensors);
  void describeArena();
  LogicalResult describeKernels();
  void describeBuffer(Operation &op);
  LogicalResult describeCall(plan::CallOp call);
  LogicalResult describeLateSymbol(plan::LateSymbolOp late);
  void describeMemory();
  uint32_t peakLiveExpr(ArrayRef<Lifetime> values);

  uint32_t exprOf(AffineMap map) { return exprs.of(map.getResult(0)); }

  plan::ProgramOp program;
  const CodeImage &code;
  const WeightsStore &weights;
  Symbols symbols;
  ExprTable exprs;
  std::unique_ptr<artifact::ProgramT> out = std::make_unique<artifact::ProgramT>();
  llvm::DenseMap<Operation *, uint32_t> buffers;
  llvm::StringMap<uint32_t> kernels;
  std::vector<uint32_t> slotOffsets;
  uint32_t arenaBytes = 0;
};

void ProgramDescriber::describeTarget() {
  Target target = Target::of(program.getTarget());
  out->target = std::make_unique<artifact::TargetT>();
  out->target->arch = "x86_64";
  out->target->cpu = target.cpu;
  out->target->features = target.neededFeatures();
}

void ProgramDescriber::describeSymbols() {
  using artifact::SymbolKind;
  for (const Symbol &symbol : symbols.symbols) {
    auto entry = std::make_unique<artifact::SymbolT>();
    entry->name = symbol.kind == lathe::SymbolKind::inputDim ? symbol.name : "";
    entry->min = symbol.min;
    entry->max = symbol.max;
    entry->kind = symbol.kind == lathe::SymbolKind::inputDim     ? SymbolKind::InputDim
                  : symbol.kind == lathe::SymbolKind::inputValue ? SymbolKind::InputValue
                  : symbol.kind == lathe::SymbolKind::derived    ? SymbolKind::Derived
                                                                 : SymbolKind::TensorValue;
    if (symbol.kind == lathe::SymbolKind::derived)
      entry->expr = exprs.derived(symbol);
    else if (symbol.kind != lathe::SymbolKind::tensorValue) {
      entry->index = symbol.input;
      entry->element = symbol.index;
    }
    out->symbols.push_back(std::move(entry));
  }
  std::vector<std::string> names = symbolTexts(symbols.symbols);
  for (const Constraint &constraint : symbols.constraints) {
    auto entry = std::make_unique<artifact::ConstraintT>();
    entry->expr = exprs.equal(constraint.lhs, constraint.rhs);
    entry->message = "node '" + constraint.reason + "': expects " + dimText(constraint.lhs, names) + " to be " +
                     dimText(constraint.rhs, names);
    out->constraints.push_back(std::move(entry));
  }
}

void ProgramDescriber::describeTensors(TypeRange types, ArrayAttr names,
                                       std::vector<std::unique_ptr<artifact::TensorInfoT>> &tensors) {
  std::vector<std::string> symbolNames;
  for (const Symbol &symbol : symbols.symbols)
    symbolNames.push_back(symbol.name);
  for (auto [type, name] : llvm::zip_equal(types, names.getAsRange<StringAttr>())) {
    auto tensor = cast<RankedTensorType>(type);
    auto entry = std::make_unique<artifact::TensorInfoT>();
    entry->name = name.str();
    entry->dtype = dtypeOf(tensor.getElementType());
    for (AffineExpr dim : dimExprs(tensor)) {
      entry->shape.push_back(exprs.of(dim));
      entry->dim_names.push_back(dimText(dim, symbolNames));
    }
    tensors.push_back(std::move(entry));
  }
}

/// Offsets of the slots of symbolic sizes: sums of the slots before.
void ProgramDescriber::describeArena() {
  arenaBytes = exprs.constant(program.getArenaBytes().value_or(0));
  if (!program.getArenaSlots())
    return;
  uint32_t end = exprs.constant(0);
  for (auto map : program.getArenaSlots()->getAsRange<AffineMapAttr>()) {
    SmallVector<uint32_t> sizes;
    for (AffineExpr size : map.getValue().getResults())
      sizes.push_back(exprs.of(size));
    slotOffsets.push_back(end);
    end = exprs.add(end, exprs.alignUp(exprs.maximum(sizes), plan::kBufferAlignment));
  }
  arenaBytes = end;
}

LogicalResult ProgramDescriber::describeKernels() {
  llvm::StringMap<uint64_t> offsets;
  for (const auto &[name, offset] : code.entries)
    offsets[name] = offset;
  for (auto kernel : program.getBody().getOps<plan::KernelOp>()) {
    kernels[kernel.getSymName()] = out->kernels.size();
    auto entry = std::make_unique<artifact::KernelT>();
    if (isLibraryKind(kernel.getKind())) {
      auto library = onednn::describe(kernel);
      if (failed(library))
        return failure();
      entry->library = std::move(*library);
    } else {
      auto it = offsets.find(kernel.getSymName());
      if (it == offsets.end())
        return kernel.emitError("no code was generated for kernel ") << kernel.getSymName();
      entry->code_offset = it->second;
    }
    entry->name = kernel.getSymName().str();
    entry->description = kernel.getKind().str();
    out->kernels.push_back(std::move(entry));
  }
  return success();
}

void ProgramDescriber::describeBuffer(Operation &op) {
  using artifact::BufferKind;
  auto entry = std::make_unique<artifact::BufferT>();
  auto typeBytes = [&](Type type) {
    auto tensor = cast<RankedTensorType>(type);
    AffineExpr count = dimProduct(dimExprs(tensor), op.getContext());
    return exprs.of(simplifyDim(count * elementSizeBytes(tensor.getElementType())));
  };
  auto type = cast<FunctionType>(program.getFunctionType());
  if (auto input = dyn_cast<plan::InputOp>(op)) {
    entry->kind = BufferKind::Input;
    entry->index = input.getIndex();
    entry->size = typeBytes(type.getInput(entry->index));
    entry->name = cast<StringAttr>(program.getInputNames()[entry->index]).str();
  } else if (auto output = dyn_cast<plan::OutputOp>(op)) {
    entry->kind = BufferKind::Output;
    entry->index = output.getIndex();
    entry->size = typeBytes(type.getResult(entry->index));
    entry->name = cast<StringAttr>(program.getOutputNames()[entry->index]).str();
  } else if (auto constant = dyn_cast<plan::WeightsOp>(op)) {
    WeightsStore::Location location = weights.locationOf(constant);
    entry->kind = BufferKind::Weights;
    entry->index = location.segment;
    entry->offset = location.offset;
    entry->size = exprs.constant(constant.getSizeBytes());
  } else {
    auto alloc = cast<plan::AllocOp>(op);
    bool isLate = !alloc.getOffset() && !alloc.getSlot();
    entry->kind = isLate ? BufferKind::Late : BufferKind::Arena;
    entry->size = exprOf(alloc.getSizeBytes());
    if (!isLate)
      entry->arena_offset = alloc.getSlot() ? slotOffsets[*alloc.getSlot()] : exprs.constant(*alloc.getOffset());
    if (alloc.getSlotOffset())
      entry->arena_offset = exprs.add(entry->arena_offset, exprOf(*alloc.getSlotOffset()));
  }
  if (entry->name.empty())
    entry->name = llvm::join(nodeNames(op.getLoc()), " + ");
  buffers[&op] = out->buffers.size();
  out->buffers.push_back(std::move(entry));
}

std::vector<std::unique_ptr<artifact::CallValueT>> describeValues(plan::CallOp call) {
  std::vector<std::unique_ptr<artifact::CallValueT>> values;
  for (const plan::CallValue &value : plan::valuesOf(call)) {
    auto entry = std::make_unique<artifact::CallValueT>();
    entry->arg = uint32_t(call.getInputs().size()) + value.output;
    entry->node = value.origin.node;
    entry->dtype = dtypeOf(value.elementType);
    entry->scale = value.origin.scale == 0 ? 1 : value.origin.scale;
    entry->zero_point = int32_t(value.origin.zero);
    entry->order.assign(value.origin.order.begin(), value.origin.order.end());
    entry->factors.assign(value.origin.factors.begin(), value.origin.factors.end());
    entry->axis = uint8_t(value.origin.axis);
    values.push_back(std::move(entry));
  }
  return values;
}

LogicalResult ProgramDescriber::describeCall(plan::CallOp call) {
  auto kernel = program.lookupSymbol<plan::KernelOp>(call.getKernelAttr());
  auto entry = std::make_unique<artifact::CallT>();
  uint32_t number = out->calls.size(), zero = exprs.constant(0);
  entry->kernel = kernels.lookup(call.getKernel());
  for (Value buffer : call.getOperands()) {
    uint32_t index = buffers.lookup(plan::rootOf(buffer));
    entry->args.push_back(index);
    entry->arg_offsets.push_back(exprs.of(plan::offsetOf(buffer)));
    artifact::BufferT &used = *out->buffers[index];
    if (used.last_call == UINT32_MAX)
      used.first_call = number;
    used.last_call = number;
  }
  if (llvm::all_equal(entry->arg_offsets) && (entry->arg_offsets.empty() || entry->arg_offsets.front() == zero))
    entry->arg_offsets.clear();
  for (int64_t symbol : kernel.getSymbols())
    entry->dims.push_back(exprs.of(getAffineSymbolExpr(symbol, call.getContext())));
  entry->tasks = exprOf(kernel.getTasks());
  entry->scratch_bytes = exprOf(kernel.getScratchBytes());
  if (kernel.getRounds())
    entry->rounds = exprOf(*kernel.getRounds());
  entry->joins = call.getJoins();
  entry->flops = exprOf(call.getFlops());
  entry->bytes = exprOf(call.getMovedBytes());
  entry->nodes = nodeNames(call.getLoc());
  entry->values = describeValues(call);
  out->calls.push_back(std::move(entry));
  return success();
}

LogicalResult ProgramDescriber::describeLateSymbol(plan::LateSymbolOp late) {
  auto offset = constantDim(plan::offsetOf(late.getSource()));
  if (!offset || *offset % 8)
    return late.emitError("expects the tensor of a late symbol at a constant place, a multiple of 8 bytes");
  artifact::SymbolT &symbol = *out->symbols[late.getSymbol()];
  symbol.index = buffers.lookup(plan::rootOf(late.getSource()));
  symbol.element = late.getElement() + *offset / 8;
  symbol.after_call = out->calls.size() - 1;
  return success();
}

/// Sums of live bytes, each different one once. They are compared at run time, so only the largest by guess are kept.
uint32_t ProgramDescriber::peakLiveExpr(ArrayRef<Lifetime> values) {
  constexpr size_t kMostSums = 64;
  SmallVector<int64_t> guess = guessSymbols(symbols);
  llvm::SetVector<AffineExpr> sums;
  for (int64_t step = 0; step < int64_t(out->calls.size()); ++step) {
    AffineExpr sum = getAffineConstantExpr(0, program.getContext());
    for (Lifetime value : values)
      if (value.first <= step && step <= value.last)
        sum = sum + value.alloc.getSizeBytes().getResult(0);
    sums.insert(simplifyDim(sum));
  }
  SmallVector<AffineExpr> sorted(sums.begin(), sums.end());
  llvm::stable_sort(sorted, [&](AffineExpr a, AffineExpr b) {
    return evaluateDim(a, guess).value_or(0) > evaluateDim(b, guess).value_or(0);
  });
  sorted.truncate(std::min(sorted.size(), kMostSums));
  SmallVector<uint32_t> numbers;
  for (AffineExpr sum : sorted)
    numbers.push_back(exprs.of(sum));
  return exprs.maximum(numbers);
}

void ProgramDescriber::describeMemory() {
  out->memory = std::make_unique<artifact::MemoryPlanT>();
  out->memory->arena_bytes = arenaBytes;
  if (!program.getArenaSlots()) {
    out->memory->lower_bound_bytes = exprs.constant(program.getLowerBoundBytes().value_or(0));
    out->memory->no_reuse_bytes = exprs.constant(program.getNoReuseBytes().value_or(0));
    return;
  }
  std::vector<Lifetime> values = lifetimes(program);
  llvm::erase_if(values, [](Lifetime &value) { return !value.alloc.getSlot(); });
  out->memory->lower_bound_bytes = peakLiveExpr(values);
  AffineExpr sum = getAffineConstantExpr(0, program.getContext());
  for (Lifetime &value : values)
    sum = sum + value.alloc.getSizeBytes().getResult(0);
  out->memory->no_reuse_bytes = exprs.of(simplifyDim(sum));
}

FailureOr<std::unique_ptr<artifact::ProgramT>> ProgramDescriber::run() {
  out->code_bytes = code.bytes.size();
  auto type = cast<FunctionType>(program.getFunctionType());
  describeTarget();
  describeSymbols();
  describeTensors(type.getInputs(), program.getInputNames(), out->inputs);
  describeTensors(type.getResults(), program.getOutputNames(), out->outputs);
  describeArena();
  if (failed(describeKernels()))
    return failure();
  for (Operation &op : program.getBody().front()) {
    if (isa<plan::InputOp, plan::OutputOp, plan::WeightsOp, plan::AllocOp>(op)) {
      describeBuffer(op);
      out->buffers.back()->last_call = UINT32_MAX; // no call yet
    } else if (auto call = dyn_cast<plan::CallOp>(op); call && failed(describeCall(call))) {
      return failure();
    } else if (auto late = dyn_cast<plan::LateSymbolOp>(op); late && failed(describeLateSymbol(late))) {
      return failure();
    }
  }
  for (auto &buffer : out->buffers)
    if (buffer->last_call == UINT32_MAX)
      buffer->last_call = 0;
  describeMemory();
  out->exprs = exprs.take();
  return std::move(out);
}

} // namespace

FailureOr<std::unique_ptr<artifact::ProgramT>> describeProgram(plan::ProgramOp program, const CodeImage &code,
                                                               const WeightsStore &weights) {
  return ProgramDescriber(program, code, weights).run();
}

} // namespace lathe
