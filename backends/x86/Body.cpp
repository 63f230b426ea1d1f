#include "backends/x86/Body.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace lathe::x86 {

SmallVector<Operation *> bodyOperations(Operation *op) {
  auto fused = dyn_cast<nn::FusedOp>(op);
  if (!fused)
    return {op};
  SmallVector<Operation *> operations;
  for (Operation &inner : fused.getBody().front().without_terminator())
    operations.push_back(&inner);
  return operations;
}

OwningOpRef<plan::KernelOp> makeBody(Operation *op) {
  OpBuilder b(op->getContext());
  AffineMap one = symbolMap(dimConstant(op->getContext(), 1), op->getContext());
  auto kernel = b.create<plan::KernelOp>(op->getLoc(), "body", "", b.getDictionaryAttr({}), b.getArrayAttr({}),
                                         ArrayRef<int64_t>(), one, one, ArrayRef<int64_t>(), AffineMapAttr());
  Block &block = kernel.getBody().emplaceBlock();
  b.setInsertionPointToEnd(&block);
  auto arguments = llvm::map_to_vector(op->getOperandTypes(),
                                       [&](Type type) -> Value { return block.addArgument(type, op->getLoc()); });
  IRMapping mapping;
  if (auto fused = dyn_cast<nn::FusedOp>(op)) {
    mapping.map(fused.getBody().front().getArguments(), arguments);
    for (Operation &inner : fused.getBody().front())
      b.clone(inner, mapping);
    return kernel;
  }
  Operation *copy = b.clone(*op, mapping);
  for (auto [index, argument] : llvm::enumerate(arguments))
    copy->setOperand(index, argument);
  b.create<nn::YieldOp>(op->getLoc(), copy->getResults());
  return kernel;
}

