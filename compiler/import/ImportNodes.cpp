// The walk over nodes: names, scopes, function bodies, and the report of what was refused.
#include "compiler/import/Importer.h"
#include "compiler/import/Tensors.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;

namespace lathe::importer {

namespace {
constexpr size_t kMaxNodes = 500000; // function bodies and unrolled loops included
constexpr unsigned kMaxDepth = 64;   // of function calls and subgraphs

std::string normalDomain(const onnx::NodeProto &node) { return node.domain() == "ai.onnx" ? "" : node.domain(); }

/// The node with the references to attributes of the surrounding call replaced by their values; in subgraphs too.
void resolveAttributes(onnx::NodeProto &node, const AttributeMap &values) {
  auto *attributes = node.mutable_attribute();
  for (int i = attributes->size() - 1; i >= 0; --i) {
    onnx::AttributeProto &attribute = *attributes->Mutable(i);
    if (attribute.ref_attr_name().empty())
      continue;
    const onnx::AttributeProto *value = values.lookup(attribute.ref_attr_name());
    std::string name = attribute.name();
    if (!value) {
      attributes->DeleteSubrange(i, 1);
      continue;
    }
    attribute = *value;
    attribute.set_name(name);
  }
}

bool hasReferences(const onnx::NodeProto &node) {
  return llvm::any_of(node.attribute(), [](const onnx::AttributeProto &a) { return !a.ref_attr_name().empty(); });
}

std::string notSupported(const NodeReport &entry) {
  return entry.version == 0 ? "the model imports no version of this domain" : "this operator is not supported";
}

/// Operations other than constants after `before` (null: from the block's beginning).
size_t countOps(Block &block, Operation *before) {
  size_t count = 0;
  for (auto it = before ? std::next(Block::iterator(before)) : block.begin(); it != block.end(); ++it)
    count += !isa<nn::ConstantOp, nn::DimValuesOp, nn::ShapeOfOp>(*it);
  return count;
}
} // namespace

void Importer::importNodes(const google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes, Scope &scope) {
  for (const onnx::NodeProto &node : nodes) {
    if (++nodesWalked > kMaxNodes) {
      refuseModel("expects fewer than " + Twine(kMaxNodes) + " nodes, function bodies and unrolled loops included");
      return;
    }
    if (!scope.attributes || !hasReferences(node)) {
      importNode(node, scope);
      continue;
    }
    onnx::NodeProto resolved = node;
    resolveAttributes(resolved, *scope.attributes);
    importNode(resolved, scope);
  }
}

std::string Importer::nodeName(const onnx::NodeProto &node, const Scope &scope) {
  std::string name = node.name();
  if (name.empty())
    name = node.op_type() + "_" + std::to_string(opCounts[scope.prefix + node.op_type()]++);
  return scope.prefix + name;
}

/// Whether there is any way to convert such a node. Nodes behind a refused one are told apart by it: all that is missing is
/// reported in one run.
bool Importer::hasMeaning(const onnx::NodeProto &node, const NodeReport &entry) const {
  if (localFunction(node) || findConverter(entry.domain, entry.op, entry.version))
    return true;
  if (entry.version <= 0 || entry.version > INT_MAX)
    return false;
  const onnx::OpSchema *schema = onnx::OpSchemaRegistry::Schema(entry.op, int(entry.version), entry.domain);
  return schema && (schema->HasFunction() || schema->HasContextDependentFunction());
}

void Importer::importNode(const onnx::NodeProto &node, Scope &scope) {
  NodeReport entry;
  entry.node = nodeName(node, scope);
  entry.op = node.op_type();
  entry.domain = normalDomain(node);
  auto version = scope.opsets->find(entry.domain);
  entry.version = version == scope.opsets->end() ? 0 : version->second;
  if (fetchInputs(node, scope))
    entry = convert(node, scope, std::move(entry));
  else if (hasMeaning(node, entry))
    entry.status = NodeStatus::blocked;
  else {
    entry.status = NodeStatus::unsupported;
    entry.reason = notSupported(entry);
  }
  bool isBad = entry.status == NodeStatus::unsupported || entry.status == NodeStatus::blocked;
  if (entry.status == NodeStatus::unsupported) {
    std::string domain = entry.domain.empty() ? "ai.onnx" : entry.domain;
    emitError(NameLoc::get(builder.getStringAttr(entry.node)))
        << file.name() << ": node '" << entry.node << "' (" << entry.op << ", " << domain << " " << entry.version
        << "): " << entry.reason;
  }
  hasFailed |= isBad;
  for (const std::string &output : node.output())
    if (!output.empty() && isBad)
      scope.values[output] = Entry::failed();
  if (report && scope.depth == 0)
    report->push_back(std::move(entry));
}

/// Makes the constants of initializers that the node reads. False if it needs the result of a refused node.
bool Importer::fetchInputs(const onnx::NodeProto &node, Scope &scope) {
  for (const std::string &input : node.input()) {
    if (input.empty())
      continue;
    const Entry *entry = scope.find(input);
    if (!entry) {
      const onnx::TensorProto *tensor = scope.attributes ? nullptr : file.initializer(input);
      entry = &(main.values[tensor ? input : ""] = tensor ? initializerEntry(*tensor) : Entry::failed());
      if (!tensor)
        refuseModel("node '" + node.name() + "' reads '" + input + "', which nothing computes");
    }
    if (entry->isFailed)
      return false;
  }
  return true;
}

NodeReport Importer::convert(const onnx::NodeProto &proto, Scope &scope, NodeReport entry) {
  Location loc = NameLoc::get(builder.getStringAttr(entry.node));
  Block &block = *builder.getInsertionBlock();
  Operation *before = block.empty() ? nullptr : &block.back();
  Node node(*this, proto, entry.version, scope, Emit(builder, loc, entry.node, symbols), *contents);
  const onnx::FunctionProto *local = localFunction(proto);
  const ConverterEntry *converter = local ? nullptr : findConverter(entry.domain, entry.op, entry.version);
  const onnx::FunctionProto *body = local;
  if (!local && !converter)
    body = standardFunction(proto, scope, entry.version);
  if (converter)
    entry.reason = runConverter(converter->convert, node);
  else if (body)
    entry.reason = expand(*body, proto, scope,
                          local ? nullptr : onnx::OpSchemaRegistry::Schema(entry.op, int(entry.version), entry.domain),
                          entry.node);
  else
    entry.reason = notSupported(entry);
  size_t made = countOps(block, before);
  entry.status = !entry.reason.empty() ? NodeStatus::unsupported
                 : made == 0           ? NodeStatus::folded
                 : made == 1           ? NodeStatus::native
                                       : NodeStatus::decomposed;
  return entry;
}

/// Operators that know narrow types, or copy elements without a look at them.
static bool takesNarrow(StringRef op) {
  return llvm::is_contained({"Cast",
                             "CastLike",
                             "QuantizeLinear",
                             "DequantizeLinear",
                             "Identity",
                             "Reshape",
                             "Transpose",
                             "Squeeze",
                             "Unsqueeze",
                             "Flatten",
                             "Shape",
                             "Size",
                             "Slice",
                             "Gather",
                             "Concat",
                             "Split",
                             "Expand",
                             "If",
                             "Loop",
                             "Scan",
                             "GatherBlockQuantized"},
                            op);
}

/// An input of bytes to which arithmetic would do something else than the model means; null if there is none.
static const Entry *misunderstoodInput(const Node &node) {
  for (unsigned i = 0; i < node.numInputs() && !takesNarrow(node.proto.op_type()); ++i)
    if (node.narrow(i) != 0)
      return node.entry(i);
  return nullptr;
}

/// Converters move bytes that stand for narrow elements like any others, and don't say so.
static void setResult(Node &node, unsigned index, Value result) {
  const Entry *first = node.entry(0);
  bool isMoved = first && first->value && getElementTypeOrSelf(first->value) == getElementTypeOrSelf(result);
  int32_t inherited = isMoved ? first->narrow : 0;
  Entry &entry = node.scope.values[node.proto.output(int(index))];
  entry.value = result;
  entry.narrow = node.narrowResult.value_or(inherited);
}

/// The errors of a converter, empty if it succeeded.
std::string Importer::runConverter(Converter convert, Node &node) {
  if (const Entry *input = misunderstoodInput(node))
    return "is not supported on " + typeName(input->narrow);
  std::string errors;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      errors += (errors.empty() ? "" : "; ") + diagnostic.str();
    return success();
  });
  Values results = convert(node);
  if (node.listOutput && errors.empty() && node.wants(0)) {
    Entry &entry = node.scope.values[node.proto.output(0)];
    entry.list = *node.listOutput;
    entry.isList = true;
    return "";
  }
  bool isRefused = !node.isComplete && (results.empty() || !results.front());
  for (unsigned i = 0; i < node.numOutputs() && !isRefused && errors.empty(); ++i) {
    if (!node.wants(i))
      continue;
    if (i < results.size() && results[i])
      setResult(node, i, results[i]);
    else if (!node.isComplete)
      errors = "output " + std::to_string(i) + " is not supported";
  }
  return isRefused && errors.empty() ? "not supported" : errors;
}

