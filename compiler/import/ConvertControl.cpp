// If, Loop, Scan: resolved at compile time. Branches are chosen or computed both, loops are unrolled.
#include "compiler/import/Importer.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

constexpr int64_t kMaxTrips = 1024;

const onnx::GraphProto *graph(Node &n, StringRef name) {
  auto *attribute = n.attribute(name);
  if (!attribute || !attribute->has_g())
    n.refuse("expects the graph '" + name + "'");
  return attribute && attribute->has_g() ? &attribute->g() : nullptr;
}

using Entries = SmallVector<Entry, 4>;

bool importBody(Node &n, const onnx::GraphProto &body, ArrayRef<Entry> inputs, const Twine &prefix, Entries &outputs) {
  if (n.importer.importSubgraph(body, n.scope, inputs, (n.nodeName + "/" + prefix).str(), outputs))
    return true;
  n.refuse("a node of its subgraph is not supported");
  return false;
}

Entry tensorEntry(Value value) {
  Entry entry;
  entry.value = value;
  return entry;
}

//===- If -===//

/// Results of a branch that is known to be taken; lists and absent results too.
Values takeBranch(Node &n, const onnx::GraphProto &branch) {
  Entries outputs;
  if (!importBody(n, branch, {}, "", outputs))
    return {};
  if (outputs.size() == 1 && outputs.front().isList) {
    n.listOutput = outputs.front().list;
    return {};
  }
  Values results;
  for (const Entry &entry : outputs)
    results.push_back(entry.value);
  return results;
}

/// condition ? lhs : rhs for tensors whose sizes may differ: both are padded to the larger sizes, and what is selected is cut to
/// its own, which are known once the condition is.
Value selectSized(Node &n, Value condition, Value lhs, Value rhs) {
  if (lhs.getType() == rhs.getType())
    return n.select(condition, lhs, rhs);
  if (elementOf(lhs) != elementOf(rhs) || rankOf(lhs) != rankOf(rhs))
    return n.refuse("the branches' results have different element types or ranks, and the condition is computed");
  DimExprs a = dimsOf(lhs), b = dimsOf(rhs), most, zeros(a.size(), n.dim(0));
  for (auto [x, y] : llvm::zip_equal(a, b))
    most.push_back(x == y ? x : larger(x, y, n.symbols));
  auto padded = [&](Value value) { return n.pad(value, Value(), zeros, most, PadMode::constant); };
  Value selected = n.select(condition, padded(lhs), padded(rhs));
  DimExprs sizes = n.lateSizes(n.select(condition, n.dimValues(a), n.dimValues(b)));
  for (size_t i = 0; i < a.size(); ++i)
    sizes[i] = a[i] == b[i] ? a[i] : sizes[i];
  return n.slice(selected, zeros, sizes, Ints(a.size(), 1));
}

/// Both branches are computed and one result is selected: they have no effects.
Values selectBranch(Node &n, Value condition, const onnx::GraphProto &yes, const onnx::GraphProto &no) {
  Entries taken, other;
  if (!importBody(n, yes, {}, "then/", taken) || !importBody(n, no, {}, "else/", other) || taken.size() != other.size())
    return {};
  Values results;
  for (auto [a, b] : llvm::zip_equal(taken, other)) {
    if (!a.value || !b.value)
      return {n.refuse("a branch gives no tensor, and the condition is computed")};
    results.push_back(selectSized(n, n.reshape(condition, {}), a.value, b.value));
    if (!results.back())
      return {};
  }
  return results;
}

Values ifNode(Node &n) {
  Value condition = n.in(0);
  const onnx::GraphProto *yes = graph(n, "then_branch"), *no = graph(n, "else_branch");
  if (!condition || !yes || !no)
    return {};
  auto known = n.contents.integerNumbers(condition);
  if (known && known->size() == 1)
    return takeBranch(n, known->front() ? *yes : *no);
  if (typeOf(condition).hasStaticShape() && typeOf(condition).getNumElements() == 1)
    return selectBranch(n, condition, *yes, *no);
  return {n.refuse("expects the condition to be one bool")};
}

