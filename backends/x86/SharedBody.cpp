#include "backends/x86/SharedBody.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/SetVector.h"
#include <map>
#include <set>

using namespace mlir;

namespace lathe::x86 {

namespace {
bool isNumberType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.getWidth() > 1 && integer.getWidth() <= 64;
  return type.isF32();
}

/// The constant that an operand is, if a number read at run time could take its place: a scalar or a splat.
TypedAttr numberOf(OpOperand &operand) {
  auto constant = operand.get().getDefiningOp<arith::ConstantOp>();
  if (!constant || !isNumberType(getElementTypeOrSelf(constant.getType())))
    return {};
  auto values = dyn_cast<DenseElementsAttr>(constant.getValue());
  return !values || values.isSplat() ? constant.getValue() : TypedAttr();
}

bool isInInnerLoop(Operation *op) {
  auto loop = op->getParentOfType<scf::ForOp>();
  return loop && loop->getParentOfType<scf::ForOp>();
}

/// LLVM unrolls inner loops of few trips.
bool isUnrolled(scf::ForOp loop) {
  constexpr int64_t few = 2;
  IntegerAttr from, to;
  return isInInnerLoop(loop) && matchPattern(loop.getLowerBound(), m_Constant(&from)) &&
         matchPattern(loop.getUpperBound(), m_Constant(&to)) && to.getInt() - from.getInt() <= few;
}

/// May what this operand is be known at run time only?
bool isOpen(OpOperand &operand) {
  Operation *op = operand.getOwner();
  if (isa<arith::DivUIOp, arith::DivSIOp, arith::RemUIOp, arith::RemSIOp>(op))
    return operand.getOperandNumber() == 0 || !isInInnerLoop(op);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return operand.getOperandNumber() < 2 && !isUnrolled(loop);
  return isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::MinSIOp, arith::MaxSIOp, arith::MinUIOp,
             arith::MaxUIOp, arith::CmpIOp, arith::SelectOp, arith::ExtUIOp, arith::ExtSIOp, arith::AddFOp,
             arith::SubFOp, arith::MulFOp, arith::DivFOp, arith::CmpFOp, arith::MaximumFOp, arith::MinimumFOp,
             LLVM::GEPOp>(op);
}

int64_t bitsOf(TypedAttr number) {
  if (auto values = dyn_cast<DenseElementsAttr>(number))
    number = cast<TypedAttr>(values.getSplatValue<Attribute>());
  if (auto real = dyn_cast<FloatAttr>(number))
    return int64_t(real.getValue().bitcastToAPInt().getZExtValue());
  return cast<IntegerAttr>(number).getValue().getSExtValue();
}

/// A kernel, with a further argument of the body's block in place of each number.
class OpenKernel {
public:
  OpenKernel(ModuleOp module, StringRef name)
      : entry(module.lookupSymbol<LLVM::LLVMFuncOp>(name)),
        body(module.lookupSymbol<LLVM::LLVMFuncOp>(bodyName(name))) {
    Block &block = body.getBody().front();
    llvm::SetVector<Operation *> constants; // that stay, in the order of their uses
    body.walk<WalkOrder::PreOrder>([&](Operation *op) {
      operations += isa<arith::ConstantOp>(op) ? 0 : 1;
      SmallVector<bool> open =
          llvm::map_to_vector(op->getOpOperands(), [](OpOperand &operand) { return isOpen(operand); });
      for (OpOperand &operand : op->getOpOperands()) {
        TypedAttr number = numberOf(operand);
        if (number && open[operand.getOperandNumber()]) {
          numbers.push_back(number);
          operand.set(block.addArgument(number.getType(), op->getLoc()));
        } else if (auto constant = operand.get().getDefiningOp<arith::ConstantOp>()) {
          constants.insert(constant);
        }
      }
    });
    for (Operation *constant : llvm::reverse(constants))
      constant->moveBefore(&block, block.begin());
    for (Operation &op : llvm::make_early_inc_range(block))
      if (isa<arith::ConstantOp>(op) && op.use_empty())
        op.erase();
  }

  /// What differs for kernels that aren't alike, mostly.
  std::pair<size_t, size_t> key() const { return {operations, numbers.size()}; }

  bool isLike(OpenKernel &other) {
    return body.getFunctionType() == other.body.getFunctionType() &&
           body.getArgAttrsAttr() == other.body.getArgAttrsAttr() &&
           OperationEquivalence::isRegionEquivalentTo(&body.getBody(), &other.body.getBody(),
                                                      OperationEquivalence::IgnoreLocations);
  }

  LLVM::LLVMFuncOp entry, body;
  SmallVector<TypedAttr> numbers;

private:
  size_t operations = 0;
};

/// Kernels that are alike; the body of the first is used.
class Sharing {
public:
  explicit Sharing(MutableArrayRef<OpenKernel *> kernels)
      : kernels(kernels), body(kernels.front()->body), b(body.getContext()) {}

  void run() {
    b.setInsertionPointToStart(&body.getBody().front());
    closeNumbers();
    if (kernels.size() == 1)
      return;
    auto module = body->getParentOfType<ModuleOp>();
    for (auto [i, kernel] : llvm::enumerate(kernels)) {
      kernel->entry->remove();
      module.push_back(kernel->entry);
      callBody(kernel->entry, i);
    }
  }

private:
  using Tuple = SmallVector<int64_t>;

