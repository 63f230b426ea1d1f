// Matrix products (nn.matmul, and convolutions that are one): kinds `gemm`.
//
//   task (batch, column block, row block):                     rows MC, columns PC panels of NR, depth KC
//     for kb in K / KC:
//       for panel in column block:                             B[panel][kb] stays in L1
//         for tile in row block:                               A[block][kb] stays in L2
//           acc = kb == 0 ? 0 : partial;  acc += A * B;  kb == last ? epilogue(acc) : partial = acc
//
// A constant right-hand side is packed at compile time (Packing.h); a computed one is packed into scratch, panel by panel,
// with K in one block. Tasks that follow each other share their panels.
#include "backends/x86/GemmKernel.h"
#include "backends/x86/Contraction.h"
#include "backends/x86/Packing.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr StringLiteral kKind = "gemm";

/// The sizes of a product: [batch.., M, K] x [batch.., K, N].
struct GemmShape {
  DimExprs batch;
  AffineExpr rows, columns, depth;
  bool isRhsShared; // the right-hand side has no batch axes
  bool isFlat;      // so all of the left one's are rows
};

/// Batch axes (all but the last two) with the axes of the result's rank.
ArrayRef<AffineExpr> batchOf(ArrayRef<AffineExpr> dims) { return dims.drop_back(2); }

GemmShape shapeOf(nn::MatmulOp op) {
  DimExprs lhs = dimExprs(tensorType(op.getLhs())), rhs = dimExprs(tensorType(op.getRhs())),
           out = dimExprs(tensorType(op.getOutput()));
  MLIRContext *context = op.getContext();
  GemmShape shape;
  shape.depth = op.getTransLhs() ? lhs[lhs.size() - 2] : lhs.back();
  shape.columns = out.back();
  auto isOne = [](AffineExpr dim) { return constantDim(dim) == 1; };
  shape.isRhsShared = llvm::all_of(batchOf(rhs), isOne);
  shape.isFlat = shape.isRhsShared && lhs.size() == out.size() && !op.getTransLhs();
  if (shape.isFlat) {
    shape.rows = dimProduct(ArrayRef(out).drop_back(), context);
    return shape;
  }
  shape.rows = out[out.size() - 2];
  shape.batch.assign(out.begin(), out.end() - 2);
  return shape;
}

struct GemmConfig {
  TileShape tile;
  GemmBlocking blocking;
  bool isPacked;

  DictionaryAttr toAttribute(MLIRContext *context) const {
    Builder b(context);
    return b.getDictionaryAttr(
        {tile.toAttribute(context),
         b.getNamedAttr("blocking", b.getDenseI64ArrayAttr({blocking.rows, blocking.panels, blocking.depth})),
         b.getNamedAttr("packed", b.getBoolAttr(isPacked))});
  }
  static GemmConfig of(DictionaryAttr attrs) {
    auto blocking = attrs.getAs<DenseI64ArrayAttr>("blocking").asArrayRef();
    return {TileShape::of(attrs), {blocking[0], blocking[1], blocking[2]}, attrs.getAs<BoolAttr>("packed").getValue()};
  }
};

PanelPacking packingOf(nn::MatmulOp op, int64_t nr) {
  ArrayRef<int64_t> shape = tensorType(op.getRhs()).getShape();
  int64_t rows = shape[shape.size() - 2], columns = shape.back();
  PanelPacking packing;
  packing.depth = op.getTransRhs() ? columns : rows;
  packing.columns = op.getTransRhs() ? rows : columns;
  packing.columnStride = op.getTransRhs() ? columns : 1;
  packing.depthStride = op.getTransRhs() ? 1 : columns;
  packing.nr = nr;
  return packing;
}

