// Reductions, arg-reductions, running reductions, top-k.
#include "compiler/import/Node.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

/// What a Reduce node says: which axes, and whether they stay.
struct Plan {
  Value input;
  Ints axes;
  bool keepdims = true;
};

/// Axes stand in an attribute or, with newer opsets, in an input; none means all unless noop_with_empty_axes.
std::optional<Plan> planReduce(Node &n) {
  Plan plan{n.in(0), n.integersOf("axes"), n.integer("keepdims", 1) != 0};
  if (!plan.input)
    return std::nullopt;
  if (n.has(1)) {
    auto known = n.knownIntegers(1);
    if (!known)
      return std::nullopt;
    plan.axes = *known;
  }
  int64_t rank = rankOf(plan.input);
  auto axes = n.axes(plan.axes, rank);
  if (!axes)
    return std::nullopt;
  plan.axes = *axes;
  if (axes->empty() && n.integer("noop_with_empty_axes", 0) == 0)
    for (int64_t i = 0; i < rank; ++i)
      plan.axes.push_back(i);
  return plan;
}

Value reduceBools(Node &n, ReduceKind kind, const Plan &plan) {
  Type byte = IntegerType::get(n.context(), 8, IntegerType::Unsigned);
  return n.cast(n.reduce(kind, n.cast(plan.input, byte), plan.axes, plan.keepdims), n.i1());
}

template <ReduceKind kind> Values reduce(Node &n) {
  auto plan = planReduce(n);
  if (!plan)
    return {};
  if (isBool(elementOf(plan->input)))
    return {reduceBools(n, kind, *plan)};
  return {n.reduce(kind, plan->input, plan->axes, plan->keepdims)};
}

Values reduceLogSum(Node &n) {
  auto plan = planReduce(n);
  return {plan ? n.unary(UnaryKind::log, n.reduce(ReduceKind::sum, plan->input, plan->axes, plan->keepdims)) : Value()};
}

/// log(sum(exp(x - m))) + m with m = max(x), or 0 where that is infinite.
Values reduceLogSumExp(Node &n) {
  auto plan = planReduce(n);
  if (!plan)
    return {};
  Value x = plan->input;
  Value largest = n.reduce(ReduceKind::max, x, plan->axes, /*keepdims=*/true);
  if (!largest || !isFloat(x))
    return {isFloat(x) ? Value() : n.refuse("expects a floating-point input")};
  Value shift = n.select(n.unary(UnaryKind::is_inf, largest, 1, 1), n.scalar(0, elementOf(x)), largest);
  Value sum = n.reduce(ReduceKind::sum, n.unary(UnaryKind::exp, n.sub(x, shift)), plan->axes, /*keepdims=*/true);
  Value result = n.add(n.unary(UnaryKind::log, sum), shift);
  if (!result || plan->keepdims)
    return {result};
  DimExprs dims;
  for (auto [i, dim] : llvm::enumerate(dimsOf(x)))
    if (!llvm::is_contained(plan->axes, int64_t(i)))
      dims.push_back(dim);
  return {n.reshape(result, dims)};
}

template <ArgKind kind> Values argReduce(Node &n) {
  Value x = n.in(0);
  auto axis = x ? n.axis(n.integer("axis", 0), rankOf(x)) : std::nullopt;
  if (!axis)
    return {};
  return {n.infer("nn.arg_reduce", x,
                  {n.kindAttr<ArgKindAttr>(kind), n.intAttr("axis", *axis),
                   n.boolAttr("keepdims", n.integer("keepdims", 1) != 0),
                   n.boolAttr("select_last", n.integer("select_last_index", 0) != 0)})};
}

template <CumulativeKind kind> Values cumulative(Node &n) {
  Value x = n.in(0);
  auto given = x ? n.knownIntegers(1) : std::nullopt;
  if (!given || given->size() != 1)
    return {given ? n.refuse("expects one axis") : Value()};
  auto axis = n.axis(given->front(), rankOf(x));
  if (!axis)
    return {};
  return {n.infer("nn.cumulative", x,
                  {n.kindAttr<CumulativeKindAttr>(kind), n.intAttr("axis", *axis),
                   n.boolAttr("exclusive", n.integer("exclusive", 0) != 0),
                   n.boolAttr("reverse", n.integer("reverse", 0) != 0)})};
}

/// k is an input since opset 10.
Values topK(Node &n) {
  Value x = n.in(0);
  auto axis = x ? n.axis(n.integer("axis", -1), rankOf(x)) : std::nullopt;
  auto k = axis ? n.sizes(1) : std::nullopt;
  if (!k || k->size() != 1)
    return {k ? n.refuse("expects one value of k") : Value()};
  DimExprs dims = dimsOf(x);
  auto available = constantDim(dims[*axis]), wanted = constantDim(k->front());
  if (wanted && (*wanted < 0 || (available && *wanted > *available)))
    return {n.refuse("expects k to be at most the size of the axis, got " + Twine(*wanted))};
  if (!wanted || !available)
    n.require(smaller(k->front(), dims[*axis], n.symbols), k->front());
  dims[*axis] = k->front();
  Operation *op = n.sized("nn.top_k", x, {makeTensorType(dims, elementOf(x)), makeTensorType(dims, n.i64())},
                          {n.intAttr("axis", *axis), n.boolAttr("largest", n.integer("largest", 1) != 0)});
  if (!op)
    return {};
  return {op->getResult(0), op->getResult(1)};
}

constexpr ConverterEntry kTable[] = {
    {"ReduceSum", 1, kNewest, reduce<ReduceKind::sum>},
    {"ReduceMean", 1, kNewest, reduce<ReduceKind::mean>},
    {"ReduceMax", 1, kNewest, reduce<ReduceKind::max>},
    {"ReduceMin", 1, kNewest, reduce<ReduceKind::min>},
    {"ReduceProd", 1, kNewest, reduce<ReduceKind::prod>},
    {"ReduceL1", 1, kNewest, reduce<ReduceKind::l1>},
    {"ReduceL2", 1, kNewest, reduce<ReduceKind::l2>},
    {"ReduceSumSquare", 1, kNewest, reduce<ReduceKind::sum_square>},
    {"ReduceLogSum", 1, kNewest, reduceLogSum},
    {"ReduceLogSumExp", 1, kNewest, reduceLogSumExp},
    {"ArgMax", 1, kNewest, argReduce<ArgKind::arg_max>},
    {"ArgMin", 1, kNewest, argReduce<ArgKind::arg_min>},
    {"CumSum", 11, kNewest, cumulative<CumulativeKind::cum_sum>},
    {"CumProd", 1, kNewest, cumulative<CumulativeKind::cum_prod>},
    {"TopK", 10, kNewest, topK},
};

} // namespace

llvm::ArrayRef<ConverterEntry> reduceConverters() { return kTable; }

} // namespace lathe::importer
