// map: outputs computed element by element.
//
//   for row in rows of the tasks:            (outer axes, flattened)
//     for i.. in inner axes:                 (the last one is what LLVM's loop vectorizer works on)
//       output[row, i..] = elementAt(result, row, i..)
//
// The axes have been merged before (Collapse.h), so that most kernels have one or two. Outputs of one shape share a nest;
// an output that is a concatenation has one nest per input. Gather indices that don't depend on the innermost axis are
// looked up and checked outside of its loop.
#include "backends/x86/MapKernel.h"
#include "backends/x86/Body.h"
#include "backends/x86/Collapse.h"
#include "backends/x86/Elements.h"
#include "backends/x86/Tasks.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
/// Values computed in one nest, and where they go: all of an output, or its part from `offset` along `axis`.
struct Part {
  DimExprs dims;
  SmallVector<std::pair<Value, unsigned>> values; // value, output
  int64_t axis = -1;
  AffineExpr offset;
  TaskSpace space;
};

struct MapSchedule {
  SmallVector<Part> parts;
  AffineExpr tasks;
  bool isOneTask = false;
};

/// Part of a concatenation: one per input.
void addConcat(MapSchedule &schedule, nn::ConcatOp concat, unsigned output) {
  AffineExpr offset = dimConstant(concat.getContext(), 0);
  for (Value input : concat.getInputs()) {
    Part part{dimExprs(tensorType(input)), {{input, output}}, int64_t(concat.getAxis()), offset, {}};
    offset = simplifyDim(offset + part.dims[concat.getAxis()]);
    if (constantDim(elementCount(input)) != 0)
      schedule.parts.push_back(std::move(part));
  }
}

void splitOutputs(Block &block, MapSchedule &schedule) {
  for (auto [output, value] : llvm::enumerate(block.getTerminator()->getOperands())) {
    if (auto concat = value.getDefiningOp<nn::ConcatOp>()) {
      addConcat(schedule, concat, output);
      continue;
    }
    DimExprs dims = dimExprs(tensorType(value));
    auto *same = llvm::find_if(schedule.parts, [&](const Part &part) { return part.axis < 0 && part.dims == dims; });
    if (same != schedule.parts.end())
      same->values.push_back({value, unsigned(output)});
    else
      schedule.parts.push_back({dims, {{value, unsigned(output)}}, -1, {}, {}});
  }
}

MapSchedule scheduleMap(Block &block) {
  MapSchedule schedule;
  splitOutputs(block, schedule);
  MLIRContext *context = block.getParentOp()->getContext();
  int64_t cost = 1, work = 0;
  for (Operation &op : block.without_terminator())
    cost += isa<nn::ConstantOp>(op) ? 0 : costPerElement(&op);
  schedule.tasks = dimConstant(context, 0);
  for (Part &part : schedule.parts) {
    part.space = cutTasks(part.dims, cost, context);
    schedule.tasks = simplifyDim(schedule.tasks + part.space.tasks);
    auto count = constantDim(dimProduct(part.dims, context));
    work = count && work >= 0 ? work + *count * cost : -1;
  }
  schedule.isOneTask = work >= 0 && work <= kTaskWork;
  if (schedule.isOneTask)
    schedule.tasks = dimConstant(context, 1);
  return schedule;
}

/// Looks up gather indices that are known while the innermost index is still open, so that the loop finds them ready.
class Preparation {
public:
  explicit Preparation(EmitContext &c) : c(c) {}

  void visit(Value tensor, IndexList indices) {
    Operation *op = tensor.getDefiningOp();
    if (!op || c.isBound(tensor))
      return;
    if (auto gather = dyn_cast<nn::GatherOp>(op))
      return visitGather(gather, indices);
    if (isPointwise(op))
      for (Value operand : op->getOperands())
        visit(operand, aligned(operand, indices));
  }

private:
  Indices aligned(Value operand, IndexList indices) {
    DimExprs sizes = dimExprs(tensorType(operand));
    Indices own(indices.end() - sizes.size(), indices.end());
    for (auto [index, size] : llvm::zip_equal(own, sizes))
      if (constantDim(size) == 1)
        index = c.index(0);
    return own;
  }

  void visitGather(nn::GatherOp op, IndexList indices) {
    int64_t axis = op.getAxis(), rank = tensorType(op.getIndices()).getRank();
    IndexList position = indices.slice(axis, rank);
    if (llvm::is_contained(position, Value()))
      return;
    checkedIndex(c, c.elementAt(op.getIndices(), position), c.dimOf(op.getInput(), axis));
  }

  EmitContext &c;
};

class MapEmitter {
public:
  explicit MapEmitter(EmitContext &c) : c(c) {}

  void run() {
    MapSchedule schedule = scheduleMap(c.region());
    Value offset = c.index(0);
    for (const Part &part : schedule.parts) {
      Value tasks = c.dim(part.space.tasks);
      if (schedule.isOneTask) {
        emitRows(part, c.index(0), tasks);
        continue;
      }
      bool isOnly = schedule.parts.size() == 1;
      auto local = [&](Value task) { return isOnly ? task : c.clampS(c.sub(task, offset), c.index(0), tasks); };
      emitRows(part, local(c.taskBegin), local(c.taskEnd));
      offset = c.add(offset, tasks);
    }
  }

private:
  void emitRows(const Part &part, Value begin, Value end) {
    loopRows(c, part.space, begin, end, [&](IndexList outer) {
      Indices indices(outer);
      emitInner(part, indices);
    });
  }

  void emitInner(const Part &part, Indices &indices) {
    size_t axis = indices.size(), rank = part.space.dims.size();
    if (axis == rank)
      return emitElement(part, indices);
    if (axis + 1 == rank) {
      Indices open(indices);
      open.push_back(Value());
      for (auto [value, output] : part.values)
        Preparation(c).visit(value, open);
    }
    c.loop(c.index(0), c.dim(part.space.dims[axis]), [&](Value i) {
      indices.push_back(i);
      emitInner(part, indices);
      indices.pop_back();
    });
  }

  void emitElement(const Part &part, IndexList indices) {
    indices = indices.take_front(part.dims.size()); // a scalar's space has one axis more
    SmallVector<Value> elements;
    for (auto [value, output] : part.values)
      elements.push_back(c.elementAt(value, indices));
    for (auto [element, destination] : llvm::zip_equal(elements, part.values)) {
      Value result = c.results()[destination.second];
      Indices target(indices);
      if (part.axis >= 0)
        target[part.axis] = c.add(target[part.axis], c.dim(part.offset));
      c.store(element, c.outputs[destination.second], elementType(result), c.linearize(target, c.dims(result)));
    }
  }

  EmitContext &c;
};
} // namespace

std::optional<KernelPlan> planMap(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  if (!hasKnownTypes(op) || !llvm::all_of(bodyOperations(op), isElemental))
    return std::nullopt;
  KernelPlan plan = makePlan(op, "map");
  OwningOpRef<plan::KernelOp> body = makeBody(op);
  collapseAxes(*body);
  plan.tasks = scheduleMap(body->getBody().front()).tasks;
  return plan;
}

LogicalResult emitMap(EmitContext &context) {
  collapseAxes(context.kernel);
  MapEmitter(context).run();
  return success();
}

} // namespace lathe::x86