//===- Loop -===//

std::optional<bool> knownCondition(Node &n, Value condition) {
  auto known = condition ? n.contents.integerNumbers(condition) : std::nullopt;
  if (!known || known->size() != 1) {
    n.refuse("expects the loop's condition to be known at compile time");
    return std::nullopt;
  }
  return known->front() != 0;
}

Value stackResults(Node &n, ArrayRef<Value> slices, int64_t axis) {
  SmallVector<Value> parts;
  for (Value slice : slices)
    parts.push_back(n.unsqueeze(slice, axis));
  return n.concat(parts, axis);
}

std::optional<int64_t> tripCount(Node &n) {
  if (!n.has(0))
    return kMaxTrips + 1;
  auto count = n.knownIntegers(0);
  if (!count || count->size() != 1)
    return std::nullopt;
  return count->front();
}

Values loop(Node &n) {
  const onnx::GraphProto *body = graph(n, "body");
  auto trips = body ? tripCount(n) : std::nullopt;
  if (!trips)
    return {};
  size_t carriedCount = n.numInputs() > 2 ? n.numInputs() - 2 : 0;
  Entries carried;
  for (unsigned i = 2; i < n.numInputs(); ++i)
    carried.push_back(n.entry(i) ? *n.entry(i) : Entry());
  Value condition = n.has(1) ? n.in(1) : n.scalar(1, n.i1());
  SmallVector<SmallVector<Value>> scans(n.numOutputs() > carriedCount ? n.numOutputs() - carriedCount : 0);
  int64_t trip = 0;
  for (; trip < *trips; ++trip) {
    auto goesOn = knownCondition(n, condition);
    if (!goesOn || trip == kMaxTrips)
      return {goesOn ? n.refuse("expects at most " + Twine(kMaxTrips) + " trips") : Value()};
    if (!*goesOn)
      break;
    Entries inputs{tensorEntry(n.constant(DenseIntElementsAttr::get(RankedTensorType::get({}, n.i64()), trip))),
                   tensorEntry(condition)};
    inputs.append(carried);
    Entries outputs;
    if (!importBody(n, *body, inputs, Twine(trip) + "/", outputs))
      return {};
    if (outputs.size() != 1 + carriedCount + scans.size())
      return {n.refuse("expects the body to give a condition, carried values and scan outputs")};
    condition = outputs[0].value;
    carried.assign(outputs.begin() + 1, outputs.begin() + 1 + carriedCount);
    for (auto [i, scan] : llvm::enumerate(scans))
      scan.push_back(outputs[1 + carriedCount + i].value);
  }
  if (trip == 0 && !scans.empty())
    return {n.refuse("expects at least one trip where there are scan outputs")};
  if (carried.size() == 1 && carried.front().isList && scans.empty()) {
    n.listOutput = carried.front().list;
    return {};
  }
  Values results;
  for (const Entry &entry : carried)
    results.push_back(entry.value);
  for (ArrayRef<Value> scan : scans)
    results.push_back(stackResults(n, scan, 0));
  return results;
}

//===- Scan -===//

/// One entry per scan input or output, `otherwise` where the attribute is absent.
struct ScanPlan {
  Ints inputAxes, inputDirections, outputAxes, outputDirections;
  size_t states = 0, scans = 0, scanOutputs = 0;
};

