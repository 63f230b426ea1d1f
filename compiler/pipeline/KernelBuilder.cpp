#include "compiler/pipeline/KernelBuilder.h"
#include "dialects/support/Origin.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/STLExtras.h"
#include <set>

using namespace mlir;

namespace lathe {

bool isElementwise(Operation *op) { return nn::isElementwise(op) || isa<nn::BitcastOp>(op); }

ElementsAttr constantValue(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  while (auto reshape = value.getDefiningOp<nn::ReshapeOp>())
    value = reshape.getInput();
  auto constant = value.getDefiningOp<nn::ConstantOp>();
  if (!constant || !type.hasStaticShape())
    return {};
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue()))
    return DenseResourceElementsAttr::get(type, resource.getRawHandle());
  if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue()))
    return dense.reshape(type);
  return {};
}

//===- In step -===//

bool readsInStep(plan::KernelOp kernel, unsigned input, unsigned output) {
  Block &block = kernel.getBody().front();
  BlockArgument argument = block.getArgument(input);
  Type type = block.getTerminator()->getOperand(output).getType();
  auto bytesOf = [](Type t) { return elementSizeBytes(cast<RankedTensorType>(t).getElementType()); };
  auto isSameShape = [&](Type other) {
    return dimExprs(cast<RankedTensorType>(type)) == dimExprs(cast<RankedTensorType>(other));
  };
  if (!isSameShape(argument.getType()) || bytesOf(type) != bytesOf(argument.getType()))
    return false;
  // Outputs of other shapes are computed at other indices: all must run in step with this one.
  return llvm::all_of(block.getOperations(), [&](Operation &op) {
    if (isa<nn::ConstantOp>(op))
      return true;
    if (isa<nn::YieldOp>(op))
      return llvm::all_of(op.getOperandTypes(), isSameShape);
    return isElementwise(&op) && llvm::all_of(op.getResultTypes(), isSameShape);
  });
}

//===- Bytes read -===//

AffineExpr readBytes(plan::KernelOp kernel, unsigned input) {
  auto bytesOf = [](Type type) {
    auto tensor = cast<RankedTensorType>(type);
    return dimProduct(dimExprs(tensor), type.getContext()) * elementSizeBytes(tensor.getElementType());
  };
  BlockArgument argument = kernel.getBody().front().getArgument(input);
  AffineExpr whole = simplifyDim(bytesOf(argument.getType())), parts = getAffineConstantExpr(0, kernel.getContext());
  for (OpOperand &use : argument.getUses()) {
    Operation *user = use.getOwner();
    auto dequantize = dyn_cast<nn::DequantizeOp>(user);
    if (dequantize && dequantize.getBits() == 4 && argument == dequantize.getInput())
      return whole.floorDiv(2); // packed
    if (use.getOperandNumber() != 0 || !isa<nn::GatherOp, nn::GatherElementsOp, nn::GatherNdOp, nn::SliceOp>(user))
      return whole;
    parts = parts + bytesOf(user->getResult(0).getType());
  }
  parts = simplifyDim(parts);
  std::optional<int64_t> wholeBytes = constantDim(whole), partBytes = constantDim(parts);
  return wholeBytes && partBytes && *wholeBytes < *partBytes ? whole : parts;
}

//===- Regions -===//

namespace {
/// True if only element-wise operations read operand `index` of `op`.
bool isReadElementwise(Operation *op, unsigned index) {
  auto fused = dyn_cast<nn::FusedOp>(op);
  if (!fused)
    return isElementwise(op) || (isa<nn::PadOp>(op) && index == 1);
  return llvm::all_of(fused.getBody().front().getArgument(index).getUsers(), isElementwise);
}

/// Fills the kernel's region with the computation of `op`: operand i is an argument, or the constant `inlined[i]`.
void fillRegion(Region &region, Operation *op, ArrayRef<DenseElementsAttr> inlined) {
  Block &block = region.emplaceBlock();
  OpBuilder b = OpBuilder::atBlockEnd(&block);
  SmallVector<Value> inputs;
  for (auto [operand, constant] : llvm::zip_equal(op->getOperands(), inlined)) {
    if (constant)
      inputs.push_back(b.create<nn::ConstantOp>(op->getLoc(), operand.getType(), cast<ElementsAttr>(constant)));
    else
      inputs.push_back(block.addArgument(operand.getType(), op->getLoc()));
  }
  IRMapping mapping;
  if (auto fused = dyn_cast<nn::FusedOp>(op)) {
    mapping.map(fused.getBody().front().getArguments(), inputs);
    for (Operation &inner : fused.getBody().front())
      b.clone(inner, mapping);
    return;
  }
  for (auto [operand, input] : llvm::zip_equal(op->getOperands(), inputs))
    mapping.map(operand, input);
  Operation *copy = b.clone(*op, mapping);
  for (auto [index, input] : llvm::enumerate(inputs)) // one value may be several operands
    copy->setOperand(index, input);
  b.create<nn::YieldOp>(op->getLoc(), copy->getResults());
}

/// Equal computations are one kernel, whatever node they are of.
void forgetOrigins(Region &region) { region.walk(removeOrigin); }

void collectSymbols(AffineMap map, std::set<int64_t> &symbols) {
  map.walkExprs([&](AffineExpr expr) {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
      symbols.insert(symbol.getPosition());
  });
}

/// The numbers of all symbols in types and attributes of the region.
void collectSymbols(Region &region, std::set<int64_t> &symbols) {
  auto visit = [&](Type type) { type.walk([&](AffineMapAttr map) { collectSymbols(map.getValue(), symbols); }); };
  llvm::for_each(region.front().getArgumentTypes(), visit);
  region.walk([&](Operation *op) {
    llvm::for_each(op->getResultTypes(), visit);
    op->getAttrDictionary().walk([&](AffineMapAttr map) { collectSymbols(map.getValue(), symbols); });
  });
}

AffineMapAttr oneResult(AffineExpr expr, MLIRContext *context) { return AffineMapAttr::get(symbolMap(expr, context)); }
} // namespace

