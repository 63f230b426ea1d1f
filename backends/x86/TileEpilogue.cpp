#include "backends/x86/Contraction.h"
#include "backends/x86/Elements.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <numeric>

using namespace mlir;

namespace lathe::x86 {

namespace {
/// Sizes of an input with as many axes as the result: leading axes of 1 are added or dropped.
DimExprs alignedDims(Value input, size_t rank) {
  DimExprs dims = dimExprs(tensorType(input));
  while (dims.size() > 1 && dims.size() > rank && constantDim(dims.front()) == 1)
    dims.erase(dims.begin());
  dims.insert(dims.begin(), rank - dims.size(), dimConstant(input.getContext(), 1));
  return dims;
}
} // namespace

TileEpilogue::TileEpilogue(EmitContext &context, Operation *root, Value bias, TileShape tile,
                           std::optional<int64_t> columns)
    : context(context), product(root->getResult(0)), bias(bias), tile(tile), vectors(context, root) {
  Value count = context.index(tile.rows * tile.columns());
  buffer = context.b.create<LLVM::AllocaOp>(context.loc, context.ptr(), context.f32(), count, 64);
  int64_t last = tensorType(product).getRank() - 1;
  width = context.dimOf(product, last);
  tiledColumns = columns ? columns : constantDim(dimExprs(tensorType(product))[last]);
  for (BlockArgument input : context.region().getArguments())
    if (llvm::any_of(input.getUsers(), [&](Operation *user) { return user != root; }))
      epilogueInputs.push_back(input);
}

void TileEpilogue::forWidths(Value columns, llvm::function_ref<void(Width)> body) {
  int64_t all = tile.columns();
  if (auto known = constantOf(columns))
    return body({columns, known});
  std::optional<int64_t> rest;
  if (tiledColumns)
    rest = *tiledColumns % all;
  if (rest == 0)
    return body({context.index(all), all});
  Width part{rest ? context.index(*rest) : columns, rest};
  if (tiledColumns && *tiledColumns < all)
    return body(part);
  Value isFull = context.eqI(columns, context.index(all));
  context.when(isFull, [&] { body({context.index(all), all}); });
  context.when(context.notB(isFull), [&] { body(part); });
}

void TileEpilogue::store(const Accumulators &acc, Value row, Value column, Value rows, Value columns) {
  TileShape stored = tile;
  stored.rows = static_cast<int>(acc.size()) / tile.vectors;
  forWidths(columns, [&](Width inside) {
    if (!vectors.isUsable() || !vectors.isLight())
      return storeRows(stored, acc, row, column, rows, inside);
    // All rows or a loop, not a test for each: the compiler would move each row's sums behind its test, and the elements that
    // the rows share with them onto the stack.
    Value isWhole = context.geS(rows, context.index(stored.rows));
    context.when(isWhole, [&] {
      for (int r = 0; r < stored.rows; ++r)
        storeVectors(ArrayRef<Value>(acc).slice(r * tile.vectors, tile.vectors), context.add(row, context.index(r)),
                     column, inside);
    });
    context.when(context.notB(isWhole), [&] { storeRows(stored, acc, row, column, rows, inside); });
  });
}

/// Row by row from the stack.
void TileEpilogue::storeRows(TileShape stored, const Accumulators &acc, Value row, Value column, Value rows,
                             Width inside) {
  Value all = context.index(tile.columns());
  storeTile(context, stored, acc, buffer, all);
  context.loop(context.index(0), context.minS(rows, context.index(stored.rows)), [&](Value r) {
    if (!vectors.isUsable())
      return storeRow(r, context.add(row, r), column, inside.count);
    TileShape one = tile;
    one.rows = 1;
    Value pointer = context.address(buffer, context.f32(), context.mul(r, all));
    storeVectors(loadTile(context, one, pointer, all, productType()), context.add(row, r), column, inside);
  });
}

void TileEpilogue::storeVectors(ArrayRef<Value> sums, Value row, Value column, Width inside) {
  Value offset = context.add(context.mul(row, width), column);
  // A vector's bytes would be packed and stored by as many instructions as those of several.
  int64_t most = vectors.hasBytes() ? vectorsOfBytes(context.target) * tile.lanes : tile.lanes;
  for (Part part{0, most, inside}; part.first < tile.columns(); part.first += part.lanes) {
    if (inside.known && part.first >= *inside.known)
      return;
    part.lanes = std::min(most, tile.columns() - part.first);
    while (part.lanes > tile.lanes && !part.isInside())
      part.lanes -= tile.lanes;
    Values results = vectors.compute(part.lanes, [&](Value leaf) -> Value {
      if (leaf != product)
        return inputVector(cast<BlockArgument>(leaf), row, column, part);
      Value sum = sumsOf(sums, part);
      return bias ? context.add(sum, inputVector(cast<BlockArgument>(bias), row, column, part)) : sum;
    });
    for (auto [result, output] : llvm::zip(results, context.outputs)) {
      Type element = cast<VectorType>(result.getType()).getElementType();
      storeVector(result, context.address(output, element, offset), part);
    }
  }
}

Value TileEpilogue::sumsOf(ArrayRef<Value> sums, Part part) {
  sums = sums.slice(part.first / tile.lanes, part.lanes / tile.lanes);
  Value all = sums.front();
  for (int32_t lanes = tile.lanes; lanes < part.lanes; lanes += tile.lanes) {
    SmallVector<int32_t> widened(lanes, -1), joined = llvm::to_vector(llvm::seq<int32_t>(0, lanes + tile.lanes));
    std::iota(widened.begin(), widened.begin() + tile.lanes, 0);
    Value next = context.b.create<LLVM::ShuffleVectorOp>(context.loc, sums[lanes / tile.lanes],
                                                         sums[lanes / tile.lanes], widened);
    all = context.b.create<LLVM::ShuffleVectorOp>(context.loc, all, next, joined);
  }
  return all;
}

Value TileEpilogue::inputVector(BlockArgument input, Value row, Value column, Part part) {
  Value base = context.inputs[input.getArgNumber()];
  Type type = storageType(elementType(input));
  if (input == bias || hasColumns(input)) {
    Value offset = input == bias ? column : inputOffset(input, row, column);
    return loadVector(context.address(base, type, offset), type, part);
  }
  Value element = context.loadRaw(base, type, inputOffset(input, row, column));
  return context.b.create<vector::BroadcastOp>(context.loc, VectorType::get({part.lanes}, type), element);
}

Value TileEpilogue::maskOf(Part part) {
  Value left = context.sub(part.width.count, context.index(part.first));
  Value lanes =
      context.b.create<arith::IndexCastOp>(context.loc, context.b.getIndexType(), context.maxS(left, context.index(0)));
  auto type = VectorType::get({part.lanes}, context.i1());
  return context.b.create<vector::CreateMaskOp>(context.loc, type, ValueRange{lanes});
}

Value TileEpilogue::loadVector(Value pointer, Type element, Part part) {
  auto type = VectorType::get({part.lanes}, element);
  unsigned align = element.getIntOrFloatBitWidth() / 8; // users' memory promises no more
  Value address = context.address(pointer, element, context.index(part.first));
  if (part.isInside())
    return context.b.create<LLVM::LoadOp>(context.loc, type, address, align);
  return context.b.create<LLVM::MaskedLoadOp>(context.loc, type, address, maskOf(part),
                                              ValueRange{context.number(0, type)}, align);
}

/// Parts of a vector are stored by powers of two where their number is known: masked stores take long on some processors.
void TileEpilogue::storeVector(Value vector, Value pointer, Part part) {
  Type element = cast<VectorType>(vector.getType()).getElementType();
  unsigned align = element.getIntOrFloatBitWidth() / 8;
  auto address = [&](int64_t lane) { return context.address(pointer, element, context.index(part.first + lane)); };
  if (part.isInside()) {
    context.b.create<LLVM::StoreOp>(context.loc, vector, address(0), align);
    return;
  }
  if (!part.width.known) {
    context.b.create<LLVM::MaskedStoreOp>(context.loc, vector, address(0), maskOf(part), align);
    return;
  }
  int64_t left = *part.width.known - part.first, lane = 0;
  for (int64_t size = part.lanes / 2; size > 0; size /= 2)
    if (left & size) {
      SmallVector<int32_t> lanes = llvm::to_vector(llvm::seq<int32_t>(lane, lane + size));
      Value piece = context.b.create<LLVM::ShuffleVectorOp>(context.loc, vector, vector, lanes);
      context.b.create<LLVM::StoreOp>(context.loc, piece, address(lane), align);
      lane += size;
    }
}

void TileEpilogue::storeRow(Value tileRow, Value row, Value column, Value columns) {
  context.loop(context.index(0), columns, [&](Value j) {
    storeElement(context.add(context.mul(tileRow, context.index(tile.columns())), j), row, context.add(column, j));
  });
}

void TileEpilogue::storeElement(Value tileOffset, Value row, Value column) {
  context.bind(product, [&](ArrayRef<Value>) {
    Value sum = context.loadRaw(buffer, productType(), tileOffset);
    return bias ? context.add(sum, context.load(context.inputs[cast<BlockArgument>(bias).getArgNumber()],
                                                elementType(bias), column))
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

bool TileEpilogue::hasColumns(BlockArgument input) {
  DimExprs dims = dimExprs(tensorType(input));
  return !dims.empty() && dims.back() == dimExprs(tensorType(product)).back() && constantDim(dims.back()) != 1;
}

Value TileEpilogue::inputOffset(BlockArgument input, Value row, Value column) {
  DimExprs whole = dimExprs(tensorType(product)), dims = alignedDims(input, whole.size());
  ArrayRef<AffineExpr> leading(dims.begin(), dims.end() - 1), wholeLeading(whole.begin(), whole.end() - 1);
  Value offset = hasColumns(input) ? column : context.index(0);
  Value rowElements = hasColumns(input) ? width : context.index(1);
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
