#include "backends/x86/Tasks.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr int64_t kLongRow = 512;     // elements: long enough to hide the index arithmetic of a row
constexpr int64_t kUnknownSize = 128; // guess of a symbolic size
} // namespace

TaskSpace cutTasks(ArrayRef<AffineExpr> dims, int64_t cost, MLIRContext *context) {
  TaskSpace space;
  space.dims.assign(dims.begin(), dims.end());
  if (dims.empty())
    space.dims.push_back(dimConstant(context, 1));
  // Rows from as many outer axes as leave long rows.
  space.split = 0;
  int64_t rowLength = 1;
  for (unsigned axis = space.dims.size() - 1; axis > 0; --axis) {
    rowLength *= std::max<int64_t>(constantDim(space.dims[axis]).value_or(kUnknownSize), 1);
    if (rowLength * cost >= kLongRow) {
      space.split = axis - 1;
      break;
    }
  }
  ArrayRef<AffineExpr> all(space.dims);
  AffineExpr inner = dimProduct(all.drop_front(space.split + 1), context);
  space.rows = dimProduct(all.take_front(space.split + 1), context);
  int64_t perTask = std::max<int64_t>(kTaskWork / cost, 1);
  if (auto size = constantDim(inner))
    space.rowsPerTask = dimConstant(context, std::max<int64_t>(perTask / std::max<int64_t>(*size, 1), 1));
  else
    space.rowsPerTask = simplifyDim(dimConstant(context, perTask).floorDiv(inner + 1) + 1); // no division by zero
  space.tasks = simplifyDim(space.rows.ceilDiv(space.rowsPerTask));
  return space;
}

int64_t evenParts(int64_t units, int64_t wanted, PartLimits limits, int64_t others) {
  auto loss = [&](int64_t parts) {
    constexpr double ofUneven = 1, ofChange = 0.01; // of a longer part; of a part more or less
    double uneven = double(llvm::divideCeil(units, parts) * parts) / double(units) - 1, idle = 0;
    for (int64_t threads : {2, 4})
      idle += double(llvm::divideCeil(parts * others, threads) * threads) / double(parts * others) - 1;
    return idle + ofUneven * uneven + ofChange * double(std::abs(parts - wanted));
  };
  int64_t fewest = std::max({limits.fewest, wanted / 2, int64_t(1)}), best = std::max(wanted, fewest);
  for (int64_t parts = fewest; parts <= std::min(limits.most, wanted * 2); ++parts)
    if (loss(parts) < loss(best))
      best = parts;
  return best;
}

AffineExpr evenCount(AffineExpr parts) {
  AffineExpr isOne = dimConstant(parts.getContext(), 2).floorDiv(parts + 1) % 2;
  return parts.ceilDiv(2) * 2 - isOne;
}

TaskPart partOf(EmitContext &c, Value units, Value parts, Value number) {
  auto size = constantOf(units), count = constantOf(parts);
  if (size && count && *count > 0 && *size % *count == 0) {
    Value each = c.index(*size / *count);
    return {c.mul(number, each), each};
  }
  Value first = c.ceilDiv(c.mul(number, units), parts);
  Value next = c.ceilDiv(c.mul(c.add(number, c.index(1)), units), parts);
  return {first, c.sub(next, first)};
}

void loopRows(EmitContext &c, const TaskSpace &space, Value begin, Value end,
              llvm::function_ref<void(ArrayRef<Value>)> body) {
  Value rows = c.dim(space.rows), perTask = c.dim(space.rowsPerTask);
  Values sizes;
  for (AffineExpr dim : ArrayRef(space.dims).take_front(space.split + 1))
    sizes.push_back(c.dim(dim));
  c.loop(c.mul(begin, perTask), c.minS(c.mul(end, perTask), rows), [&](Value row) { body(c.delinearize(row, sizes)); });
}

} // namespace lathe::x86