  /// Each argument is the constant that it is in all kernels, or loaded from the table.
  void closeNumbers() {
    Block &block = body.getBody().front();
    unsigned first = block.getNumArguments() - unsigned(kernels.front()->numbers.size());
    for (auto [i, argument] : llvm::enumerate(block.getArguments().drop_front(first))) {
      TypedAttr number = kernels.front()->numbers[i];
      bool isSame = llvm::all_of(kernels, [&, i = i](OpenKernel *kernel) { return kernel->numbers[i] == number; });
      argument.replaceAllUsesWith(isSame ? constant(number) : loaded(i, argument.getType()));
    }
    block.eraseArguments(first, kernels.front()->numbers.size());
    if (table)
      addTableParameter();
  }

  void addTableParameter() {
    LLVM::LLVMFunctionType type = body.getFunctionType();
    SmallVector<Type> parameters(type.getParams());
    parameters.push_back(table.getType());
    SmallVector<Attribute> attributes(body.getArgAttrsAttr().begin(), body.getArgAttrsAttr().end());
    attributes.push_back(b.getDictionaryAttr(b.getNamedAttr(LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr())));
    body.setFunctionType(LLVM::LLVMFunctionType::get(type.getReturnType(), parameters));
    body.setArgAttrsAttr(b.getArrayAttr(attributes));
  }

  Value constant(TypedAttr number) {
    Value &slot = constants[number];
    if (!slot)
      slot = b.create<arith::ConstantOp>(body.getLoc(), number);
    return slot;
  }

  Value loaded(size_t i, Type type) {
    Tuple tuple;
    for (OpenKernel *kernel : kernels)
      tuple.push_back(bitsOf(kernel->numbers[i]));
    auto [it, isNew] = positions.try_emplace(tuple, positions.size());
    if (isNew)
      tuples.push_back(tuple);
    Value &slot = loads[{it->second, type.getAsOpaquePointer()}];
    if (!slot)
      slot = load(it->second, type);
    return slot;
  }

  Value load(size_t position, Type type) {
    Location loc = body.getLoc();
    Type pointer = LLVM::LLVMPointerType::get(b.getContext()), element = getElementTypeOrSelf(type);
    if (!table)
      table = body.getBody().front().addArgument(pointer, loc);
    Value address =
        b.create<LLVM::GEPOp>(loc, pointer, b.getI64Type(), table, ArrayRef<LLVM::GEPArg>{int32_t(position)});
    Value value = b.create<LLVM::LoadOp>(loc, element, address, 8, /*isVolatile=*/false, /*isNonTemporal=*/false,
                                         /*isInvariant=*/true);
    return type == element ? value : Value(b.create<vector::BroadcastOp>(loc, type, value));
  }

  /// The entry of kernel number `i` calls the shared body, with its numbers.
  void callBody(LLVM::LLVMFuncOp entry, size_t i) {
    auto call = *entry.getBody().getOps<LLVM::CallOp>().begin();
    call.setCallee(body.getSymName());
    if (!table)
      return;
    SmallVector<int64_t> numbers = llvm::map_to_vector(tuples, [i](const Tuple &tuple) { return tuple[i]; });
    Location loc = entry.getLoc();
    b.setInsertionPoint(entry);
    auto type = LLVM::LLVMArrayType::get(b.getI64Type(), numbers.size());
    auto global =
        b.create<LLVM::GlobalOp>(loc, type, /*isConstant=*/true, LLVM::Linkage::Internal,
                                 (entry.getSymName() + ".numbers").str(), b.getI64TensorAttr(numbers), /*alignment=*/8);
    b.setInsertionPoint(call);
    Value address = b.create<LLVM::AddressOfOp>(loc, global);
    call.getCalleeOperandsMutable().append(address);
  }

  MutableArrayRef<OpenKernel *> kernels;
  LLVM::LLVMFuncOp body;
  OpBuilder b;
  Value table; // null: no numbers differ
  std::vector<Tuple> tuples;
  std::map<Tuple, size_t> positions;
  std::map<std::pair<size_t, const void *>, Value> loads;
  llvm::DenseMap<Attribute, Value> constants;
};
} // namespace

void shareBodies(MutableArrayRef<OwningOpRef<ModuleOp>> modules, ArrayRef<std::string> names) {
  std::vector<OpenKernel> kernels;
  std::vector<std::vector<OpenKernel *>> groups;
  std::multimap<std::pair<size_t, size_t>, size_t> groupsOfKey;
  for (auto [module, name] : llvm::zip_equal(modules, names))
    kernels.emplace_back(*module, name);
  for (OpenKernel &kernel : kernels) {
    auto [begin, end] = groupsOfKey.equal_range(kernel.key());
    auto it = std::find_if(begin, end, [&](const auto &entry) { return kernel.isLike(*groups[entry.second].front()); });
    if (it != end) {
      groups[it->second].push_back(&kernel);
      continue;
    }
    groupsOfKey.emplace(kernel.key(), groups.size());
    groups.push_back({&kernel});
  }
  for (auto &group : groups)
    Sharing(group).run();
  std::set<Operation *> firsts;
  for (auto &group : groups)
    firsts.insert(group.front()->body->getParentOp());
  for (OwningOpRef<ModuleOp> &module : modules)
    if (!firsts.contains(*module))
      module = nullptr;
}

} // namespace lathe::x86
