// Types, verifiers and queries of the plan dialect. The numbers C1.. are those of PlanOps.td.
#include "dialects/plan/Plan.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialects/plan/PlanDialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/plan/PlanTypes.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/plan/PlanOps.cpp.inc"

namespace lathe::plan {

void PlanDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/plan/PlanTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/plan/PlanOps.cpp.inc"
      >();
}

//===- Queries -===//

Operation *rootOf(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewOp>())
    buffer = view.getSource();
  return buffer.getDefiningOp();
}

AffineExpr offsetOf(Value buffer) {
  AffineExpr offset = getAffineConstantExpr(0, buffer.getContext());
  for (; auto view = buffer.getDefiningOp<ViewOp>(); buffer = view.getSource())
    offset = offset + view.getOffsetBytes().getResult(0);
  return simplifyDim(offset);
}

/// True if `second` begins where the view `first` ends, or behind.
static bool isBehind(Value second, Value first) {
  auto view = first.getDefiningOp<ViewOp>();
  if (!view)
    return false;
  auto gap = constantDim(simplifyDim(offsetOf(second) - offsetOf(first) - view.getSizeBytes().getResult(0)));
  return gap && *gap >= 0;
}

static bool doOverlap(Value a, Value b) { return rootOf(a) == rootOf(b) && !isBehind(a, b) && !isBehind(b, a); }

static bool doOverlap(ValueRange a, ValueRange b) {
  return llvm::any_of(a, [&](Value x) { return llvm::any_of(b, [&](Value y) { return doOverlap(x, y); }); });
}

bool areDependent(CallOp first, CallOp second) {
  return doOverlap(first.getOutputs(), second.getOperands()) || doOverlap(first.getInputs(), second.getOutputs());
}

bool isLate(AffineExpr expr, const Symbols &symbols) {
  bool late = false;
  expr.walk([&](AffineExpr part) {
    auto used = dyn_cast<AffineSymbolExpr>(part);
    if (!used || used.getPosition() >= symbols.symbols.size())
      return;
    const Symbol &symbol = symbols.symbols[used.getPosition()];
    late |= symbol.kind == SymbolKind::tensorValue;
    if (symbol.kind == SymbolKind::derived)
      late |= llvm::any_of(symbol.operands, [&](AffineExpr operand) { return isLate(operand, symbols); });
  });
  return late;
}

//===- Verifiers -===//

namespace {
LogicalResult verifyOneResult(Operation *op, AffineMap map, StringRef name, StringRef constraint) {
  if (map.getNumDims() == 0 && map.getNumResults() == 1)
    return success();
  return op->emitOpError("expects ") << name << " (" << constraint << ") to have symbols only and one result, got "
                                     << map.getNumDims() << " dims and " << map.getNumResults() << " results";
}

/// C2 of plan.program for one side.
template <typename BorderOp> LogicalResult verifyBorder(ProgramOp program, size_t count, StringRef what) {
  SmallVector<unsigned> seen(count);
  for (auto op : program.getBody().getOps<BorderOp>()) {
    uint64_t index = op.getIndex();
    if (index >= count)
      return op.emitOpError("expects an index (C2) below ") << count << ", got " << index;
    ++seen[index];
  }
  for (auto [index, times] : llvm::enumerate(seen))
    if (times != 1)
      return program.emitOpError("expects one ")
             << what << " operation (C2) for " << what << " " << index << ", got " << times;
  return success();
}
} // namespace

LogicalResult ProgramOp::verify() {
  auto type = dyn_cast<FunctionType>(getFunctionType());
  if (!type)
    return emitOpError("expects function_type to be a function type");
  if (type.getNumInputs() != getInputNames().size()) // C1
    return emitOpError("expects ") << type.getNumInputs() << " input names (C1), got " << getInputNames().size();
  if (type.getNumResults() != getOutputNames().size()) // C1
    return emitOpError("expects ") << type.getNumResults() << " output names (C1), got " << getOutputNames().size();
  if (failed(verifyBorder<InputOp>(*this, type.getNumInputs(), "input"))) // C2
    return failure();
  return verifyBorder<OutputOp>(*this, type.getNumResults(), "output");
}

LogicalResult KernelOp::verify() {
  Block &block = getBody().front();
  if (block.empty() || !isa<nn::YieldOp>(block.back())) // C1
    return emitOpError("expects the region (C1) to end in nn.yield");
  if (failed(verifyOneResult(*this, getTasks(), "tasks", "C2")) ||
      failed(verifyOneResult(*this, getScratchBytes(), "scratch_bytes", "C2")) ||
      (getRounds() && failed(verifyOneResult(*this, *getRounds(), "rounds", "C2"))))
    return failure();
  ArrayRef<int64_t> pairs = getInPlace();
  int64_t inputs = block.getNumArguments(), outputs = block.back().getNumOperands();
  if (pairs.size() % 2)
    return emitOpError("expects in_place (C3) to hold pairs, got ") << pairs.size() << " numbers";
  for (size_t i = 0; i < pairs.size(); i += 2)
    if (pairs[i] < 0 || pairs[i] >= inputs || pairs[i + 1] < 0 || pairs[i + 1] >= outputs)
      return emitOpError("expects in_place (C3) to name inputs below ")
             << inputs << " and outputs below " << outputs << ", got (" << pairs[i] << ", " << pairs[i + 1] << ")";
  if (int64_t(getPacking().size()) != inputs) // C4
    return emitOpError("expects ") << inputs << " packings (C4), got " << getPacking().size();
  for (size_t i = 1; i < getSymbols().size(); ++i)
    if (getSymbols()[i - 1] >= getSymbols()[i]) // C5
      return emitOpError("expects symbols (C5) to be sorted and unique, got ")
             << getSymbols()[i] << " after " << getSymbols()[i - 1];
  return success();
}