//===- function bodies -===//

const onnx::FunctionProto *Importer::localFunction(const onnx::NodeProto &node) const {
  return functions.lookup(node.domain() + ":" + node.op_type() + ":" + node.overload());
}

const onnx::FunctionProto *Importer::standardFunction(const onnx::NodeProto &node, Scope &scope, int64_t version) {
  if (version <= 0 || version > INT_MAX)
    return nullptr;
  const onnx::OpSchema *schema = onnx::OpSchemaRegistry::Schema(node.op_type(), int(version), normalDomain(node));
  if (!schema)
    return nullptr;
  if (schema->HasFunction())
    return schema->GetFunction(int(version));
  if (!schema->HasContextDependentFunction())
    return nullptr;
  std::vector<onnx::TypeProto> types;
  for (const std::string &input : node.input()) {
    const Entry *entry = input.empty() ? nullptr : scope.find(input);
    types.push_back(entry && entry->value ? toOnnxType(typeOf(entry->value)) : onnx::TypeProto());
  }
  auto function = std::make_unique<onnx::FunctionProto>();
  try {
    onnx::FunctionBodyBuildContextImpl build(node, types);
    if (!schema->BuildContextDependentFunction(build, *function, int(version)))
      return nullptr;
  } catch (const std::exception &) {
    return nullptr;
  }
  builtFunctions.push_back(std::move(function));
  return builtFunctions.back().get();
}