/// Emits one kernel.
class GemmEmission {
public:
  GemmEmission(EmitContext &context, nn::MatmulOp op)
      : s(context), op(op), config(GemmConfig::of(context.kernel.getConfig())), shape(shapeOf(op)),
        epilogue(context, op, Value(), config.tile), rows(s.dim(shape.rows)), columns(s.dim(shape.columns)),
        depth(s.dim(shape.depth)), depthBlock(config.isPacked ? s.index(config.blocking.depth) : depth) {
    for (AffineExpr dim : shape.batch)
      batch.push_back(s.dim(dim));
    panelScratch = s.scratch;
    Value panelFloats = config.isPacked ? s.index(0) : s.mul(depth, s.index(config.tile.columns()));
    partialScratch = s.address(s.scratch, s.f32(), panelFloats);
  }

  void run() {
    Value rowBlocks = s.ceilDiv(rows, s.index(config.blocking.rows));
    Value panels = s.ceilDiv(columns, s.index(config.tile.columns()));
    Value columnBlocks = s.ceilDiv(panels, s.index(config.blocking.panels));
    s.loop(s.taskBegin, s.taskEnd, [&](Value task) {
      Indices position = s.delinearize(task, {s.product(batch), columnBlocks, rowBlocks});
      Value rowBegin = s.mul(position[2], s.index(config.blocking.rows));
      Value rowEnd = s.minS(rows, s.add(rowBegin, s.index(config.blocking.rows)));
      Value panelBegin = s.mul(position[1], s.index(config.blocking.panels));
      Value panelEnd = s.minS(panels, s.add(panelBegin, s.index(config.blocking.panels)));
      block(position[0], rowBegin, rowEnd, panelBegin, panelEnd);
    });
  }

private:
  Value input(Value operand) { return s.inputs[cast<BlockArgument>(operand).getArgNumber()]; }

  /// First element of batch number `number` in an operand whose batch axes broadcast to the result's.
  Value batchBase(Value operand, Value number) {
    Value base = input(operand);
    if (shape.isFlat)
      return base;
    Values sizes = s.dims(operand);
    Indices position = s.delinearize(number, batch);
    DimExprs dims = dimExprs(tensorType(operand));
    Value offset = s.index(0), stride = s.mul(sizes[sizes.size() - 1], sizes[sizes.size() - 2]);
    for (int64_t axis = int64_t(dims.size()) - 3, out = int64_t(batch.size()) - 1; axis >= 0; --axis, --out) {
      if (constantDim(dims[axis]) != 1)
        offset = s.add(offset, s.mul(position[out], stride));
      stride = s.mul(stride, sizes[axis]);
    }
    return s.address(base, s.f32(), offset);
  }

  void block(Value number, Value rowBegin, Value rowEnd, Value panelBegin, Value panelEnd) {
    Value lhs = batchBase(op.getLhs(), number);
    Value rhs = config.isPacked ? input(op.getRhs()) : batchBase(op.getRhs(), number);
    Value firstRow = s.mul(number, rows); // of the result seen as one matrix
    Value depthBlocks = s.maxS(s.ceilDiv(depth, depthBlock), s.index(1));
    s.loop(s.index(0), depthBlocks, [&](Value kb) {
      Value k = s.mul(kb, depthBlock);
      bool isOnly = constantOf(depthBlocks) == 1 || !config.isPacked;
      Value isFirst = isOnly ? s.boolean(true) : s.eqI(kb, s.index(0));
      Value isLast = isOnly ? s.boolean(true) : s.eqI(s.add(kb, s.index(1)), depthBlocks);
      s.loop(panelBegin, panelEnd, [&](Value panel) {
        Value packed = packedPanel(rhs, panel, k);
        Value partial =
            s.address(partialScratch, s.f32(),
                      s.mul(s.sub(panel, panelBegin), s.index(config.blocking.rows * config.tile.columns())));
        PanelPrefetch next = prefetchAfter(packed, k, s.sub(rowEnd, rowBegin));
        forRowTiles(s, config.tile, rowBegin, rowEnd, [&](TileShape tile, Value row) {
          tileAt(tile, lhs, packed, k, row, firstRow, panel, s.address(partial, s.f32(), partialOffset(row, rowBegin)),
                 config.isPacked ? next.of(tile, s.sub(row, rowBegin)) : TilePrefetch(), isFirst, isLast);
        });
      });
    });
  }