std::string typeName(Type type) {
  if (type.isInteger(1))
    return "i1";
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

AffineExpr elementCount(Value tensor) { return dimProduct(dimExprs(tensorType(tensor)), tensor.getContext()); }

bool hasKnownTypes(Operation *op) {
  auto isKnown = [](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return type && hasSymbolicDims(type) && elementSizeBytes(type.getElementType()) > 0;
  };
  return llvm::all_of(bodyOperations(op), [&](Operation *inner) {
    return llvm::all_of(inner->getOperands(), isKnown) && llvm::all_of(inner->getResults(), isKnown);
  });
}

//===- names -===//

namespace {
/// The word for an operation in a kernel's name.
std::string wordFor(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::string>(op)
      .Case([](nn::UnaryOp unary) { return stringifyUnaryKind(unary.getKind()).str(); })
      .Case([](nn::BinaryOp binary) { return stringifyBinaryKind(binary.getKind()).str(); })
      .Case([](nn::ReduceOp reduce) { return "reduce_" + stringifyReduceKind(reduce.getKind()).str(); })
      .Case([](nn::PoolOp pool) { return stringifyPoolKind(pool.getKind()).str(); })
      .Default([](Operation *other) { return other->getName().stripDialect().str(); });
}

constexpr size_t kWordsInName = 4;
} // namespace

KernelPlan makePlan(Operation *op, StringRef kind) {
  MLIRContext *context = op->getContext();
  KernelPlan plan;
  Type type = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  plan.name = typeName(type) + "_" + kind.str();
  size_t words = 0;
  for (Operation *inner : bodyOperations(op)) {
    std::string word = wordFor(inner);
    if (isa<nn::ConstantOp>(inner) || word == kind || ++words > kWordsInName)
      continue;
    plan.name += "_" + word;
  }
  plan.kind = kind.str();
  plan.config = DictionaryAttr::get(context);
  plan.packing.assign(op->getNumOperands(), UnitAttr::get(context));
  plan.tasks = dimConstant(context, 1);
  plan.scratchBytes = dimConstant(context, 0);
  plan.flops = countFlops(op);
  return plan;
}

//===- cost -===//

namespace {
AffineExpr constantProduct(ArrayRef<int64_t> values, MLIRContext *context) {
  int64_t product = 1;
  for (int64_t value : values)
    product *= value;
  return dimConstant(context, product);
}

/// Scalar operations per element of the first result.
AffineExpr flopsPerElement(Operation *op) {
  MLIRContext *context = op->getContext();
  auto dim = [](Value tensor, int64_t axis) {
    DimExprs dims = dimExprs(tensorType(tensor));
    return dims[axis < 0 ? dims.size() + axis : axis];
  };
  return llvm::TypeSwitch<Operation *, AffineExpr>(op)
      .Case([&](nn::MatmulOp matmul) { return dim(matmul.getLhs(), matmul.getTransLhs() ? -2 : -1) * 2; })
      .Case([&](nn::ConvOp conv) {
        auto filter = dimExprs(tensorType(conv.getFilter()));
        return dimProduct(ArrayRef(filter).drop_front(), context) * 2;
      })
      .Case([&](nn::ConvTransposeOp conv) {
        auto filter = dimExprs(tensorType(conv.getFilter()));
        return dimProduct(ArrayRef(filter).drop_front(2), context) * filter[0].floorDiv(conv.getGroup()) * 2;
      })
      .Case([&](nn::PoolOp pool) { return constantProduct(pool.getKernel(), context); })
      .Case([&](nn::MaxPoolIndicesOp pool) { return constantProduct(pool.getKernel(), context); })
      .Case([&](nn::AttentionOp attention) { return dim(attention.getKey(), 2) * 4; })
      .Case([&](nn::RecurrentOp cell) {
        auto recurrence = dimExprs(tensorType(cell.getRecurrence()));
        AffineExpr depth = recurrence[2];
        if (cell.getWeights())
          depth = depth + dimExprs(tensorType(cell.getWeights()))[2];
        return depth * recurrence[1].floorDiv(recurrence[2]) * 2;
      })
      .Case<nn::SoftmaxOp, nn::LayerNormOp>([&](auto) { return dimConstant(context, 5); })
      .Default([&](Operation *) { return dimConstant(context, 1); });
}

bool isMovement(Operation *op) {
  return isa<nn::ConstantOp, nn::ReshapeOp, nn::TransposeOp, nn::BroadcastOp, nn::TileOp, nn::SliceOp, nn::ConcatOp,
             nn::PadOp, nn::GatherOp, nn::GatherElementsOp, nn::GatherNdOp, nn::BitcastOp>(op);
}
} // namespace

AffineExpr countFlops(Operation *op) {
  AffineExpr sum = dimConstant(op->getContext(), 0);
  for (Operation *inner : bodyOperations(op)) {
    auto dequantize = dyn_cast<nn::DequantizeOp>(inner);
    bool isPartOfProduct = dequantize && dequantize.getBits() != 0;
    if (isMovement(inner) || isPartOfProduct)
      continue;
    bool isReduction = isa<nn::ReduceOp, nn::ArgReduceOp>(inner);
    Value counted = isReduction ? inner->getOperand(0) : inner->getResult(0);
    sum = sum + elementCount(counted) * flopsPerElement(inner);
  }
  return simplifyDim(sum);
}

bool isPointwise(Operation *op) { return nn::isElementwise(op) || isa<nn::BitcastOp, nn::BroadcastOp>(op); }

int64_t costPerElement(Operation *op) {
  if (auto unary = dyn_cast<nn::UnaryOp>(op)) {
    if (tensorType(unary.getInput()).getElementType().isF64())
      return 60;
    switch (unary.getKind()) {
    case nn::UnaryKind::abs:
    case nn::UnaryKind::neg:
    case nn::UnaryKind::relu:
    case nn::UnaryKind::leaky_relu:
    case nn::UnaryKind::logical_not:
    case nn::UnaryKind::hard_sigmoid:
    case nn::UnaryKind::hard_swish:
      return 1;
    default:
      return 10;
    }
  }
  if (isa<nn::QuantizeOp>(op))
    return 6;
  if (auto binary = dyn_cast<nn::BinaryOp>(op))
    return binary.getKind() == nn::BinaryKind::pow || binary.getKind() == nn::BinaryKind::fmod ? 30 : 1;
  // Others that run a loop for each element: by what the loop does.
  auto flops = constantDim(simplifyDim(flopsPerElement(op)));
  return std::clamp<int64_t>(flops.value_or(64), 1, 1 << 16);
}

} // namespace lathe::x86
