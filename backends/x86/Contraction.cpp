#include "backends/x86/Contraction.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
bool isElementwise(Operation *op) { return isa<nn::UnaryOp, nn::BinaryOp, nn::SelectOp, nn::CastOp>(op); }

/// Right-aligned, every axis of `type` is 1 or the same as `whole`'s.
bool broadcastsTo(RankedTensorType type, RankedTensorType whole) {
  if (type.getRank() > whole.getRank())
    return false;
  DimExprs dims = dimExprs(type), wholeDims = dimExprs(whole);
  for (auto [dim, wholeDim] : llvm::zip(llvm::reverse(dims), llvm::reverse(wholeDims)))
    if (dim != wholeDim && constantDim(dim) != 1)
      return false;
  return true;
}

std::string operationName(Operation *op) {
  if (auto unary = dyn_cast<nn::UnaryOp>(op))
    return nn::stringifyUnaryKind(unary.getKind()).str();
  if (auto binary = dyn_cast<nn::BinaryOp>(op))
    return nn::stringifyBinaryKind(binary.getKind()).str();
  return op->getName().stripDialect().str();
}
} // namespace

bool isEpilogue(ArrayRef<Operation *> operations, Operation *root) {
  auto whole = tensorType(root->getResult(0));
  for (Operation *op : operations) {
    if (op == root || isa<nn::ConstantOp>(op))
      continue;
    if (!isElementwise(op))
      return false;
    for (Value operand : op->getOperands())
      if (!broadcastsTo(tensorType(operand), whole))
        return false;
    if (!broadcastsTo(tensorType(op->getResult(0)), whole))
      return false;
  }
  return true;
}

SmallVector<Operation *> regionOperations(EmitContext &context) {
  SmallVector<Operation *> operations;
  for (Operation &op : context.region().without_terminator())
    operations.push_back(&op);
  return operations;
}

bool isFloat32(Operation *op) {
  auto isF32 = [](Value value) { return elementType(value).isF32(); };
  return llvm::all_of(op->getOperands(), isF32) && llvm::all_of(op->getResults(), isF32);
}

std::optional<unsigned> inputIndex(Operation *kernelOp, Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value); argument && isa<nn::FusedOp>(kernelOp))
    return argument.getArgNumber();
  for (auto [index, operand] : llvm::enumerate(kernelOp->getOperands()))
    if (operand == value && !isa<nn::FusedOp>(kernelOp))
      return index;
  return std::nullopt;
}

bool isConstantInput(Operation *kernelOp, Value value, ArrayRef<bool> isConstant) {
  auto index = inputIndex(kernelOp, value);
  return index && *index < isConstant.size() && isConstant[*index];
}

std::string contractionName(StringRef kind, ArrayRef<Operation *> operations, Operation *root, TileShape tile) {
  std::string name = ("f32_" + kind).str();
  for (Operation *op : operations)
    if (op != root && !isa<nn::ConstantOp>(op))
      name += "_" + operationName(op);
  return name + "_" + std::to_string(tile.rows) + "x" + std::to_string(tile.columns());
}

TileEpilogue::TileEpilogue(EmitContext &context, Operation *root, Value bias, TileShape tile)
    : context(context), product(root->getResult(0)), bias(bias), tile(tile) {
  Value count = context.index(tile.rows * tile.columns());
  buffer = context.b.create<LLVM::AllocaOp>(context.loc, context.ptr(), context.f32(), count, 64);
  width = context.dimOf(product, tensorType(product).getRank() - 1);
  for (BlockArgument input : context.region().getArguments())
    if (llvm::any_of(input.getUsers(), [&](Operation *user) { return user != root; }))
      epilogueInputs.push_back(input);
}

void TileEpilogue::store(const Accumulators &acc, Value row, Value column, Value rows, Value columns) {
  TileShape stored = tile;
  stored.rows = static_cast<int>(acc.size()) / tile.vectors;
  storeTile(context, stored, acc, buffer, context.index(tile.columns()));
  Value all = context.index(tile.columns());
  for (int r = 0; r < stored.rows; ++r) {
    auto storeBoth = [&] {
      Value tileRow = context.add(row, context.index(r));
      if (constantOf(columns) == tile.columns())
        return storeRow(r, tileRow, column, all);
      Value isFull = context.eqI(columns, all);
      context.when(isFull, [&] { storeRow(r, tileRow, column, all); });
      context.when(context.notB(isFull), [&] { storeRow(r, tileRow, column, columns); });
    };
    if (auto known = constantOf(rows); known && *known > r)
      storeBoth();
    else
      context.when(context.ltS(context.index(r), rows), storeBoth);
  }
}

void TileEpilogue::storeRow(int tileRow, Value row, Value column, Value columns) {
  context.loop(context.index(0), columns, [&](Value j) {
    storeElement(context.add(context.index(tileRow * tile.columns()), j), row, context.add(column, j));
  });
}

void TileEpilogue::storeElement(Value tileOffset, Value row, Value column) {
  context.bind(product, [&](ArrayRef<Value>) {
    Value sum = context.loadRaw(buffer, context.f32(), tileOffset);
    return bias ? context.add(sum, context.load(context.inputs[cast<BlockArgument>(bias).getArgNumber()], context.f32(),
                                                column))
                : sum;
  });
  for (Value input : epilogueInputs) {
    auto argument = cast<BlockArgument>(input);
    context.bind(input, [this, argument, row, column](ArrayRef<Value>) {
      return context.load(context.inputs[argument.getArgNumber()], elementType(argument),
                          inputOffset(argument, row, column));
    });
  }
  // All inputs are bound, so that indices only tell elements apart; (row, 0, .., column) is enough.
  Indices indices(tensorType(product).getRank(), context.index(0));
  indices.front() = row;
  indices.back() = column;
  Value offset = context.add(context.mul(row, width), column);
  for (auto [result, output] : llvm::zip(context.results(), context.outputs))
    context.store(context.elementAt(result, indices), output, elementType(result), offset);
  context.unbind(product);
  for (Value input : epilogueInputs)
    context.unbind(input);
}

Value TileEpilogue::inputOffset(BlockArgument input, Value row, Value column) {
  DimExprs dims = dimExprs(tensorType(input)), whole = dimExprs(tensorType(product));
  while (!dims.empty() && dims.size() > 1 && constantDim(dims.front()) == 1 && dims.size() > whole.size())
    dims.erase(dims.begin());
  dims.insert(dims.begin(), whole.size() - dims.size(), dimConstant(context.b.getContext(), 1));
  ArrayRef<AffineExpr> leading(dims.begin(), dims.end() - 1), wholeLeading(whole.begin(), whole.end() - 1);
  bool hasColumns = dims.back() == whole.back() && constantDim(dims.back()) != 1;
  Value offset = hasColumns ? column : context.index(0);
  Value rowElements = hasColumns ? width : context.index(1);
  if (llvm::all_of(leading, [](AffineExpr dim) { return constantDim(dim) == 1; }))
    return offset;
  if (leading == wholeLeading)
    return context.add(context.mul(row, rowElements), offset);
  Values sizes, kept;
  for (AffineExpr dim : wholeLeading)
    sizes.push_back(context.dim(dim));
  Indices position = context.delinearize(row, sizes);
  for (auto [axis, dim] : llvm::enumerate(leading)) {
    if (constantDim(dim) == 1)
      position[axis] = context.index(0);
    kept.push_back(context.dim(dim));
  }
  return context.add(context.mul(context.linearize(position, kept), rowElements), offset);
}

} // namespace lathe::x86