  Value blockDepth(Value k) { return s.minS(depthBlock, s.sub(depth, k)); }

  /// The panel after `packed`, the same part of the depth.
  PanelPrefetch prefetchAfter(Value packed, Value k, Value rowsOfBlock) {
    Value columns = s.index(config.tile.columns()), bytes = s.mul(blockDepth(k), s.mul(columns, s.index(4)));
    return {s, s.address(packed, s.f32(), s.mul(depth, columns)), bytes, rowsOfBlock};
  }

  Value partialOffset(Value row, Value rowBegin) { return s.mul(s.sub(row, rowBegin), s.index(config.tile.columns())); }

  void tileAt(TileShape tile, Value lhs, Value packed, Value k, Value row, Value firstRow, Value panel, Value partial,
              TilePrefetch prefetch, Value isFirst, Value isLast) {
    Value stride = s.index(tile.columns());
    Accumulators zero = zeroTile(s, tile), acc = zero;
    bool isOnly = constantOf(isFirst).value_or(0) && constantOf(isLast).value_or(0);
    if (!isOnly)
      acc = s.when(
          isFirst, ValueRange(zero).getTypes(), [&] { return zero; },
          [&] { return loadTile(s, tile, partial, stride); });
    Values pointers;
    for (int r = 0; r < tile.rows; ++r) {
      Value inside = s.minS(s.add(row, s.index(r)), s.sub(rows, s.index(1)));
      Value element = op.getTransLhs() ? s.add(s.mul(k, rows), inside) : s.add(s.mul(inside, depth), k);
      pointers.push_back(s.address(lhs, s.f32(), element));
    }
    DepthStrides strides;
    if (op.getTransLhs())
      strides.a = rows;
    acc = tileProduct(s, tile, acc, pointers, packed, blockDepth(k), strides, prefetch);
    Value column = s.mul(panel, stride);
    auto finish = [&] {
      epilogue.store(acc, s.add(firstRow, row), column, s.minS(s.index(tile.rows), s.sub(rows, row)),
                     s.minS(stride, s.sub(columns, column)));
    };
    if (isOnly)
      return finish();
    s.when(isLast, finish);
    s.when(s.notB(isLast), [&] { storeTile(s, tile, acc, partial, stride); });
  }

  /// B[panel] from depth k on, [depth][NR]. A computed operand is packed now.
  Value packedPanel(Value rhs, Value panel, Value k) {
    Value nr = s.index(config.tile.columns());
    if (config.isPacked)
      return s.address(rhs, s.f32(), s.mul(s.add(s.mul(panel, depth), k), nr));
    Value first = s.mul(panel, nr), width = s.minS(nr, s.sub(columns, first));
    Value depthStride = op.getTransRhs() ? s.index(1) : columns, columnStride = op.getTransRhs() ? depth : s.index(1);
    s.loop(s.index(0), depth, [&](Value row) {
      Value out = s.mul(row, nr);
      s.loop(s.index(0), width, [&](Value j) {
        Value from = s.add(s.mul(row, depthStride), s.mul(s.add(first, j), columnStride));
        s.storeRaw(s.loadRaw(rhs, s.f32(), from), panelScratch, s.add(out, j));
      });
      s.loop(width, nr, [&](Value j) { s.storeRaw(s.real(0, s.f32()), panelScratch, s.add(out, j)); });
    });
    return panelScratch;
  }

  EmitContext &s;
  nn::MatmulOp op;
  GemmConfig config;
  GemmShape shape;
  TileEpilogue epilogue;
  Value rows, columns, depth, depthBlock, panelScratch, partialScratch;
  Values batch;
};

/// Plans of one product.
class GemmPlanner {
public:
  static std::optional<GemmPlanner> of(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
    SmallVector<Operation *> operations = bodyOperations(op);
    auto root = contractionRoot<nn::MatmulOp>(operations);
    if (!root || !isFloat32(root) || !isEpilogue(operations, root) || target.vectorBits() < 256)
      return std::nullopt;
    auto lhs = inputIndex(op, root.getLhs()), rhs = inputIndex(op, root.getRhs());
    if (!lhs || !rhs)
      return std::nullopt;
    return GemmPlanner(op, root, *rhs, isConstant[*rhs], target);
  }