//===- Kernels -===//

FailureOr<KernelUse> KernelBuilder::build(Operation *op, ArrayRef<ElementsAttr> constants) {
  SmallVector<bool> isConstant = llvm::map_to_vector(constants, [](ElementsAttr value) { return bool(value); });
  FailureOr<KernelPlan> choice = choosePlan(op, isConstant);
  if (failed(choice))
    return failure();
  MLIRContext *context = op->getContext();
  KernelUse use;
  use.flops = choice->flops;
  SmallVector<Attribute> packing;
  SmallVector<DenseElementsAttr> inlined;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    Attribute packed = i < choice->packing.size() ? choice->packing[i] : UnitAttr::get(context);
    bool canInline = isa<UnitAttr>(packed) && isReadElementwise(op, i);
    inlined.push_back(canInline ? inlineValue(constants[i]) : DenseElementsAttr());
    if (inlined.back())
      continue;
    use.operands.push_back(i);
    packing.push_back(packed);
  }
  OpBuilder b(context);
  auto kernel = b.create<plan::KernelOp>(
      op->getLoc(), b.getStringAttr("unnamed"), b.getStringAttr(choice->kind), choice->config, b.getArrayAttr(packing),
      b.getDenseI64ArrayAttr({}), oneResult(choice->tasks, context), oneResult(choice->scratchBytes, context),
      b.getDenseI64ArrayAttr({}), choice->rounds ? oneResult(choice->rounds, context) : AffineMapAttr());
  fillRegion(kernel.getBody(), op, inlined);
  forgetOrigins(kernel.getBody());
  std::set<int64_t> symbols;
  collectSymbols(kernel.getBody(), symbols);
  kernel->getAttrDictionary().walk([&](AffineMapAttr map) { collectSymbols(map.getValue(), symbols); });
  kernel.setSymbols(SmallVector<int64_t>(symbols.begin(), symbols.end()));
  use.kernel = kernel;
  stems[kernel] = choice->name;
  return use;
}

plan::KernelOp KernelBuilder::withInPlace(plan::KernelOp kernel, ArrayRef<int64_t> pairs) {
  kernel.setInPlace(pairs);
  std::string stem = stems.lookup(kernel);
  stems.erase(kernel);
  return finish(kernel, stem);
}

namespace {
/// Everything but the name. Locations don't count.
bool isSameKernel(plan::KernelOp a, plan::KernelOp b) {
  return a.getKind() == b.getKind() && a.getConfig() == b.getConfig() && a.getPacking() == b.getPacking() &&
         a.getSymbols() == b.getSymbols() && a.getTasks() == b.getTasks() &&
         a.getScratchBytes() == b.getScratchBytes() && a.getRounds() == b.getRounds() &&
         a.getInPlace() == b.getInPlace() &&
         OperationEquivalence::isRegionEquivalentTo(&a.getBody(), &b.getBody(), OperationEquivalence::IgnoreLocations);
}
} // namespace

plan::KernelOp KernelBuilder::finish(plan::KernelOp kernel, StringRef stem) {
  std::string key = (stem + "/" + Twine(kernel.getBody().front().getOperations().size())).str();
  for (plan::KernelOp other : known[key])
    if (isSameKernel(kernel, other)) {
      kernel.erase();
      return other;
    }
  kernel.setSymName(uniqueName(stem));
  Block &body = program.getBody().front(); // kernels stand before everything else
  body.getOperations().insert(lastKernel ? std::next(Block::iterator(lastKernel)) : body.begin(), kernel);
  lastKernel = kernel;
  known[key].push_back(kernel);
  return kernel;
}

/// `stem` with a number before the ISA where it is taken: f32_map_add_2__avx2.
std::string KernelBuilder::uniqueName(StringRef stem) {
  unsigned count = ++names[stem];
  if (count == 1)
    return stem.str();
  auto [name, isa] = stem.rsplit("__");
  std::string unique = (name + "_" + Twine(count) + (isa.empty() ? "" : "__") + isa).str();
  return names.contains(unique) ? uniqueName(stem) : (names[unique] = 1, unique);
}

} // namespace lathe