LogicalResult AllocOp::verify() {
  if (failed(verifyOneResult(*this, getSizeBytes(), "size_bytes", "C1")))
    return failure();
  if (getOffset() && getSlot()) // C2
    return emitOpError("expects offset or slot (C2), got both");
  if (getOffset() && *getOffset() % kBufferAlignment) // C3
    return emitOpError("expects offset (C3) to be a multiple of ") << kBufferAlignment << ", got " << *getOffset();
  if (!getSlotOffset())
    return success();
  if (!getSlot()) // C4
    return emitOpError("expects a slot where there is a slot_offset (C4)");
  return verifyOneResult(*this, *getSlotOffset(), "slot_offset", "C4");
}

LogicalResult ViewOp::verify() {
  if (failed(verifyOneResult(*this, getOffsetBytes(), "offset_bytes", "C1")))
    return failure();
  return verifyOneResult(*this, getSizeBytes(), "size_bytes", "C1");
}

LogicalResult LateSymbolOp::verify() {
  auto program = (*this)->getParentOfType<ProgramOp>();
  if (!program)
    return emitOpError("expects to be inside a plan.program");
  Symbols symbols = Symbols::of(program);
  uint64_t number = getSymbol();
  if (number >= symbols.symbols.size() || symbols.symbols[number].kind != SymbolKind::tensorValue) // C1
    return emitOpError("expects a symbol (C1) of kind tensor_value, got symbol ") << number;
  for (Operation *op = (*this)->getPrevNode(); op; op = op->getPrevNode())
    if (isa<CallOp>(op)) // C2
      return success();
  return emitOpError("expects a call before it (C2)");
}

/// C4 of plan.call: the call against those of its group before it.
static LogicalResult verifyGroup(CallOp call, ProgramOp program) {
  auto hasRounds = [&](CallOp any) {
    auto kernel = program.lookupSymbol<KernelOp>(any.getKernelAttr());
    return kernel && kernel.getRounds();
  };
  for (Operation *op = call->getPrevNode(); op; op = op->getPrevNode()) {
    auto before = dyn_cast<CallOp>(op);
    if (!before && isa<AllocOp, ViewOp>(op))
      continue;
    if (!before)
      break;
    if (hasRounds(call) || hasRounds(before))
      return call.emitOpError("expects calls of a group (C4) to have no rounds");
    if (areDependent(before, call))
      return call.emitOpError("expects calls of a group (C4) to be independent, but it depends on that of ")
             << before.getKernelAttr();
    if (!before.getJoins())
      return success();
  }
  return call.emitOpError("expects a call right before it that it joins (C4)");
}

LogicalResult CallOp::verify() {
  auto program = (*this)->getParentOfType<ProgramOp>();
  auto kernel = program ? program.lookupSymbol<KernelOp>(getKernelAttr()) : KernelOp();
  if (!kernel) // C1
    return emitOpError("expects a kernel of this program (C1), got ") << getKernelAttr();
  Block &block = kernel.getBody().front();
  if (block.getNumArguments() != getInputs().size())
    return emitOpError("expects ") << block.getNumArguments() << " inputs (C1), got " << getInputs().size();
  if (!block.empty() && block.back().getNumOperands() != getOutputs().size())
    return emitOpError("expects ") << block.back().getNumOperands() << " outputs (C1), got " << getOutputs().size();
  if (failed(verifyOneResult(*this, getFlops(), "flops", "C2")) ||
      failed(verifyOneResult(*this, getMovedBytes(), "moved_bytes", "C2")))
    return failure();
  ArrayRef<int64_t> pairs = kernel.getInPlace();
  for (auto [input, from] : llvm::enumerate(getInputs()))
    for (auto [output, to] : llvm::enumerate(getOutputs())) {
      bool listed = false;
      for (size_t i = 0; i + 1 < pairs.size(); i += 2)
        listed |= pairs[i] == int64_t(input) && pairs[i + 1] == int64_t(output);
      if (from == to && !listed) // C3
        return emitOpError("expects in_place of the kernel (C3) to list input ") << input << " and output " << output;
      if (from != to && listed) // C3
        return emitOpError("expects input ")
               << input << " and output " << output << " (C3) to be one buffer, as the kernel's in_place says";
    }
  return getJoins() ? verifyGroup(*this, program) : success();
}

} // namespace lathe::plan