  KernelPlan chosen() { return plan(blocked(chooseTile(target, columns.value_or(1024), rows))); }

  PlanList alternatives() {
    PlanList plans;
    for (TileShape tile : tileChoices(target, *columns, rows))
      plans.push_back(plan(blocked(tile)));
    GemmConfig model = blocked(chooseTile(target, *columns, rows));
    // Only a packed operand is cut along its depth.
    for (GemmBlocking blocking : blockingChoices(model.blocking, model.tile, *rows, *columns, *depth))
      if (isPacked || blocking.depth == model.blocking.depth)
        plans.push_back(plan({model.tile, blocking, isPacked}));
    return plans;
  }

private:
  GemmPlanner(Operation *op, nn::MatmulOp root, unsigned rhs, bool isRhsConstant, const Target &target)
      : op(op), root(root), rhs(rhs), target(target), shape(shapeOf(root)), rows(constantDim(shape.rows)),
        columns(constantDim(shape.columns)), depth(constantDim(shape.depth)),
        isPacked(isRhsConstant && shape.isRhsShared && columns && depth && *depth > 0) {}

  /// What the cost model takes with this tile.
  GemmConfig blocked(TileShape tile) {
    GemmBlocking blocking = chooseBlocking(target, tile, rows, columns.value_or(256), depth.value_or(256));
    constexpr int64_t fewTasks = 4;
    if (isPacked && llvm::divideCeil(*columns, tile.columns()) <= fewTasks * blocking.panels)
      blocking.rows = std::min(blocking.rows, rowsWorthATask(*depth * blocking.panels * tile.columns(), tile.rows));
    return {tile, blocking, isPacked};
  }

  KernelPlan plan(const GemmConfig &config) {
    MLIRContext *context = op->getContext();
    KernelPlan plan = makePlan(op, kKind);
    plan.name = contractionName(kKind, bodyOperations(op), root, config.tile);
    plan.config = config.toAttribute(context);
    int64_t nr = config.tile.columns();
    if (isPacked)
      plan.packing[rhs] = packingOf(root, nr).toAttribute(context, kKind);
    AffineExpr panels = shape.columns.ceilDiv(nr);
    plan.tasks = simplifyDim(dimProduct(shape.batch, context) * panels.ceilDiv(config.blocking.panels) *
                             shape.rows.ceilDiv(config.blocking.rows));
    bool hasPartials = isPacked && *depth > config.blocking.depth;
    int64_t partialFloats = hasPartials ? config.blocking.rows * config.blocking.panels * nr : 0;
    AffineExpr panelFloats = isPacked ? dimConstant(context, 0) : shape.depth * nr;
    plan.scratchBytes = simplifyDim((panelFloats + partialFloats) * 4);
    return plan;
  }

  Operation *op;
  nn::MatmulOp root;
  unsigned rhs;
  const Target &target;
  GemmShape shape;
  std::optional<int64_t> rows, columns, depth;
  bool isPacked;
};

} // namespace

std::optional<KernelPlan> planGemm(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto planner = GemmPlanner::of(op, isConstant, target);
  return planner ? std::optional(planner->chosen()) : std::nullopt;
}

PlanList gemmAlternatives(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto planner = GemmPlanner::of(op, isConstant, target);
  return planner ? planner->alternatives() : PlanList();
}

LogicalResult emitGemm(EmitContext &context) {
  GemmEmission(context, contractionRoot<nn::MatmulOp>(regionOperations(context))).run();
  return success();
}

int64_t packedPanelBytes(RankedTensorType, DictionaryAttr packing) { return PanelPacking::of(packing).sizeBytes(); }

void packPanels(const reference::Tensor &value, DictionaryAttr packing, char *out) {
  PanelPacking::of(packing).pack(value.data<float>(), reinterpret_cast<float *>(out));
}

} // namespace lathe::x86
