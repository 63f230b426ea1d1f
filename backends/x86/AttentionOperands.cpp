#include "backends/x86/AttentionOperands.h"
#include "backends/x86/FloatMath.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lathe::x86 {

AttentionOperands::AttentionOperands(EmitContext &context, nn::AttentionOp op) : s(context), op(op) {
  Values sizes = s.dims(op.getQuery());
  batches = sizes[0];
  heads = sizes[1];
  queries = sizes[2];
  depth = sizes[3];
  keys = s.dimOf(op.getKey(), 2);
  columns = s.dimOf(op.getValue(), 3);
  double cap = op.getCap().convertToDouble(), factor = op.getScale().convertToDouble();
  scale = s.real(hasCap() ? factor / cap : factor, s.f32());
}

AttentionHead AttentionOperands::head(Value batch, Value head) {
  Value groups = s.dimOf(op.getKey(), 1), shared = s.divS(heads, groups);
  return {batch, head, s.divS(head, shared)};
}

Value AttentionOperands::input(Value operand) { return s.inputs[cast<BlockArgument>(operand).getArgNumber()]; }

//===- rows -===//

static nn::StridedView viewOf(Value operand) {
  nn::ViewChain chain = nn::longestViewChain(operand, [](const nn::StridedView &) { return true; });
  return chain.empty() ? nn::StridedView::dense(operand) : *nn::viewThrough(chain);
}

std::pair<Value, Value> AttentionOperands::place(Value memory, const nn::StridedView &view, Value batch, Value head) {
  Value offset = s.add(s.mul(batch, s.dim(view.strides[0])), s.mul(head, s.dim(view.strides[1])));
  return {s.address(memory, s.f32(), s.add(s.dim(view.offset), offset)), s.dim(view.strides[2])};
}

AttentionRows AttentionOperands::rowsOf(Value operand, Value batch, Value head) {
  auto at = [&](Value piece) {
    nn::StridedView view = viewOf(piece);
    return place(input(view.source), view, batch, head);
  };
  auto concat = operand.getDefiningOp<nn::ConcatOp>();
  auto [base, stride] = at(concat ? concat.getInputs()[0] : operand);
  if (!concat)
    return {base, stride};
  auto [rest, restStride] = at(concat.getInputs()[1]);
  return {base, stride, s.dimOf(concat.getInputs()[0], 2), rest, restStride};
}

AttentionRows AttentionOperands::output(const AttentionHead &head) {
  SmallVector<Operation *> chain;
  for (Operation *user = *op->user_begin(); !isa<nn::YieldOp>(user); user = *user->user_begin())
    chain.push_back(user);
  Value last = (chain.empty() ? op.getOperation() : chain.back())->getResult(0);
  nn::StridedView view = chain.empty() ? nn::StridedView::dense(last) : *nn::viewBack(chain);
  size_t number = llvm::find(s.results(), last) - s.results().begin();
  auto [base, stride] = place(s.outputs[number], view, head.batch, head.head);
  return {base, stride};
}

Value AttentionOperands::row(const AttentionRows &rows, Value number) {
  Value first = s.address(rows.base, s.f32(), s.mul(number, rows.stride));
  if (!rows.split)
    return first;
  Value second = s.address(rows.rest, s.f32(), s.mul(s.sub(number, rows.split), rows.restStride));
  return s.select(s.ltS(number, rows.split), first, second);
}

void AttentionOperands::forPieces(const AttentionRows &rows, Value begin, Value size,
                                  llvm::function_ref<void(const AttentionPiece &)> body) {
  Value first = rows.split ? s.clampS(s.sub(rows.split, begin), s.index(0), size) : size;
  body({s.index(0), first, s.address(rows.base, s.f32(), s.mul(begin, rows.stride)), rows.stride});
  if (!rows.split)
    return;
  Value skipped = s.sub(s.add(begin, first), rows.split);
  body({first, s.sub(size, first), s.address(rows.rest, s.f32(), s.mul(skipped, rows.restStride)), rows.restStride});
}

//===- caches -===//

SmallVector<AttentionCache, 2> AttentionOperands::caches() {
  SmallVector<AttentionCache, 2> found;
  for (auto [number, result] : llvm::enumerate(s.results()))
    if (auto concat = result.getDefiningOp<nn::ConcatOp>())
      found.push_back({unsigned(number), concat});
  return found;
}

