//===- InspectJson.cpp - what an artifact is made of ----------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tools/lathe/InspectJson.h"

#include "tools/lathe/Error.h"

namespace lathe::cli {

using artifact::BufferKind;
using artifact::ExprCode;
using artifact::SymbolKind;
using Json = nlohmann::ordered_json;

namespace {

std::string textOf(const flatbuffers::String *text) { return text ? text->str() : ""; }

template <typename T, typename Function> Json listOf(const T *vector, Function describeOne) {
  Json list = Json::array();
  if (vector)
    for (uint32_t i = 0; i < vector->size(); ++i)
      list.push_back(describeOne(vector->Get(i)));
  return list;
}

Json numberOrNull(runtime::Value value) { return value ? Json(*value) : Json(nullptr); }

std::string symbolName(const artifact::Program &program, int64_t number) {
  std::string name = program.symbols()->Get(static_cast<uint32_t>(number))->name()->str();
  return name.empty() ? fmt::format("s{}", number) : name;
}

const char *operatorOf(ExprCode code) {
  switch (code) {
  case ExprCode::Add:
    return "+";
  case ExprCode::Sub:
    return "-";
  case ExprCode::Mul:
    return "*";
  case ExprCode::FloorDiv:
    return "//";
  case ExprCode::Mod:
    return "%";
  case ExprCode::Eq:
    return "==";
  case ExprCode::Ne:
    return "!=";
  case ExprCode::Lt:
    return "<";
  case ExprCode::Le:
    return "<=";
  case ExprCode::And:
    return "and";
  case ExprCode::Or:
    return "or";
  default:
    return nullptr;
  }
}

std::string formatOp(ExprCode code, const std::string *args) {
  if (const char *symbol = operatorOf(code))
    return fmt::format("({} {} {})", args[0], symbol, args[1]);
  switch (code) {
  case ExprCode::Neg:
    return "-" + args[0];
  case ExprCode::Not:
    return "not " + args[0];
  case ExprCode::Select:
    return fmt::format("({} ? {} : {})", args[0], args[1], args[2]);
  case ExprCode::CeilDiv:
    return fmt::format("ceildiv({}, {})", args[0], args[1]);
  case ExprCode::Min:
    return fmt::format("min({}, {})", args[0], args[1]);
  case ExprCode::Max:
    return fmt::format("max({}, {})", args[0], args[1]);
  default:
    return fmt::format("quot({}, {})", args[0], args[1]);
  }
}

/// References are followed up to a length: they can make a text grow without
/// bounds.
std::string formatNested(const artifact::Program &program, uint32_t number, int depth) {
  constexpr size_t maxLength = 400;
  std::vector<std::string> stack;
  for (const artifact::ExprOp *op : *program.exprs()->Get(number)->code()) {
    size_t operands = runtime::exprOperands(op->code());
    std::string text;
    if (op->code() == ExprCode::Const)
      text = std::to_string(op->value());
    else if (op->code() == ExprCode::Symbol)
      text = symbolName(program, op->value());
    else if (op->code() == ExprCode::Ref)
      text = depth > 0 ? formatNested(program, static_cast<uint32_t>(op->value()), depth - 1) : "...";
    else
      text = formatOp(op->code(), stack.data() + stack.size() - operands);
    stack.resize(stack.size() - operands);
    stack.push_back(text.size() > maxLength ? "..." : text);
  }
  return stack.empty() ? "" : stack[0];
}

class Describer {
public:
  Describer(const Model &model, const Sizes &sizes)
      : manifest(model.manifest()), program(model.program()), sizes(sizes) {}

  Json run() const {
    return {{"producer", textOf(manifest.producer())},
            {"model", textOf(manifest.model())},
            {"flags", textOf(manifest.flags())},
            {"inputs", listOf(program.inputs(), [&](auto *tensor) { return tensorJson(*tensor); })},
            {"outputs", listOf(program.outputs(), [&](auto *tensor) { return tensorJson(*tensor); })},
            {"symbols", listOf(program.symbols(), [&](auto *symbol) { return symbolJson(*symbol); })},
            {"at", atJson()},
            {"targets", listOf(manifest.programs(), [&](auto *entry) { return targetJson(*entry); })},
            {"memory", memoryJson()},
            {"kernels", listOf(program.kernels(), [](auto *kernel) { return kernelJson(*kernel); })},
            {"calls", listOf(program.calls(), [&](auto *call) { return callJson(*call); })},
            {"buffers", listOf(program.buffers(), [&](auto *buffer) { return bufferJson(*buffer); })},
            {"decisions", listOf(manifest.decisions(), [](auto *decision) { return decisionJson(*decision); })},
            {"graph", listOf(manifest.graph(), [](auto *node) { return nodeJson(*node); })}};
  }

private:
  /// Constant sizes as numbers, others by their names.
  Json tensorJson(const artifact::TensorInfo &tensor) const {
    Json shape = Json::array();
    for (uint32_t i = 0; tensor.shape() && i < tensor.shape()->size(); ++i) {
      const auto &code = *program.exprs()->Get(tensor.shape()->Get(i))->code();
      bool isConst = code.size() == 1 && code.Get(0)->code() == ExprCode::Const;
      shape.push_back(isConst ? Json(code.Get(0)->value()) : Json(tensor.dim_names()->Get(i)->str()));
    }
    return {{"name", tensor.name()->str()},
            {"dtype", lathe_dtype_name(static_cast<lathe_dtype_t>(tensor.dtype()))},
            {"shape", shape}};
  }