std::optional<ScanPlan> planScan(Node &n) {
  ScanPlan plan;
  int64_t scans = n.integer("num_scan_inputs", 0), inputs = n.numInputs();
  if (n.version < 9 || scans < 1 || scans > inputs || int64_t(n.numOutputs()) < inputs - scans) {
    n.refuse("expects opset 9 or newer and num_scan_inputs to be the number of scanned inputs");
    return std::nullopt;
  }
  plan.scans = scans;
  plan.states = inputs - scans;
  plan.scanOutputs = n.numOutputs() - plan.states;
  plan.inputAxes = n.integersOr("scan_input_axes", plan.scans, 0);
  plan.inputDirections = n.integersOr("scan_input_directions", plan.scans, 0);
  plan.outputAxes = n.integersOr("scan_output_axes", plan.scanOutputs, 0);
  plan.outputDirections = n.integersOr("scan_output_directions", plan.scanOutputs, 0);
  if (plan.inputAxes.size() != plan.scans || plan.inputDirections.size() != plan.scans ||
      plan.outputAxes.size() != plan.scanOutputs || plan.outputDirections.size() != plan.scanOutputs) {
    n.refuse("expects one axis and direction per scanned input and output");
    return std::nullopt;
  }
  return plan;
}

/// Element `index` along an axis, without the axis.
Value element(Node &n, Value x, int64_t axis, int64_t index) {
  Value part = n.sliceAxis(x, axis, n.dim(index), n.dim(1));
  if (!part)
    return {};
  DimExprs dims = dimsOf(part);
  dims.erase(dims.begin() + axis);
  return n.reshape(part, dims);
}

std::optional<int64_t> scanLength(Node &n, ScanPlan &plan) {
  std::optional<int64_t> length;
  for (size_t i = 0; i < plan.scans; ++i) {
    Value x = n.in(unsigned(plan.states + i));
    auto axis = x ? n.axis(plan.inputAxes[i], rankOf(x)) : std::nullopt;
    auto size = axis ? constantDim(dimsOf(x)[*axis]) : std::nullopt;
    if (!axis)
      return std::nullopt;
    if (!size || *size < 1 || *size > kMaxTrips || (length && *length != *size)) {
      n.refuse("expects scanned inputs of one static length of 1 to " + Twine(kMaxTrips));
      return std::nullopt;
    }
    plan.inputAxes[i] = *axis;
    length = size;
  }
  return length;
}

Values scan(Node &n) {
  const onnx::GraphProto *body = graph(n, "body");
  auto plan = body ? planScan(n) : std::nullopt;
  auto length = plan ? scanLength(n, *plan) : std::nullopt;
  if (!length)
    return {};
  Entries states;
  for (unsigned i = 0; i < plan->states; ++i)
    states.push_back(tensorEntry(n.in(i)));
  SmallVector<SmallVector<Value>> results(plan->scanOutputs);
  for (int64_t trip = 0; trip < *length; ++trip) {
    Entries inputs = states, outputs;
    for (size_t i = 0; i < plan->scans; ++i) {
      int64_t index = plan->inputDirections[i] ? *length - 1 - trip : trip;
      inputs.push_back(tensorEntry(element(n, n.in(unsigned(plan->states + i)), plan->inputAxes[i], index)));
    }
    if (!importBody(n, *body, inputs, Twine(trip) + "/", outputs) || outputs.size() != plan->states + plan->scanOutputs)
      return {};
    states.assign(outputs.begin(), outputs.begin() + plan->states);
    for (size_t i = 0; i < plan->scanOutputs; ++i)
      results[i].push_back(outputs[plan->states + i].value);
  }
  Values all;
  for (const Entry &state : states)
    all.push_back(state.value);
  for (auto [i, slices] : llvm::enumerate(results)) {
    if (plan->outputDirections[i])
      std::reverse(slices.begin(), slices.end());
    auto axis = slices.front() ? n.axis(plan->outputAxes[i], rankOf(slices.front()) + 1) : std::nullopt;
    all.push_back(axis ? stackResults(n, slices, *axis) : Value());
  }
  return all;
}

constexpr ConverterEntry kTable[] = {
    {"If", 1, kNewest, ifNode},
    {"Loop", 1, kNewest, loop},
    {"Scan", 9, kNewest, scan},
};

} // namespace

llvm::ArrayRef<ConverterEntry> controlConverters() { return kTable; }

} // namespace lathe::importer