/// Heads that share keys and values share the copying, too. Memory that isn't read again before the next run is written past the
/// caches, if it is aligned: else each line would be read before it is written.
void AttentionOperands::store(AttentionCache cache, const AttentionHead &head) {
  Value concat = cache.concat.getOutput(), width = s.dimOf(concat, 3), groups = s.dimOf(concat, 1);
  Value shared = s.divS(heads, groups), part = s.ceilDiv(keys, shared);
  Value begin = s.minS(s.mul(s.sub(head.head, s.mul(head.group, shared)), part), keys);
  Value size = s.minS(part, s.sub(keys, begin)), matrix = s.add(s.mul(head.batch, groups), head.group);
  Value out = s.address(s.outputs[cache.output], s.f32(), s.mul(s.add(s.mul(matrix, keys), begin), width));
  int64_t bytes = s.target.vectorBits() / 8;
  bool canStream = constantOf(width).value_or(1) * 4 % bytes == 0;
  Value word = s.b.create<LLVM::PtrToIntOp>(s.loc, s.i64(), out);
  Value isStreamed = canStream ? s.eqI(s.andI(word, s.index(bytes - 1)), s.index(0)) : s.boolean(false);
  forPieces(rowsOf(concat, head.batch, head.group), begin, size, [&](const AttentionPiece &piece) {
    Value to = s.address(out, s.f32(), s.mul(piece.first, width));
    if (canStream)
      s.when(isStreamed, [&] { copyRows(piece, to, width, true); });
    s.when(s.notB(isStreamed), [&] { copyRows(piece, to, width, false); });
  });
}

void AttentionOperands::copyRows(const AttentionPiece &piece, Value out, Value width, bool isStreamed) {
  int64_t lanes = s.target.vectorBits() / 32;
  auto vector = VectorType::get({lanes}, s.f32());
  Value whole = s.mul(s.divS(width, s.index(lanes)), s.index(lanes));
  s.loop(s.index(0), piece.count, [&](Value number) {
    Value from = s.address(piece.base, s.f32(), s.mul(number, piece.stride));
    Value to = s.address(out, s.f32(), s.mul(number, width));
    s.loop(s.index(0), whole, s.index(lanes), [&](Value i) {
      Value part = s.b.create<LLVM::LoadOp>(s.loc, vector, s.address(from, s.f32(), i), 4);
      s.b.create<LLVM::StoreOp>(s.loc, part, s.address(to, s.f32(), i), isStreamed ? lanes * 4 : 4, false, isStreamed);
    });
    s.loop(whole, width, [&](Value i) { s.storeRaw(s.loadRaw(from, s.f32(), i), to, i); });
  });
}

//===- scores and sums -===//

Value AttentionOperands::capped(Value score) {
  return s.mul(tanhF32(s, score), s.real(op.getCap().convertToDouble(), score.getType()));
}

Value AttentionOperands::weighted(Value sum, Value share) {
  Value factor = share;
  if (auto vector = dyn_cast<VectorType>(sum.getType()))
    factor = s.b.create<vector::BroadcastOp>(s.loc, vector, share);
  Value result = s.mul(sum, factor);
  return op.getNanToZero() ? s.select(s.isNan(share), s.real(0, sum.getType()), result) : result;
}

DimExprs AttentionOperands::maskDims() {
  DimExprs dims = dimExprs(tensorType(op.getMask()));
  dims.insert(dims.begin(), 4 - dims.size(), dimConstant(s.b.getContext(), 1));
  return dims;
}

bool AttentionOperands::variesAlong(int64_t axis) { return constantDim(maskDims()[axis]) != 1; }

AttentionOperands::Mask AttentionOperands::mask(const AttentionHead &head) {
  DimExprs dims = maskDims();
  std::array<Value, 4> strides;
  Value stride = s.index(1);
  for (int axis = 3; axis >= 0; --axis) {
    strides[axis] = variesAlong(axis) ? stride : s.index(0);
    stride = s.mul(stride, s.dim(dims[axis]));
  }
  Value offset = s.add(s.mul(head.batch, strides[0]), s.mul(head.head, strides[1]));
  return {s.address(input(op.getMask()), s.f32(), offset), strides[2], strides[3]};
}

} // namespace lathe::x86