  Json symbolJson(const artifact::Symbol &symbol) const {
    Json json = {{"name", symbol.name()->str()}, {"min", symbol.min()}, {"max", symbol.max()}};
    switch (symbol.kind()) {
    case SymbolKind::InputDim:
      json["from"] = fmt::format("axis {} of {}", symbol.element(), inputName(symbol.index()));
      break;
    case SymbolKind::InputValue:
      json["from"] = fmt::format("element {} of {}", symbol.element(), inputName(symbol.index()));
      break;
    case SymbolKind::Derived:
      json["from"] = formatExpr(program, symbol.expr());
      break;
    case SymbolKind::TensorValue:
      json["from"] = fmt::format("computed by call {}", symbol.after_call());
      break;
    }
    return json;
  }
  std::string inputName(uint32_t index) const { return program.inputs()->Get(index)->name()->str(); }

  Json atJson() const {
    Json at = Json::object();
    for (uint32_t i = 0; i < sizes.symbols.size(); ++i)
      if (program.symbols()->Get(i)->kind() != SymbolKind::TensorValue)
        at[symbolName(program, i)] = numberOrNull(sizes.symbols[i]);
    return at;
  }

  static Json targetJson(const artifact::Program &entry) {
    return {{"arch", entry.target()->arch()->str()},
            {"cpu", entry.target()->cpu()->str()},
            {"features", listOf(entry.target()->features(), [](auto *feature) { return feature->str(); })},
            {"code_bytes", entry.code_bytes()},
            {"kernels", entry.kernels()->size()},
            {"calls", entry.calls()->size()}};
  }

  Json memoryJson() const {
    uint64_t weights = 0;
    if (manifest.weights())
      for (const artifact::WeightsSegment *segment : *manifest.weights())
        weights += segment->size();
    const artifact::MemoryPlan &plan = *program.memory();
    return {{"arena_bytes", numberOrNull(sizes[plan.arena_bytes()])},
            {"lower_bound_bytes", numberOrNull(sizes[plan.lower_bound_bytes()])},
            {"no_reuse_bytes", numberOrNull(sizes[plan.no_reuse_bytes()])},
            {"weights_bytes", weights},
            {"arena", formatExpr(program, plan.arena_bytes())}};
  }

  static Json kernelJson(const artifact::Kernel &kernel) {
    return {{"name", kernel.name()->str()}, {"description", textOf(kernel.description())}};
  }

  Json callJson(const artifact::Call &call) const {
    return {
        {"kernel", program.kernels()->Get(call.kernel())->name()->str()},
        {"nodes", listOf(call.nodes(), [](auto *name) { return name->str(); })},
        {"args", call.args() ? Json(std::vector<uint32_t>(call.args()->begin(), call.args()->end())) : Json::array()},
        {"tasks", numberOrNull(sizes[call.tasks()])},
        {"rounds", call.rounds() ? numberOrNull(sizes[*call.rounds()]) : Json(1)},
        {"joins", call.joins()},
        {"flops", numberOrNull(sizes[call.flops()])},
        {"bytes", numberOrNull(sizes[call.bytes()])},
        {"scratch_bytes", numberOrNull(sizes[call.scratch_bytes()])}};
  }

  Json bufferJson(const artifact::Buffer &buffer) const {
    static constexpr const char *kinds[] = {"input", "output", "weights", "arena", "late"};
    Json json = {{"name", textOf(buffer.name())},
                 {"kind", kinds[static_cast<int>(buffer.kind())]},
                 {"bytes", numberOrNull(sizes[buffer.size()])},
                 {"first_call", buffer.first_call()},
                 {"last_call", buffer.last_call()}};
    if (buffer.kind() == BufferKind::Arena)
      json["offset"] = numberOrNull(sizes[buffer.arena_offset()]);
    return json;
  }

  static Json decisionJson(const artifact::Decision &decision) {
    return {{"node", decision.node()->str()},
            {"what", decision.what()->str()},
            {"taken", decision.taken()},
            {"reason", decision.reason()->str()}};
  }

  static Json nodeJson(const artifact::GraphNode &node) {
    return {{"name", node.name()->str()},
            {"op", node.op()->str()},
            {"producers", node.producers()
                              ? Json(std::vector<uint32_t>(node.producers()->begin(), node.producers()->end()))
                              : Json::array()}};
  }

  const artifact::Manifest &manifest;
  const artifact::Program &program;
  const Sizes &sizes;
};

} // namespace

std::string formatExpr(const artifact::Program &program, uint32_t expr) {
  constexpr int maxDepth = 8;
  return formatNested(program, expr, maxDepth);
}

Json describe(const Model &model, const Sizes &sizes) { return Describer(model, sizes).run(); }

} // namespace lathe::cli