std::string Importer::expand(const onnx::FunctionProto &function, const onnx::NodeProto &node, Scope &scope,
                             const onnx::OpSchema *schema, const std::string &name) {
  if (scope.depth >= kMaxDepth)
    return "function bodies are nested too deeply";
  if (node.input_size() > function.input_size() || node.output_size() > function.output_size())
    return "has more inputs or outputs than its function";
  AttributeMap attributes;
  if (schema)
    for (const auto &[key, attribute] : schema->attributes())
      if (attribute.default_value.type() != onnx::AttributeProto::UNDEFINED)
        attributes[key] = &attribute.default_value;
  for (const auto &attribute : function.attribute_proto())
    attributes[attribute.name()] = &attribute;
  for (const auto &attribute : node.attribute())
    attributes[attribute.name()] = &attribute;
  OpsetVersions versions;
  for (const auto &[domain, version] : *scope.opsets)
    if (schema)
      versions[domain] = version;
  for (const auto &entry : function.opset_import())
    versions[entry.domain() == "ai.onnx" ? "" : entry.domain()] = entry.version();
  Scope body;
  body.opsets = &versions;
  body.attributes = &attributes;
  body.prefix = name + "/";
  body.depth = scope.depth + 1;
  for (int i = 0; i < function.input_size(); ++i) {
    const Entry *entry = i < node.input_size() && !node.input(i).empty() ? scope.find(node.input(i)) : nullptr;
    body.values[function.input(i)] = entry ? *entry : Entry();
  }
  importNodes(function.node(), body);
  for (int i = 0; i < node.output_size(); ++i) {
    if (node.output(i).empty())
      continue;
    const Entry *entry = body.find(function.output(i));
    if (!entry || entry->isFailed)
      return "a node of its function body is not supported";
    scope.values[node.output(i)] = *entry;
  }
  return "";
}

bool Importer::importSubgraph(const onnx::GraphProto &graph, Scope &parent, ArrayRef<Entry> inputs,
                              const std::string &prefix, SmallVectorImpl<Entry> &outputs) {
  Scope scope;
  scope.parent = &parent;
  scope.opsets = parent.opsets;
  scope.attributes = parent.attributes;
  scope.prefix = prefix;
  scope.depth = parent.depth + 1;
  if (scope.depth > kMaxDepth || graph.input_size() != int(inputs.size()))
    return false;
  for (auto [input, entry] : llvm::zip_equal(graph.input(), inputs))
    scope.values[input.name()] = entry;
  for (const onnx::TensorProto &tensor : graph.initializer())
    scope.values[tensor.name()] = initializerEntry(tensor);
  importNodes(graph.node(), scope);
  for (const onnx::ValueInfoProto &output : graph.output()) {
    const Entry *entry = scope.find(output.name());
    if (!entry) {
      const onnx::TensorProto *tensor = scope.attributes ? nullptr : file.initializer(output.name());
      if (!tensor)
        return false;
      entry = &(main.values[output.name()] = initializerEntry(*tensor));
    }
    if (entry->isFailed)
      return false;
    outputs.push_back(*entry);
  }
  return true;
}

} // namespace lathe::importer
